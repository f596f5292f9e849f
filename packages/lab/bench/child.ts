import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { messageOf } from '@holdfast/kernel'

/** What a process has used until now. */
export interface Usage {
  /** Seconds of CPU time, all threads. */
  readonly cpu: number
  /** Bytes resident. */
  readonly memory: number
}

type Calls = { readonly [name: string]: (given: never) => unknown }

/** The calls of `C` as another process sees them. */
type Remote<C extends Calls> = {
  readonly [K in keyof C]: (...given: Parameters<C[K]>) => Promise<Awaited<ReturnType<C[K]>>>
}

export type Child<C extends Calls> = Remote<C> & {
  readonly usage: () => Promise<Usage>
  readonly stop: () => Promise<void>
}

interface Question {
  readonly id: number
  readonly name: string
  readonly given: unknown
}

interface Reply {
  readonly id: number
  readonly answer?: unknown
  readonly failure?: string
}

/** What `holdfast server` is started with, too: small young generations keep a mostly idle heap small. */
export const serverFlags = ['--max-semi-space-size=8']

/** And this, which gives freed memory back. */
const serverEnvironment = { MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '131072' }

/** Runs a file of this directory that calls `answerCalls` in a process of its own. */
export function startChild<C extends Calls>(file: string, flags: readonly string[] = []): Child<C> {
  const child = fork(join(import.meta.dirname, file), [], {
    execArgv: ['--disable-warning=ExperimentalWarning', ...flags],
    env: { ...process.env, ...serverEnvironment, HOLDFAST_TEST_POSTGRES: '' },
  })
  const open = new Map<number, { resolve: (answer: unknown) => void; reject: (reason: Error) => void }>()
  let count = 0
  child.on('message', ({ id, answer, failure }: Reply) => {
    const call = open.get(id)
    open.delete(id)
    if (failure === undefined) call?.resolve(answer)
    else call?.reject(new Error(failure))
  })
  child.on('exit', (code, signal) => {
    for (const call of open.values()) call.reject(new Error(`${file} ended with ${code ?? signal}`))
  })
  const call = (name: string, given: unknown) =>
    new Promise((resolve, reject) => {
      count += 1
      open.set(count, { resolve, reject })
      child.send({ id: count, name, given } satisfies Question)
    })
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    await call('stop', undefined)
    child.disconnect()
    await once(child, 'exit')
  }
  return new Proxy({} as Child<C>, {
    get: (_, name) =>
      name === 'stop' ? stop : name === 'then' ? undefined : (given: unknown) => call(String(name), given),
  })
}

/** The other side: answers the calls of whoever started this process. */
export function answerCalls(calls: Calls): void {
  const all: Calls = { usage, stop: () => {}, ...calls }
  process.on('message', async ({ id, name, given }: Question) => {
    const reply = async (): Promise<Reply> => {
      try {
        return { id, answer: await all[name]?.(given as never) }
      } catch (thrown) {
        return { id, failure: `${name}: ${thrown instanceof Error ? (thrown.stack ?? messageOf(thrown)) : thrown}` }
      }
    }
    process.send?.(await reply())
    if (name === 'stop') process.exitCode = 0
  })
  process.once('disconnect', () => process.exit(0))
}

function usage(): Usage {
  const { user, system } = process.cpuUsage()
  return { cpu: (user + system) / 1e6, memory: process.memoryUsage.rss() }
}
