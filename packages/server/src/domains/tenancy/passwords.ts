import { hashPassword, verifyPassword } from '@holdfast/crypto/password'
import { Fault, newSecret } from '@holdfast/kernel'

/** Each derivation takes 128 MiB and a quarter of a second of one core: more at once would starve the devices. */
const atOnce = 2
const mayWait = 32

export interface Passwords {
  hash(password: string): Promise<string>
  /** Whether the password is right; takes as long where there is none to compare with. */
  matches(password: string, encoded: string | null | undefined): Promise<boolean>
}

/** Throws `session.busy` when too many people sign in at the same moment. */
export function createPasswords(): Passwords {
  const run = limit()
  let decoy: Promise<string> | undefined
  return {
    hash: (password) => run(() => hashPassword(password)),
    matches: (password, encoded) =>
      run(async () => {
        decoy ??= hashPassword(newSecret())
        const nothing = await decoy
        const right = await isRight(password, encoded ?? nothing)
        return right && encoded !== null && encoded !== undefined
      }),
  }
}

async function isRight(password: string, encoded: string): Promise<boolean> {
  try {
    await verifyPassword(password, encoded)
    return true
  } catch (thrown) {
    if (thrown instanceof Fault && thrown.code === 'crypto.wrong_password') return false
    throw thrown
  }
}

function limit() {
  let running = 0
  const waiting: (() => void)[] = []
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (running >= atOnce) {
      if (waiting.length >= mayWait) {
        throw new Fault('unavailable', 'session.busy', 'too many people sign in at this moment', { retryAfter: 2 })
      }
      await new Promise<void>((resolve) => waiting.push(resolve))
    } else running += 1
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) running -= 1
      else next()
    }
  }
}
