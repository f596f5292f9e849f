import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { permutationOf } from './permutation.ts'

test('every index of a population has a position of its own', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 0, max: 3_000 }), (key, size) => {
      const order = permutationOf(key, size)
      const seen = new Set<number>()
      for (let index = 0; index < size; index += 1) {
        const position = order.at(index)
        assert.ok(Number.isInteger(position) && position >= 0 && position < size)
        seen.add(position)
      }
      assert.equal(seen.size, size)
    }),
    { numRuns: 60 },
  )
})

test('the order depends on the key and not on the index alone', () => {
  const size = 1_000
  const [one, other] = [permutationOf('one', size), permutationOf('other', size)]
  const same = Array.from({ length: size }, (_, index) => index).filter((index) => one.at(index) === other.at(index))
  assert.ok(same.length < 20, `${same.length} of ${size} devices stand in the same place`)
})

test('the first tenth of the positions is drawn from the whole population', () => {
  const size = 20_000
  const order = permutationOf('fair', size)
  const perTenth = new Array<number>(10).fill(0)
  for (let index = 0; index < size; index += 1) {
    const tenth = Math.floor((index * 10) / size)
    if (order.at(index) < size / 10) perTenth[tenth] = (perTenth[tenth] ?? 0) + 1
  }
  // 200 are expected in each; five standard deviations are 67.
  for (const count of perTenth) assert.ok(Math.abs(count - 200) < 67, perTenth.join(' '))
})

test('an index outside the population has no position', () => {
  const order = permutationOf('key', 10)
  for (const index of [-1, 10, 0.5, Number.NaN]) assert.throws(() => order.at(index), RangeError)
})

test('positions in a population of two billion are found without a table', () => {
  const order = permutationOf('large', 2 ** 31)
  assert.ok(order.at(2 ** 31 - 1) < 2 ** 31)
})
