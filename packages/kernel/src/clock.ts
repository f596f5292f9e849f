/** Milliseconds since 1970-01-01T00:00:00Z. */
export type Instant = number

export interface Clock {
  now(): Instant
}

export const systemClock: Clock = { now: () => Date.now() }

/** A clock that moves only when told; for tests and for replaying decisions. */
export function manualClock(start: Instant): Clock & { advance(milliseconds: number): void } {
  let at = start
  return {
    now: () => at,
    advance: (milliseconds) => {
      at += milliseconds
    },
  }
}

export const second = 1_000
export const minute = 60 * second
export const hour = 60 * minute
export const day = 24 * hour
