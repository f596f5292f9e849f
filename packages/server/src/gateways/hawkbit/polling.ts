import { type Instant, second } from '@holdfast/kernel'

const shortest = 5

/** Seconds until a device should ask again: sooner, in thirds, when something is about to begin for it. */
export function decideSleep(pollSeconds: number, now: Instant, recheckAfter: Instant | undefined): number {
  if (recheckAfter === undefined) return pollSeconds
  const third = Math.ceil(Math.max(0, recheckAfter - now) / second / 3)
  return Math.min(pollSeconds, Math.max(shortest, third))
}

/** `HH:MM:SS`. */
export function formatSleep(seconds: number): string {
  const parts = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60]
  return parts.map((part) => String(part).padStart(2, '0')).join(':')
}
