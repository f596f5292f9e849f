import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../src/main.ts', import.meta.url))

export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface CommandLine extends AsyncDisposable {
  /** A directory of its own: working directory, home and configuration. */
  readonly directory: string
  run(args: readonly string[], options?: { input?: string; env?: Readonly<Record<string, string>> }): Promise<Ran>
  /** Runs and parses what it printed; throws what it said where it failed. */
  json<T>(args: readonly string[]): Promise<T>
  /** Starts it and lets it run. */
  start(args: readonly string[]): ChildProcess
}

/** The real command line, as a process of its own, with a home of its own. */
export async function openCommandLine(environment: Readonly<Record<string, string>> = {}): Promise<CommandLine> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-cli-'))
  const inherited = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('HOLDFAST_') && name !== 'NODE_TEST_CONTEXT',
  )
  const env = {
    ...Object.fromEntries(inherited),
    HOME: directory,
    XDG_CACHE_HOME: process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'),
    XDG_CONFIG_HOME: join(directory, 'config'),
    ...environment,
  }
  const start = (args: readonly string[], more: Readonly<Record<string, string>> = {}) =>
    spawn(process.execPath, [program, ...args], {
      cwd: directory,
      env: { ...env, ...more },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
  const run: CommandLine['run'] = async (args, { input = '', env: more = {} } = {}) => {
    const child = start(args, more)
    let [out, err] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text
    })
    child.stdin.on('error', () => {})
    child.stdin.end(input)
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
    return { code, out, err }
  }
  return {
    directory,
    run,
    start,
    async json<T>(args: readonly string[]) {
      const { code, out, err } = await run([...args, '--json'])
      if (code !== 0) throw new Error(`holdfast ${args.join(' ')} ended with ${code}: ${err}`)
      return JSON.parse(out) as T
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  }
}
