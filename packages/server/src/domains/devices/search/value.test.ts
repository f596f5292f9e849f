import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { inRange, matchesPattern } from './compare-values.ts'
import {
  canonicalValue,
  compareKeys,
  decodeValue,
  encodeValue,
  equalRanges,
  foldCase,
  printed,
  textPrefixRange,
  type Value,
} from './value.ts'

const words = fc.constantFrom(
  'a',
  'A',
  'aB',
  'Ab',
  'ab\u00df',
  '1',
  '01',
  '1.0',
  'true',
  'TRUE',
  '1e+21',
  '',
  'a*',
  '\u{1f600}',
)
const value: fc.Arbitrary<Value> = fc.oneof(
  words,
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.double(),
  fc.integer({ min: -3, max: 300 }),
  fc.boolean(),
)
const within = (key: Uint8Array, range: { from: Uint8Array; to: Uint8Array }) =>
  compareKeys(key, range.from) >= 0 && compareKeys(key, range.to) < 0

test('a key decodes to the canonical form of the value that it was made of', () => {
  fc.assert(fc.property(value, (any) => assert.deepEqual(decodeValue(encodeValue(any)), canonicalValue(any))))
})

test('keys sort as numbers do, and as text does without regard to case', () => {
  fc.assert(
    fc.property(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      (a, b) => {
        assert.equal(Math.sign(compareKeys(encodeValue(a), encodeValue(b))), Math.sign(a + 0 - (b + 0)))
      },
    ),
  )
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      fc.pre(printed(a) !== printed(b))
      const order = compareKeys(Buffer.from(printed(a)), Buffer.from(printed(b)))
      assert.equal(Math.sign(compareKeys(encodeValue(a), encodeValue(b))), Math.sign(order))
    }),
  )
})

test('the ranges of a text hold exactly the keys of the values that print as it does', () => {
  fc.assert(
    fc.property(value, fc.oneof(words, value.map(String)), (any, text) => {
      const found = equalRanges(text).some((range) => within(encodeValue(any), range))
      assert.equal(found, printed(any) === printed(text))
    }),
    { numRuns: 500 },
  )
})

test('the range of a prefix holds exactly the texts that begin with it', () => {
  fc.assert(
    fc.property(fc.oneof(words, fc.string()), words, (text, prefix) => {
      assert.equal(within(encodeValue(text), textPrefixRange(prefix)), printed(text).startsWith(foldCase(prefix)))
    }),
    { numRuns: 500 },
  )
})

test('versions compare piece by piece, numbers by size, other text by code point', () => {
  assert.ok(inRange('2.10.0', '>=', '2.9'))
  assert.ok(inRange('v2.1', '<=', '2.1.0') && inRange('2.1.0', '<=', 'v2.1'))
  assert.ok(inRange('2.1-rc1', '<', '2.1') && inRange('2.1-rc.2', '<', '2.1-rc.10'))
  assert.ok(inRange('2.10', '<', 2.2) && inRange(3, '>', 2.2) && !inRange('2.10.1', '<', 99))
  assert.ok(inRange('Berlin', '<', 'cologne') && !inRange('berlin', '<', 'Berlin'))
  assert.ok(!inRange('beta', '>', '2.1') && !inRange('beta', '<', '2.1') && !inRange(true, '<', 5))
})

test('a star stands for any characters and everything else for itself', () => {
  for (const [text, pattern] of [
    ['AA:bb:cc', 'aa:BB*'],
    ['abcabc', '*bc'],
    ['abcabc', 'a*c*c'],
    ['abc', '*'],
    ['', '*'],
    ['a.c', 'a.c'],
  ] as const) {
    assert.ok(matchesPattern(text, pattern), `${text} like ${pattern}`)
  }
  for (const [text, pattern] of [
    ['aa', 'a*a*a'],
    ['abc', 'a*bc*c'],
    ['abc', 'a.c'],
    ['ab', 'abc*'],
  ] as const) {
    assert.ok(!matchesPattern(text, pattern), `${text} not like ${pattern}`)
  }
})
