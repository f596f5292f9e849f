import { day, hour, type Instant, minute } from '@holdfast/kernel'

/** Attempts that no success has redeemed yet. */
export interface Attempts {
  readonly count: number
  readonly lastAt: Instant
  readonly lockedUntil: Instant
}

export interface LockOutPolicy {
  /** Attempts that are free; the last of them locks. */
  readonly free: number
  readonly firstLock: number
  readonly longestLock: number
  /** After this long without an attempt the count begins anew. */
  readonly forgetAfter: number
}

/** Five failures lock an account for 15 minutes; each one after that, for twice as long as the one before. */
export const accountPolicy: LockOutPolicy = {
  free: 5,
  firstLock: 15 * minute,
  longestLock: day,
  forgetAfter: 2 * day,
}

/** Slows down one network address that tries many accounts; generous, because offices share addresses. */
export const addressPolicy: LockOutPolicy = { free: 30, firstLock: minute, longestLock: hour, forgetAfter: 2 * hour }

/**
 * Counts an attempt before it is tried, so that any number made at once still meets the limit. `redeemed` takes it
 * back. Undefined: locked, and the attempt must not be tried.
 */
export function decideAttempt(policy: LockOutPolicy, before: Attempts | undefined, now: Instant): Attempts | undefined {
  const known = before !== undefined && now - before.lastAt < policy.forgetAfter ? before : undefined
  if (known !== undefined && known.lockedUntil > now) return undefined
  const count = (known?.count ?? 0) + 1
  return { count, lastAt: now, lockedUntil: count < policy.free ? 0 : now + lockTime(policy, count) }
}

/** The attempt was no failure: it no longer counts, and the lock that it may have caused is off. */
export function redeemAttempt({ count, lastAt }: Attempts): Attempts {
  return { count: Math.max(0, count - 1), lastAt, lockedUntil: 0 }
}

function lockTime(policy: LockOutPolicy, count: number): number {
  return Math.min(policy.longestLock, policy.firstLock * 2 ** Math.min(count - policy.free, 20))
}
