import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compareDeployments, type Ordered } from './ordering.ts'

const some = fc.uniqueArray(fc.tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: -2, max: 2 })), {
  selector: ([sequence]) => sequence,
  maxLength: 12,
})
const toOrdered = ([sequence, priority]: [number, number]): Ordered => ({ sequence, policy: { priority } })

/** Fails unless `compare` puts any two different deployments in one order, and agrees with itself. */
function assertTotal(compare: (one: Ordered, other: Ordered) => number): void {
  fc.assert(
    fc.property(some, (pairs) => {
      const all = pairs.map(toOrdered)
      for (const a of all) {
        for (const b of all) {
          assert.equal(Math.sign(compare(a, b)), -Math.sign(compare(b, a)) + 0)
          assert.equal(compare(a, b) === 0, a === b)
          for (const c of all) if (compare(a, b) < 0 && compare(b, c) < 0) assert.ok(compare(a, c) < 0)
        }
      }
      const sorted = [...all].sort(compare)
      assert.deepEqual([...all].reverse().sort(compare), sorted)
    }),
  )
}

test('the order of overlapping deployments is total, antisymmetric and transitive', () => {
  assertTotal(compareDeployments)
})

test('planted fault: ordering by priority alone is not total', () => {
  assert.throws(() => assertTotal((one, other) => other.policy.priority - one.policy.priority))
})
