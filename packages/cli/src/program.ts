import { Command, Option } from 'commander'
import { registerArtifacts } from './commands/artifact.ts'
import { registerAudit } from './commands/audit.ts'
import { registerConfiguration } from './commands/configuration.ts'
import { registerDeployments } from './commands/deploy.ts'
import { registerDevices } from './commands/device.ts'
import { registerGroups } from './commands/group.ts'
import { registerKeys } from './commands/key.ts'
import { registerOverview } from './commands/overview.ts'
import { registerPeople } from './commands/people.ts'
import { registerProducts } from './commands/product.ts'
import { registerReleases } from './commands/release.ts'
import { registerSession } from './commands/session.ts'
import { registerSettings } from './commands/settings.ts'
import { completionScript } from './completion.ts'
import { outputOf } from './connection.ts'
import { registerLocal } from './local/register.ts'

const version = '0.1.0'

/** The whole command line. Exit statuses: docs/cli.md. */
export function createProgram(): Command {
  const program = new Command('holdfast')
    .description('The root of trust of an IoT product line: signed updates to real devices')
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError('(see: holdfast COMMAND --help)')
    .addOption(new Option('--json', 'print JSON, the shapes of the REST interface'))
    .addOption(new Option('--context <name>', 'use this stored sign-in'))
  for (const register of [
    registerSession,
    registerOverview,
    registerProducts,
    registerDevices,
    registerGroups,
    registerKeys,
    registerArtifacts,
    registerReleases,
    registerDeployments,
    registerConfiguration,
    registerAudit,
    registerPeople,
    registerSettings,
    registerLocal,
  ]) {
    register(program)
  }
  program
    .command('completion')
    .argument('<shell>', 'bash or zsh')
    .description('print a completion script: source <(holdfast completion bash)')
    .action((shell: string, _options: object, command: Command) => {
      if (shell !== 'bash' && shell !== 'zsh') command.error('error: the shell is bash or zsh')
      else process.stdout.write(completionScript(program, shell))
    })
  program
    .command('version')
    .description('which version this is')
    .action((_options: object, command: Command) => outputOf(command).show({ version }, () => `holdfast ${version}`))
  return program
}
