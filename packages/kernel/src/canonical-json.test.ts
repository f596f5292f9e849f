import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalJson, type Json } from './index.ts'

test('the example of RFC 8785 serialises as the RFC says', () => {
  const value = {
    numbers: [Number('333333333.33333329'), 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
    string: '\u20ac$\u000F\u000aA\'\u0042\u0022\u005c\\"/',
    literals: [null, true, false],
  }
  assert.equal(
    canonicalJson(value),
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  )
})

test('equal values have one serialisation whatever the order of their members, and it parses back', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value as Json)
      const shuffled = JSON.parse(JSON.stringify(value), (_, member) =>
        typeof member === 'object' && member !== null && !Array.isArray(member)
          ? Object.fromEntries(Object.entries(member).reverse())
          : member,
      )
      assert.equal(canonicalJson(shuffled), text)
      assert.equal(canonicalJson(JSON.parse(text)), text)
    }),
  )
})

test('what has no JSON is named with its place', () => {
  assert.throws(() => canonicalJson({ a: [1, Number.NaN] }), { code: 'kernel.not_json', at: '$.a[1]' })
  let deep: Json = 1
  for (let depth = 0; depth < 100; depth += 1) deep = [deep]
  assert.throws(() => canonicalJson(deep), { code: 'kernel.not_json' })
})
