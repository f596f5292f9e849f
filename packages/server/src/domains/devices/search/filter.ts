import type { RangeOperator } from './compare-values.ts'
import type { Value } from './value.ts'

/** Where an attribute comes from; `system` ones are given by the server itself and written without a scope. */
export const scopes = ['system', 'identity', 'inventory', 'tag'] as const
export type Scope = (typeof scopes)[number]

/** `group`, `tag` and `software` may hold several values; the others hold one or none. */
export const systemFields = ['id', 'name', 'product', 'state', 'group', 'tag', 'gateway', 'software'] as const

export interface Field {
  readonly scope: Scope
  readonly name: string
}

/**
 * A condition on one device, as plain data. A comparison holds when any of the attribute's values satisfies it, so
 * a device without the attribute satisfies no comparison but `!=`, which is the negation of `=`.
 */
export type Filter =
  | { readonly is: 'everything' }
  | { readonly is: 'and'; readonly of: readonly Filter[] }
  | { readonly is: 'or'; readonly of: readonly Filter[] }
  | { readonly is: 'not'; readonly of: Filter }
  | Term

export type Term =
  | { readonly is: 'equal'; readonly field: Field; readonly operator: '=' | '!='; readonly value: Value }
  | {
      readonly is: 'range'
      readonly field: Field
      readonly operator: RangeOperator
      readonly value: Exclude<Value, boolean>
    }
  | { readonly is: 'in'; readonly field: Field; readonly values: readonly Value[] }
  | { readonly is: 'like'; readonly field: Field; readonly pattern: string }
  | { readonly is: 'has'; readonly field: Field }
  | AgeTerm

/**
 * Compares how long ago a device was last seen, or registered (counted in whole clock hours of UTC), with a duration.
 * A device that was never seen is older than every duration.
 */
export interface AgeTerm {
  readonly is: 'age'
  readonly of: 'seen' | 'registered'
  readonly operator: RangeOperator
  readonly milliseconds: number
}

export const everything: Filter = { is: 'everything' }

export function allOf(filters: readonly Filter[]): Filter {
  const parts = filters.flatMap((filter) =>
    filter.is === 'and' ? filter.of : filter.is === 'everything' ? [] : [filter],
  )
  return parts.length > 1 ? { is: 'and', of: parts } : (parts[0] ?? everything)
}

/** At least one filter is needed: nothing satisfies an empty choice, and no filter says so. */
export function anyOf(filters: readonly [Filter, ...Filter[]]): Filter {
  const parts = filters.flatMap((filter) => (filter.is === 'or' ? filter.of : [filter]))
  if (parts.some((part) => part.is === 'everything')) return everything
  return parts.length > 1 ? { is: 'or', of: parts } : (parts[0] ?? everything)
}

/** Replaces terms, for example a group's name by its id, or a dynamic group by its own filter. */
export function replaceTerms(filter: Filter, replace: (term: Term) => Filter): Filter {
  if (filter.is === 'everything') return filter
  if (filter.is === 'not') return { is: 'not', of: replaceTerms(filter.of, replace) }
  if (filter.is === 'and') return allOf(filter.of.map((part) => replaceTerms(part, replace)))
  if (filter.is !== 'or') return replace(filter)
  const [first, ...rest] = filter.of.map((part) => replaceTerms(part, replace))
  return first === undefined ? everything : anyOf([first, ...rest])
}

/** Every term, left to right. */
export function termsOf(filter: Filter): Term[] {
  if (filter.is === 'everything') return []
  if (filter.is === 'not') return termsOf(filter.of)
  return filter.is === 'and' || filter.is === 'or' ? filter.of.flatMap(termsOf) : [filter]
}

/** The one name of a field in look-ups: `scope.name`. */
export function fieldKey(field: Field): string {
  return `${field.scope}.${field.name}`
}
