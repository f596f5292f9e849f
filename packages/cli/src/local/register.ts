import type { Command } from 'commander'
import { serverOptions } from './server-options.ts'

// The server is loaded only by the commands that need it: the others start in a fraction of the time.
const serving = () => import('./server-commands.ts')
const tenancy = () => import('./tenancy-commands.ts')
const backups = () => import('./backup-commands.ts')

/** Commands that work on the installation of this machine. */
export function registerLocal(program: Command): void {
  registerServing(program)
  registerKeeping(program)
  registerTenancy(program)
}

function registerServing(program: Command): void {
  const quickStart = program
    .command('quick-start')
    .description('a server on this machine with embedded defaults, and a demo: what npm start runs')
    .option('--empty', 'without the demo')
    .action(async (options) => (await import('../quick-start/quick-start.ts')).quickStart(options))
  const server = program
    .command('server')
    .description('run the server: the production command; logs are JSON lines on standard output')
    .option('--host <address>', 'address to listen on (127.0.0.1)')
    .action(async (options) => (await serving()).serve(options))
  for (const option of serverOptions) {
    quickStart.addOption(option)
    server.addOption(option)
  }
  const config = program.command('config').description('the settings of the server on this machine')
  config
    .command('check')
    .description('name every fault of file and environment at once')
    .option('--data <directory>')
    .action(async (options, command) => (await serving()).checkConfig(options, command))
  config
    .command('print')
    .description('every setting in force, secrets hidden')
    .option('--data <directory>')
    .action(async (options, command) => (await serving()).printConfig(options, command))
  program
    .command('migrate')
    .description('bring the database up to date; the server does it at each start')
    .option('--dry-run', 'only print what would be done')
    .option('--data <directory>')
    .action(async (options, command) => (await serving()).migrateDatabase(options, command))
}

function registerKeeping(program: Command): void {
  program
    .command('backup')
    .argument('<file>')
    .description('one consistent archive of database, blobs and secrets, while the server runs')
    .option('--data <directory>')
    .action(async (file, options, command) => (await backups()).backup(file, options, command))
  program
    .command('restore')
    .argument('<file>')
    .description('check a backup, or make a data directory out of it')
    .option('--verify', 'check everything and touch nothing')
    .option('--into <directory>', 'a new data directory')
    .option('--database <url>', 'an empty PostgreSQL database, for a backup of one')
    .action(async (file, options, command) => (await backups()).restore(file, options, command))
  program
    .command('doctor')
    .description('look at the installation on this machine, and say how to mend what is wrong')
    .option('--deep', 'also read every blob and check its digest')
    .option('--rebuild-index', 'make the index of devices anew, also while the server runs')
    .option('--data <directory>')
    .action(async (options, command) => (await import('./doctor.ts')).doctor(options, command))
}

function registerTenancy(program: Command): void {
  const organisation = program.command('organisation').description('organisations of the server on this machine')
  organisation
    .command('create')
    .argument('<name>')
    .description('a further organisation with its first owner')
    .requiredOption('--email <address>', 'the owner’s; an account that exists keeps its password')
    .requiredOption('--owner-name <name>', 'the owner’s name')
    .option('--password-stdin', 'read the owner’s password from standard input')
    .option('--data <directory>')
    .action(async (name, options, command) => (await tenancy()).createOrganisation(name, options, command))
  organisation
    .command('list')
    .description('the organisations')
    .option('--data <directory>')
    .action(async (options, command) => (await tenancy()).listOrganisations(options, command))
  program
    .command('recover')
    .description('ways back in, from this machine only')
    .command('owner')
    .argument('<email>')
    .description('set a new password; ends second factors, passkeys and sessions; recorded in the audit log')
    .option('--password-stdin', 'read the new password from standard input')
    .option('--data <directory>')
    .action(async (email, options, command) => (await tenancy()).recoverOwner(email, options, command))
}
