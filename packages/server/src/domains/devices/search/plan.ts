import type { Instant } from '@holdfast/kernel'
import { Bitmap } from './bitmap.ts'
import { registeredField } from './changes.ts'
import { inRange, parseVersion, patternPrefix } from './compare-values.ts'
import { registeredBound, valueMatches } from './facts.ts'
import { type AgeTerm, type Filter, fieldKey, type Term } from './filter.ts'
import {
  afterValues,
  anyValue,
  encodeValue,
  equalRanges,
  firstText,
  firstValue,
  type KeyRange,
  keyAfter,
  textKey,
  textPrefixRange,
  type Value,
} from './value.ts'

/** What to read of one attribute's postings: every key in `ranges` whose value passes `test`, if there is one. */
export interface Probe {
  /** `fieldKey`. */
  readonly field: string
  readonly ranges: readonly KeyRange[]
  readonly test?: (value: Value) => boolean
}

/** A term that the index answers; the others are answered by `LastSeen` and by the device table. */
export type IndexedTerm = Exclude<Term, AgeTerm> | (AgeTerm & { of: 'registered' })

/** The narrowest stretch of keys that holds every match, and what tells the matches in it. */
export function probeOf(term: IndexedTerm, now: Instant): Probe {
  if (term.is === 'age') {
    const [operator, bound] = registeredBound(term, now)
    return { field: registeredField, ...numberProbe(operator, bound) }
  }
  const field = fieldKey(term.field)
  if (term.is === 'has') return { field, ranges: [{ from: anyValue, to: firstValue }] }
  if (term.is === 'equal') return { field, ranges: equalRanges(String(term.value)) }
  if (term.is === 'in') return { field, ranges: distinct(term.values.flatMap((value) => equalRanges(String(value)))) }
  const test = (value: Value) => valueMatches(term, value)
  if (term.is === 'like') {
    const ranges = [{ from: firstValue, to: firstText }, textPrefixRange(patternPrefix(term.pattern))]
    return { field, ranges, test }
  }
  if (typeof term.value === 'number') {
    // Text may hold a plain decimal, and then it is compared as a number too.
    const { ranges } = numberProbe(term.operator, term.value)
    return { field, ranges: [...ranges, { from: firstText, to: afterValues }], test }
  }
  if (parseVersion(term.value) !== undefined) return { field, ranges: [{ from: firstValue, to: afterValues }], test }
  const bound = textKey(term.value)
  const below = term.operator === '<' || term.operator === '<='
  // The bound may be followed by the same text in capitals, so it lies inside either way; `test` decides.
  return {
    field,
    ranges: [below ? { from: firstText, to: textPrefixRange(term.value).to } : { from: bound, to: afterValues }],
    test,
  }
}

function numberProbe(operator: '<' | '<=' | '>' | '>=', bound: number): Omit<Probe, 'field'> {
  const key = encodeValue(bound)
  const below = operator === '<' || operator === '<='
  const range = below ? { from: firstValue, to: keyAfter(key) } : { from: key, to: firstText }
  return { ranges: [range], test: (value) => typeof value === 'number' && inRange(value, operator, bound) }
}

function distinct(ranges: readonly KeyRange[]): KeyRange[] {
  return [...new Map(ranges.map((range) => [Buffer.from(range.from).toString('latin1'), range])).values()]
}

/** Joins what was found for each term as the filter says; `everyone` is what `not` is taken from. */
export function combine(filter: Filter, everyone: Bitmap, found: ReadonlyMap<Term, Bitmap>): Bitmap {
  if (filter.is === 'everything') return everyone
  if (filter.is === 'not') return everyone.andNot(combine(filter.of, everyone, found))
  if (filter.is === 'and') {
    return filter.of.map((part) => combine(part, everyone, found)).reduce((a, b) => a.and(b), everyone)
  }
  if (filter.is === 'or') {
    return filter.of.map((part) => combine(part, everyone, found)).reduce((a, b) => a.or(b), Bitmap.empty)
  }
  const matches = found.get(filter) ?? Bitmap.empty
  return filter.is === 'equal' && filter.operator === '!=' ? everyone.andNot(matches) : everyone.and(matches)
}
