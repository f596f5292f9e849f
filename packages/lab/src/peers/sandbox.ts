import { spawnSync } from 'node:child_process'
import { isInstalled } from './program.ts'

/**
 * Arguments of `unshare` that give a program its own mounts and processes: as any user through a user namespace,
 * or as root where those are forbidden. What is started inside dies with `unshare`. Undefined: not possible here.
 */
export function findSandbox(): readonly string[] | undefined {
  found ??= { flags: candidates.find(works) }
  return found.flags
}

let found: { readonly flags: readonly string[] | undefined } | undefined

const base = ['--mount', '--pid', '--fork', '--kill-child']
const candidates = [['--user', '--map-root-user', ...base], base]

function works(flags: readonly string[]): boolean {
  return spawnSync('unshare', [...flags, 'mount', '-t', 'tmpfs', 'none', '/mnt'], { stdio: 'ignore' }).status === 0
}

/** Why a peer cannot run on this machine, as one line for `t.skip`; undefined when it can. */
export function whyNotRunnable(program: string, name = program): string | undefined {
  if (process.platform !== 'linux') return `${name} runs on Linux only`
  if (!isInstalled(program)) return `${name} is not installed`
  if (findSandbox() === undefined) return `${name} needs a private mount namespace, which this machine does not allow`
  return undefined
}

/** Runs a shell script in a sandbox; parameters arrive as $1, $2 … */
export function sandboxed(script: string, parameters: readonly string[]): { command: string; args: string[] } {
  const flags = findSandbox()
  if (flags === undefined) throw new Error('no private mount namespace on this machine')
  return { command: 'unshare', args: [...flags, 'bash', '-euc', script, 'sandbox', ...parameters] }
}
