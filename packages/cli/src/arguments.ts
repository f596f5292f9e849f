import { InvalidArgumentError } from 'commander'

/** Collects an option that may be given several times. */
export function several(value: string, before: readonly string[] = []): string[] {
  return [...before, value]
}

/** Collects `name=value`, given several times. */
export function pairs(value: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { ...before, ...parsePair(value) }
}

export function parsePair(text: string): Record<string, string> {
  const at = text.indexOf('=')
  if (at <= 0) throw new InvalidArgumentError('write it as name=value')
  return { [text.slice(0, at)]: text.slice(at + 1) }
}

export function integer(text: string): number {
  const number = Number(text)
  if (text.trim() === '' || !Number.isInteger(number)) throw new InvalidArgumentError('a whole number is needed')
  return number
}

export function percent(text: string): number {
  const number = Number(text.replace(/%$/, ''))
  if (!Number.isFinite(number) || number < 0 || number > 100) throw new InvalidArgumentError('0 to 100 is needed')
  return number
}

const spans: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A time as ISO 8601: given so, or as a span from now such as `2h` or `30d`. */
export function instant(text: string): string {
  const [, amount, unit] = /^\+?(\d+)([smhd])$/.exec(text) ?? []
  const at = amount === undefined ? Date.parse(text) : Date.now() + Number(amount) * (spans[unit ?? 's'] ?? 0)
  if (!Number.isFinite(at)) throw new InvalidArgumentError('a time such as 2026-12-01T08:00:00Z, or a span such as 2h')
  return new Date(at).toISOString()
}

/** A time that has passed: ISO 8601, or how long ago, such as `2h`. */
export function earlier(text: string): string {
  const [, amount, unit] = /^(\d+)([smhd])$/.exec(text) ?? []
  return amount === undefined
    ? instant(text)
    : new Date(Date.now() - Number(amount) * (spans[unit ?? 's'] ?? 0)).toISOString()
}

/** Drops members that were not given: the interface tells “absent” from “undefined”. */
export function given<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const present = Object.entries(values).filter(([, value]) => value !== undefined)
  return Object.fromEntries(present) as { [K in keyof T]?: Exclude<T[K], undefined> }
}
