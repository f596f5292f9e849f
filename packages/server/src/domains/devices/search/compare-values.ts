import { canonicalValue, compareKeys, printed, textKey, type Value } from './value.ts'

export type RangeOperator = '<' | '<=' | '>' | '>='

/**
 * Whether `value` lies on the asked side of `literal`. A number is compared with numbers and with text that is a
 * plain decimal. Text that is a version is compared with versions, piece by piece. Other text is compared with text by
 * code point, ignoring ASCII case. What cannot be compared does not match.
 */
export function inRange(value: Value, operator: RangeOperator, literal: Value): boolean {
  const order = compareWith(canonicalValue(value), canonicalValue(literal))
  if (order === undefined) return false
  if (operator === '<') return order < 0
  if (operator === '<=') return order <= 0
  return operator === '>' ? order > 0 : order >= 0
}

const decimal = /^[+-]?\d{1,15}(?:\.\d{1,15})?$/

function compareWith(value: Value, literal: Value): number | undefined {
  if (typeof literal === 'boolean' || typeof value === 'boolean') return undefined
  if (typeof literal === 'number') {
    if (typeof value === 'number') return value - literal
    return decimal.test(value) ? Number(value) - literal : undefined
  }
  const wanted = parseVersion(literal)
  if (wanted !== undefined) {
    const version = parseVersion(String(value))
    return version === undefined ? undefined : compareVersions(version, wanted)
  }
  return typeof value === 'string' ? compareKeys(textKey(value), textKey(literal)) : undefined
}

interface Version {
  readonly pieces: readonly number[]
  readonly suffix: readonly string[]
}

const versionForm = /^[vV]?(\d{1,12}(?:\.\d{1,12}){0,7})(?:-([0-9A-Za-z.-]{1,64}))?(?:\+[0-9A-Za-z.-]{1,64})?$/

/** Dotted numbers, with an optional `v` before and an optional `-suffix` behind; `+build` is ignored. */
export function parseVersion(text: string): Version | undefined {
  const match = versionForm.exec(text)
  if (match === null) return undefined
  return { pieces: (match[1] ?? '').split('.').map(Number), suffix: match[2] === undefined ? [] : match[2].split('.') }
}

/** As in Semantic Versioning 2.0.0, clause 11, for any number of pieces; missing pieces count as 0. */
export function compareVersions(a: Version, b: Version): number {
  for (let index = 0; index < Math.max(a.pieces.length, b.pieces.length); index += 1) {
    const order = (a.pieces[index] ?? 0) - (b.pieces[index] ?? 0)
    if (order !== 0) return order
  }
  if (a.suffix.length === 0 || b.suffix.length === 0) return b.suffix.length - a.suffix.length
  for (let index = 0; index < Math.max(a.suffix.length, b.suffix.length); index += 1) {
    const order = compareIdentifiers(a.suffix[index], b.suffix[index])
    if (order !== 0) return order
  }
  return 0
}

function compareIdentifiers(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1
  const [left, right] = [/^\d+$/.test(a), /^\d+$/.test(b)]
  if (left && right) return Number(a) - Number(b)
  if (left !== right) return left ? -1 : 1
  return compareKeys(textKey(a), textKey(b))
}

/** `*` stands for any characters, also none; everything else for itself, ignoring ASCII case. */
export function matchesPattern(value: Value, pattern: string): boolean {
  const text = printed(value)
  const pieces = printed(pattern).split('*')
  const head = pieces[0] ?? ''
  if (pieces.length === 1) return text === head
  const tail = pieces.at(-1) ?? ''
  if (text.length < head.length + tail.length || !text.startsWith(head) || !text.endsWith(tail)) return false
  const end = text.length - tail.length
  let at = head.length
  for (const piece of pieces.slice(1, -1)) {
    const found = text.indexOf(piece, at)
    if (found === -1 || found + piece.length > end) return false
    at = found + piece.length
  }
  return true
}

/** What every match of `pattern` begins with. */
export function patternPrefix(pattern: string): string {
  return printed(pattern).split('*')[0] ?? ''
}
