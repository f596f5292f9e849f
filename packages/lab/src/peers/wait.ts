import { setTimeout as sleep } from 'node:timers/promises'

export interface WaitOptions {
  readonly seconds: number
  /** Added to the message when time runs out: what the peer said last, for instance. */
  readonly context?: () => string
}

/** Asks again every 100 ms until the answer is neither undefined nor false; throws, saying what it waited for. */
export async function waitFor<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  { seconds, context }: WaitOptions,
): Promise<T> {
  const end = Date.now() + seconds * 1000
  while (true) {
    const found = await probe()
    if (found !== undefined && found !== false) return found
    if (Date.now() > end) throw new Error(`waited ${seconds} s in vain for ${what}\n${context?.() ?? ''}`)
    await sleep(100)
  }
}
