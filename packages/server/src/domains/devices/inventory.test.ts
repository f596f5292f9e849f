import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '@holdfast/kernel'
import fc from 'fast-check'
import type { AttributeValue } from './device.ts'
import { decodeInventory, encodeInventory, type Inventory, inventoryAfter, verifyAttributes } from './inventory.ts'

const anyScalar = fc.oneof(fc.string({ maxLength: 12 }), fc.integer(), fc.boolean())
const anyAttribute: fc.Arbitrary<AttributeValue> = fc.oneof(anyScalar, fc.array(anyScalar, { maxLength: 3 }))
const anyReport = fc
  .array(fc.tuple(fc.constantFrom('1', '2', '17', ':name', '300'), anyAttribute), { maxLength: 6 })
  .map((entries) => new Map(entries))
const anyMode = fc.constantFrom('replace' as const, 'merge' as const, 'remove' as const)
const anySteps = fc.array(fc.tuple(anyReport, anyMode), { maxLength: 6 })

function play(steps: readonly (readonly [ReadonlyMap<string, AttributeValue>, 'replace' | 'merge' | 'remove'])[]) {
  let inventory: Inventory = new Map()
  let now = 0
  for (const [report, mode] of steps) {
    now += 1_000
    inventory = inventoryAfter(inventory, report, mode, now).inventory
  }
  return inventory
}

test('what is stored is read back, times to the second', () => {
  fc.assert(
    fc.property(anySteps, (steps) => {
      const inventory = play(steps)
      assert.deepEqual(new Map(decodeInventory(encodeInventory(inventory))), new Map(inventory))
    }),
  )
})

test('the same report twice changes nothing the second time', () => {
  fc.assert(
    fc.property(anySteps, anyReport, anyMode, (steps, report, mode) => {
      const { inventory } = inventoryAfter(play(steps), report, mode, 9_000)
      assert.deepEqual(inventoryAfter(inventory, report, mode, 10_000).changes, [])
    }),
  )
})

test('the changes of a report lead from the inventory before to the one after', () => {
  fc.assert(
    fc.property(anySteps, anyReport, anyMode, (steps, report, mode) => {
      const before = play(steps)
      const { inventory, changes } = inventoryAfter(before, report, mode, 9_000)
      const values = new Map([...before].map(([key, { value }]) => [key, value]))
      for (const change of changes) {
        assert.deepEqual(values.get(change.key), change.before)
        if (change.after === undefined) values.delete(change.key)
        else values.set(change.key, change.after)
      }
      assert.deepEqual(values, new Map([...inventory].map(([key, { value }]) => [key, value])))
    }),
  )
})

test('only what changed gets a new time', () => {
  const first = inventoryAfter(
    new Map(),
    new Map([
      ['1', 'a'],
      ['2', 'b'],
    ]),
    'merge',
    1_000,
  ).inventory
  const second = inventoryAfter(
    first,
    new Map([
      ['1', 'a'],
      ['2', 'c'],
    ]),
    'replace',
    5_000,
  ).inventory
  assert.deepEqual(
    [...second.values()].map(({ changedAt }) => changedAt),
    [1_000, 5_000],
  )
})

test('reports beyond the bounds are refused', () => {
  const many = (count: number, value: AttributeValue) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`a${index}`, value]))
  for (const attributes of [
    many(257, 1),
    many(20, 'x'.repeat(4_000)),
    { a: 'x'.repeat(4_097) },
    { ['n'.repeat(129)]: 1 },
    { '': 1 },
    { 'a\u0000b': 1 },
    { a: Number.NaN },
    { a: Array.from({ length: 101 }, () => 1) },
    { a: null as never },
    { a: { b: 1 } as never },
  ]) {
    assert.throws(() => verifyAttributes(attributes), Fault, JSON.stringify(attributes).slice(0, 60))
  }
  verifyAttributes(many(256, 'x'))
})

test('an inventory does not grow beyond the bounds in many small reports', () => {
  let inventory: Inventory = new Map()
  assert.throws(() => {
    for (let index = 0; index < 300; index += 1) {
      inventory = inventoryAfter(inventory, new Map([[String(index), 'x']]), 'merge', 1_000).inventory
    }
  }, Fault)
  assert.equal(inventory.size, 256)
})
