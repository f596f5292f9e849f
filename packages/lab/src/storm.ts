import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface Storm {
  readonly url: string
  readonly authority: string
  /** Of the clients, PEM; all show the same, which costs the server as much as one each. */
  readonly certificate: string
  readonly key: string
  readonly clients: number
  /** What the clients ask for, in turn. */
  readonly targets: readonly { readonly path: string; readonly headers: Readonly<Record<string, string>> }[]
  /** After this they give up. */
  readonly seconds: number
}

export interface StormOutcome {
  served: number
  /** How often each status came; 0 is a connection that broke. */
  readonly answers: Record<number, number>
  withoutRetryAfter: number
  readonly broken: Record<string, number>
  slowestMilliseconds: number
}

/** Raises a storm of connections from another process and answers what it met with. */
export function raiseStorm(storm: Storm): Promise<StormOutcome> {
  const main = fileURLToPath(new URL('./storm-main.ts', import.meta.url))
  const child = spawn(process.execPath, [main, JSON.stringify(storm)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH ?? '', NODE_NO_WARNINGS: '1' },
  })
  const limit = setTimeout(() => child.kill('SIGKILL'), (storm.seconds + 30) * 1_000)
  let text = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part
  })
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    errors += part
  })
  return new Promise((resolve, reject) => {
    child.once('close', (code) => {
      clearTimeout(limit)
      if (code === 0) resolve(JSON.parse(text) as StormOutcome)
      else reject(new Error(`the storm ended with ${code}: ${errors}`))
    })
  })
}
