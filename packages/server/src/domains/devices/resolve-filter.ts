import { Fault } from '@holdfast/kernel'
import type { Group } from './group-store.ts'
import { matchesPattern } from './search/compare-values.ts'
import { anyOf, everything, type Filter, replaceTerms, type Term, termsOf } from './search/filter.ts'
import { parseFilter } from './search/parse-filter.ts'
import { printed, type Value } from './search/value.ts'

/** What names in filters stand for. */
export interface Catalogue {
  readonly groups: readonly Group[]
  readonly products: readonly { readonly id: string; readonly key: string; readonly name: string }[]
}

/** Satisfied by no device. */
export const nothing: Filter = { is: 'not', of: everything }

const deepest = 8
const mostTerms = 512

/**
 * Replaces what people call products and groups by what devices hold: ids, and for a dynamic group its own filter. A
 * name that stands for nothing stays and matches nothing. Throws `devices.filter_too_large` for groups that refer to each
 * other without end.
 */
export function resolveFilter(filter: Filter, catalogue: Catalogue): Filter {
  const resolved = resolveWithin(filter, catalogue, 0)
  if (termsOf(resolved).length > mostTerms)
    throw tooLarge(`it comes to more than ${mostTerms} terms with its groups’ filters`)
  return resolved
}

function resolveWithin(filter: Filter, catalogue: Catalogue, depth: number): Filter {
  if (depth > deepest) throw tooLarge(`groups refer to each other more than ${deepest} deep`)
  return replaceTerms(filter, (term) => {
    if (term.is === 'age' || term.field.scope !== 'system') return term
    if (term.field.name === 'product') return replaceNamed(term, productChoices(catalogue))
    if (term.field.name === 'group') return replaceNamed(term, groupChoices(catalogue, depth))
    return term
  })
}

interface Choice {
  readonly names: readonly string[]
  readonly stands: () => Filter
}

function productChoices({ products }: Catalogue): Choice[] {
  return products.map(({ id, key, name }) => ({ names: [id, key, name], stands: () => equals('product', id) }))
}

function groupChoices(catalogue: Catalogue, depth: number): Choice[] {
  return catalogue.groups.map((group) => ({
    names: [group.id, group.name],
    stands: () => filterOfGroup(group, catalogue, depth + 1),
  }))
}

/** Who is in a group. */
export function filterOfGroup(group: Group, catalogue: Catalogue, depth = 0): Filter {
  if (group.filter === undefined) return equals('group', group.id)
  return resolveWithin(parseFilter(group.filter), catalogue, depth)
}

function replaceNamed(term: Exclude<Term, { is: 'age' }>, choices: readonly Choice[]): Filter {
  if (term.is === 'range') return term
  const chosen = choices.filter(({ names }) => names.some((name) => isMeant(term, name)))
  const [first, ...rest] = chosen.map(({ stands }) => stands())
  if (first === undefined) return term
  const found = anyOf([first, ...rest])
  return term.is === 'equal' && term.operator === '!=' ? { is: 'not', of: found } : found
}

function isMeant(term: Exclude<Term, { is: 'age' | 'range' }>, name: string): boolean {
  if (term.is === 'has') return true
  if (term.is === 'like') return matchesPattern(name, term.pattern)
  if (term.is === 'in') return term.values.some((value) => isSame(value, name))
  return isSame(term.value, name)
}

function isSame(value: Value, name: string): boolean {
  return printed(value) === printed(name)
}

export function equals(name: string, value: string): Filter {
  return { is: 'equal', field: { scope: 'system', name }, operator: '=', value }
}

function tooLarge(why: string): Fault {
  return new Fault('limited', 'devices.filter_too_large', `the filter is too large: ${why}`)
}
