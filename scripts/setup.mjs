// What every script needs before it can begin: the installed packages and the pinned runtime. Runs on any Node that runs npm.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))
export const runtime = join(root, 'node_modules', 'node', 'bin', 'node')

/** Installs exactly what package-lock.json says, if that has not been done for this lock file. */
export function ensureInstalled() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  const stamp = join(root, 'node_modules', '.holdfast-lock')
  if (existsSync(runtime) && existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return
  console.log('Installing the packages (once) …')
  must('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])
  if (!existsSync(runtime)) {
    console.error(
      'The pinned runtime was not installed: is npm forbidden to run the install script of the package “node”?',
    )
    process.exit(1)
  }
  writeFileSync(stamp, lock)
}

/** Builds the console if its sources have changed since it was last built. */
export function ensureConsoleBuilt() {
  const stamp = join(root, 'packages', 'console', 'dist', '.built-from')
  const state = consoleState()
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === state) return
  console.log('Building the console (once) …')
  must(runtime, [join(root, 'node_modules', 'vite', 'bin', 'vite.js'), 'build', '--logLevel', 'warn'], {
    cwd: join(root, 'packages', 'console'),
  })
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, state)
}

function consoleState() {
  const listed = spawnSync(
    'find',
    [
      'packages/console',
      'packages/client/src',
      'packages/protocol/src',
      'packages/kernel/src',
      '-type',
      'f',
      '-not',
      '-path',
      '*/dist/*',
      '-not',
      '-path',
      '*/node_modules/*',
      '-not',
      '-path',
      '*/tests/*',
      '-printf',
      '%p %s %T@\n',
    ],
    { cwd: root, encoding: 'utf8' },
  )
  return createHash('sha256')
    .update((listed.stdout ?? '').split('\n').sort().join('\n'))
    .digest('hex')
}

/** Runs a program to its end with our output; ends this process if it fails. */
export function must(command, args, options = {}) {
  const done = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options })
  if (done.status !== 0) process.exit(done.status ?? 1)
}

/** Runs a program in the foreground, hands signals on to it, and ends as it ends. */
export function become(command, args) {
  const child = spawn(command, args, { cwd: root, stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 128)))
}
