import type { Instant } from '@holdfast/kernel'
import { Bitmap, BitmapBuilder } from './bitmap.ts'
import { registeredField } from './changes.ts'
import { inRange, parseVersion, patternPrefix, type RangeOperator } from './compare-values.ts'
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
  keyText,
  textKey,
  textPrefixRange,
  type Value,
} from './value.ts'

/** A stretch of one attribute's postings: all of them, or those whose value passes `test`. */
export interface ProbeRange extends KeyRange {
  /** It may hold many values: a matter of how to read it. */
  readonly wide?: boolean
  readonly test?: (value: Value) => boolean
}

/** What to read of one attribute's postings. */
export interface Probe {
  /** `fieldKey`. */
  readonly field: string
  readonly ranges: readonly ProbeRange[]
}

/** A term that the index answers; the others are answered by `LastSeen` and by the device table. */
export type IndexedTerm = Exclude<Term, AgeTerm> | (AgeTerm & { of: 'registered' })

/** The narrowest stretch of keys that holds every match, and what tells the matches in it. */
export function probeOf(term: IndexedTerm, now: Instant): Probe {
  if (term.is === 'age') return { field: registeredField, ranges: [numberRange(...registeredBound(term, now))] }
  const field = fieldKey(term.field)
  if (term.is === 'has') return { field, ranges: [{ from: anyValue, to: firstValue }] }
  if (term.is === 'equal') return { field, ranges: equalRanges(String(term.value)) }
  if (term.is === 'in') return { field, ranges: distinct(term.values.flatMap((value) => equalRanges(String(value)))) }
  const test = (value: Value) => valueMatches(term, value)
  if (term.is === 'like') {
    const texts = textPrefixRange(patternPrefix(term.pattern))
    // Where the only star is the last character, all that begins as it does matches.
    const decided = term.pattern.endsWith('*') && term.pattern.indexOf('*') === term.pattern.length - 1
    return {
      field,
      ranges: [{ from: firstValue, to: firstText, test }, decided ? { ...texts, wide: true } : { ...texts, test }],
    }
  }
  if (typeof term.value === 'number') {
    // Text may hold a plain decimal, and then it is compared as a number too.
    return { field, ranges: [numberRange(term.operator, term.value), { from: firstText, to: afterValues, test }] }
  }
  if (parseVersion(term.value) !== undefined) return { field, ranges: [{ from: firstValue, to: afterValues, test }] }
  // The bound may be followed by the same text in capitals, so it lies inside either way; `test` decides.
  const texts = isUpperBound(term.operator)
    ? { from: firstText, to: textPrefixRange(term.value).to }
    : { from: textKey(term.value), to: afterValues }
  return { field, ranges: [{ ...texts, test }] }
}

function numberRange(operator: RangeOperator, bound: number): ProbeRange {
  const key = encodeValue(bound)
  const range = isUpperBound(operator) ? { from: firstValue, to: keyAfter(key) } : { from: key, to: firstText }
  return { ...range, test: (value) => typeof value === 'number' && inRange(value, operator, bound) }
}

function isUpperBound(operator: RangeOperator): boolean {
  return operator === '<' || operator === '<='
}

function distinct(ranges: readonly KeyRange[]): KeyRange[] {
  return [...new Map(ranges.map((range) => [keyText(range.from), range])).values()]
}

/** Joins what was found for each term as the filter says; `everyone` is what `not` is taken from. */
export function combine(filter: Filter, everyone: Bitmap, found: ReadonlyMap<Term, Bitmap>): Bitmap {
  if (filter.is === 'everything') return everyone
  if (filter.is === 'not') return everyone.andNot(combine(filter.of, everyone, found))
  if (filter.is === 'and') {
    return filter.of.map((part) => combine(part, everyone, found)).reduce((a, b) => a.and(b))
  }
  if (filter.is === 'or') {
    const union = new BitmapBuilder()
    for (const part of filter.of) union.addAll(combine(part, everyone, found))
    return union.build()
  }
  const matches = found.get(filter) ?? Bitmap.empty
  return filter.is === 'equal' && filter.operator === '!=' ? everyone.andNot(matches) : matches
}
