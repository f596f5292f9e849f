import { day, hour, minute } from '@holdfast/kernel'
import fc from 'fast-check'
import { allOf, anyOf, type Field, type Filter, type Term } from './filter.ts'
import type { Value } from './value.ts'

/** Few fields and values, so that random filters and random devices meet. */
export const fields: readonly Field[] = [
  { scope: 'system', name: 'state' },
  { scope: 'system', name: 'tag' },
  { scope: 'system', name: 'name' },
  { scope: 'inventory', name: 'os' },
  { scope: 'inventory', name: 'free memory' },
  { scope: 'identity', name: 'mac' },
]

export const anyValue: fc.Arbitrary<Value> = fc.constantFrom<Value>(
  'accepted',
  'Accepted',
  'pending',
  'beta',
  'and',
  '',
  'a"b\\',
  '2.1',
  '2.10',
  'v2.9-rc1',
  '4',
  'true',
  'aa:bb:cc',
  'AA:BB:dd',
  4,
  2.1,
  -7,
  0,
  512,
  true,
  false,
)

const plain = { noNullPrototype: true }
const field = fc.constantFrom(...fields)
const operator = fc.constantFrom('<', '<=', '>', '>=')

export const anyTerm: fc.Arbitrary<Term> = fc.oneof(
  fc.record({ is: fc.constant('equal'), field, operator: fc.constantFrom('=', '!='), value: anyValue }, plain),
  fc.record(
    { is: fc.constant('range'), field, operator, value: anyValue.filter((value) => typeof value !== 'boolean') },
    plain,
  ),
  fc.record({ is: fc.constant('in'), field, values: fc.array(anyValue, { minLength: 1, maxLength: 3 }) }, plain),
  fc.record(
    { is: fc.constant('like'), field, pattern: fc.constantFrom('*', 'a*', 'AA:*', '*a', '2*', '4', '*bb*d', '') },
    plain,
  ),
  fc.record({ is: fc.constant('has'), field }, plain),
  fc.record(
    {
      is: fc.constant('age'),
      of: fc.constantFrom('seen', 'registered'),
      operator,
      milliseconds: fc.constantFrom(0, 30 * minute, hour, 2 * hour, 36 * hour, 7 * day),
    },
    plain,
  ),
) as fc.Arbitrary<Term>

/** Filters in the normal form that the parser gives: neither an `and` in an `and`, nor an `or` in an `or`. */
export const anyFilter: fc.Arbitrary<Filter> = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    anyTerm,
    fc.array(tie('filter'), { minLength: 1, maxLength: 3 }).map(allOf),
    fc.tuple(tie('filter'), tie('filter')).map(anyOf),
    tie('filter').map((of): Filter => ({ is: 'not', of })),
  ),
})).filter
