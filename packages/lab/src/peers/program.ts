import { spawn, spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { waitFor } from './wait.ts'

/** A third-party program that runs as long as the object is in use. */
export interface Program extends AsyncDisposable {
  /** Everything it has written so far, standard output and errors together. */
  output(): string
  /** Waits until its output from `from` on matches; answers the match. */
  said(pattern: RegExp, seconds: number, from?: number): Promise<RegExpMatchArray>
  /** Undefined while it runs. */
  exitCode(): number | undefined
  signal(name: NodeJS.Signals): void
  stop(): Promise<void>
}

export interface ProgramOptions {
  readonly command: string
  readonly args: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
}

const keptOutput = 2 * 1024 * 1024

export function startProgram({ command, args, environment }: ProgramOptions): Program {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin', LANG: 'C.UTF-8', ...environment },
  })
  let text = ''
  let code: number | undefined
  const keep = (part: string) => {
    if (text.length < keptOutput) text += part
  }
  child.stdout.setEncoding('utf8').on('data', keep)
  child.stderr.setEncoding('utf8').on('data', keep)
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      keep(`${command}: ${error.message}\n`)
      code = 127
      resolve()
    })
    child.once('close', (status) => {
      code ??= status ?? 128
      resolve()
    })
  })
  const stop = async () => {
    if (code === undefined) child.kill('SIGKILL')
    await ended
  }
  return {
    output: () => text,
    said: (pattern, seconds, from = 0) =>
      waitFor(
        `${pattern} from ${command}`,
        () => {
          const match = text.slice(from).match(pattern)
          if (match === null && code !== undefined) throw new Error(`${command} ended with ${code}:\n${tail(text)}`)
          return match ?? undefined
        },
        { seconds, context: () => tail(text) },
      ),
    exitCode: () => code,
    signal: (name) => {
      const inner = innermost(child.pid)
      if (inner !== undefined && code === undefined) process.kill(inner, name)
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

export function tail(text: string): string {
  return text.length > 6_000 ? `… ${text.slice(-6_000)}` : text
}

/** The program itself below `unshare`, which neither passes signals on nor is what they are meant for. */
function innermost(pid: number | undefined): number | undefined {
  if (pid === undefined) return undefined
  const children = spawnSync('cat', [`/proc/${pid}/task/${pid}/children`], { encoding: 'utf8' }).stdout.trim()
  const first = children.split(' ')[0]
  return first === undefined || first === '' ? pid : Number(first)
}

export function isInstalled(program: string): boolean {
  return [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'].some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
