import { day, hour, minute, second } from '@holdfast/kernel'
import type { Field, Filter, Term } from './filter.ts'
import { isKeyword, valueOfWord } from './parse-filter.ts'
import { canonicalValue, type Value } from './value.ts'

/** Writes a filter so that `parseFilter` reads the same filter back; the form in which filters are stored and shown. */
export function formatFilter(filter: Filter): string {
  if (filter.is === 'everything') return ''
  if (filter.is === 'or') return filter.of.map((part) => inner(part, part.is === 'or')).join(' or ')
  if (filter.is === 'and')
    return filter.of.map((part) => inner(part, part.is === 'or' || part.is === 'and')).join(' and ')
  if (filter.is === 'not') return `not ${inner(filter.of, filter.of.is === 'or' || filter.of.is === 'and')}`
  return formatTerm(filter)
}

function inner(filter: Filter, parentheses: boolean): string {
  return parentheses ? `(${formatFilter(filter)})` : formatFilter(filter)
}

function formatTerm(term: Term): string {
  if (term.is === 'age') return `${term.of} ${term.operator} ${formatDuration(term.milliseconds)}`
  const field = formatField(term.field)
  if (term.is === 'has') return `has ${field}`
  if (term.is === 'like') return `${field} like ${quote(term.pattern)}`
  if (term.is === 'in') return `${field} in (${term.values.map(formatValue).join(', ')})`
  return `${field} ${term.operator} ${formatValue(term.value)}`
}

export function formatField(field: Field): string {
  if (field.scope === 'system') return field.name
  return `${field.scope}.${/^[^\s"(),=<>!]+$/.test(field.name) ? field.name : quote(field.name)}`
}

function formatValue(value: Value): string {
  const canonical = canonicalValue(value)
  if (typeof canonical === 'string') {
    const plain = /^[A-Za-z][\w.:-]*$/.test(canonical) && !isKeyword(canonical) && valueOfWord(canonical) === canonical
    return plain ? canonical : quote(canonical)
  }
  // A number that words cannot spell, such as 1e300, is given as the text it prints as: `=` treats both alike.
  return valueOfWord(String(canonical)) === canonical ? String(canonical) : quote(String(canonical))
}

function quote(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}

function formatDuration(milliseconds: number): string {
  const units = [
    ['d', day],
    ['h', hour],
    ['m', minute],
  ] as const
  const [letter, size] =
    units.find(([, length]) => milliseconds > 0 && milliseconds % length === 0) ?? (['s', second] as const)
  return `${Math.floor(milliseconds / size)}${letter}`
}
