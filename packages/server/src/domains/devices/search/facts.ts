import { hour, type Instant } from '@holdfast/kernel'
import { inRange, matchesPattern } from './compare-values.ts'
import { type AgeTerm, type Filter, fieldKey, type Term } from './filter.ts'
import { printed, type Value } from './value.ts'

/** All that a filter may ask about one device. */
export interface DeviceFacts {
  /** Values by `fieldKey`, for example `inventory.os` or `system.state`. */
  readonly values: ReadonlyMap<string, readonly Value[]>
  readonly registered: Instant
  /** Undefined: never seen. */
  readonly seen: Instant | undefined
}

/** Decides about one device from its own facts; agrees with what the index finds. */
export function matchesFilter(filter: Filter, facts: DeviceFacts, now: Instant): boolean {
  if (filter.is === 'everything') return true
  if (filter.is === 'and') return filter.of.every((part) => matchesFilter(part, facts, now))
  if (filter.is === 'or') return filter.of.some((part) => matchesFilter(part, facts, now))
  if (filter.is === 'not') return !matchesFilter(filter.of, facts, now)
  return matchesTerm(filter, facts, now)
}

function matchesTerm(term: Term, facts: DeviceFacts, now: Instant): boolean {
  if (term.is === 'age')
    return term.of === 'seen' ? seenMatches(term, facts.seen, now) : registeredMatches(term, facts.registered, now)
  const values = facts.values.get(fieldKey(term.field)) ?? []
  if (term.is === 'has') return values.length > 0
  if (term.is === 'equal')
    return values.some((value) => printed(value) === printed(term.value)) === (term.operator === '=')
  return values.some((value) => valueMatches(term, value))
}

/** Whether one value satisfies a term that is decided value by value. */
export function valueMatches(term: Extract<Term, { is: 'in' | 'like' | 'range' }>, value: Value): boolean {
  if (term.is === 'like') return matchesPattern(value, term.pattern)
  if (term.is === 'range') return inRange(value, term.operator, term.value)
  return term.values.some((wanted) => printed(wanted) === printed(value))
}

function seenMatches(term: AgeTerm, seen: Instant | undefined, now: Instant): boolean {
  const [earliest, latest] = seenBounds(term, now)
  return (seen ?? 0) >= earliest && (seen ?? 0) <= latest
}

/** The first and the last instant of being seen that satisfy the term; 0 stands for never. */
export function seenBounds({ operator, milliseconds }: AgeTerm, now: Instant): [Instant, Instant] {
  const bound = now - milliseconds
  if (operator === '<') return [Math.max(1, bound + 1), Number.MAX_SAFE_INTEGER]
  if (operator === '<=') return [Math.max(1, bound), Number.MAX_SAFE_INTEGER]
  return [0, Math.max(0, operator === '>' ? bound - 1 : bound)]
}

function registeredMatches(term: AgeTerm, registered: Instant, now: Instant): boolean {
  return inRange(registeredHour(registered), ...registeredBound(term, now))
}

/** Registration is indexed by the clock hour, so that a year of it has 8,760 values. */
export function registeredHour(registered: Instant): number {
  return Math.floor(registered / hour)
}

/** The same condition on `registeredHour`: an age below a duration is an hour above a bound. */
export function registeredBound(term: AgeTerm, now: Instant): ['<' | '<=' | '>' | '>=', number] {
  const bound = registeredHour(now) - term.milliseconds / hour
  const mirrored = { '<': '>', '<=': '>=', '>': '<', '>=': '<=' } as const
  return [mirrored[term.operator], bound]
}
