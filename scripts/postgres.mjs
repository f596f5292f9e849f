// A PostgreSQL server of our own for one test run: private directory, private socket, no network, gone afterwards.
import { execFileSync, spawn } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Answers `{ url, stop }`, or undefined where PostgreSQL is not installed. */
export async function startPostgres() {
  const programs = findPrograms()
  if (programs === undefined) return undefined
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-postgres-'))
  const owner = unprivileged()
  if (owner !== undefined) chownSync(directory, owner.uid, owner.gid)
  const options = { cwd: directory, ...owner }
  const data = join(directory, 'data')
  execFileSync(
    join(programs, 'initdb'),
    ['-D', data, '-U', 'holdfast', '-A', 'trust', '--no-sync', '-E', 'UTF8', '--locale=C'],
    { ...options, stdio: 'ignore' },
  )
  const server = spawn(
    join(programs, 'postgres'),
    [
      '-D',
      data,
      '-k',
      directory,
      '-c',
      'listen_addresses=',
      '-c',
      'max_connections=200',
      '-c',
      'fsync=off',
      '-c',
      'full_page_writes=off',
      '-c',
      'shared_buffers=128MB',
      '-c',
      'log_min_messages=fatal',
      '-c',
      'max_pred_locks_per_transaction=256',
    ],
    { ...options, stdio: 'ignore' },
  )
  const ended = new Promise((resolve) => server.once('exit', resolve))
  for (let attempt = 0; attempt < 200 && !existsSync(join(directory, '.s.PGSQL.5432')); attempt += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return {
    url: `postgresql://holdfast@localhost/postgres?host=${encodeURIComponent(directory)}`,
    async stop() {
      server.kill('SIGQUIT')
      await ended
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

function findPrograms() {
  const base = '/usr/lib/postgresql'
  if (!existsSync(base)) return undefined
  const version = readdirSync(base).sort((left, right) => Number(right) - Number(left))[0]
  const programs = join(base, String(version), 'bin')
  return existsSync(join(programs, 'initdb')) && existsSync(join(programs, 'postgres')) ? programs : undefined
}

/** PostgreSQL refuses to run as root. */
function unprivileged() {
  if (process.getuid?.() !== 0) return undefined
  const id = (flag) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}
