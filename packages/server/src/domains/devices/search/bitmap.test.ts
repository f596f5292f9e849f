import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '@holdfast/kernel'
import fc from 'fast-check'
import { Bitmap, BitmapBuilder } from './bitmap.ts'

/** Scattered members, dense stretches and whole blocks, so that every form of container occurs. */
const numbers = fc
  .tuple(
    fc.array(fc.oneof(fc.nat({ max: 200_000 }), fc.nat({ max: 300 }), fc.nat({ max: 0xffff_ffff })), { maxLength: 60 }),
    fc.array(
      fc.record({ first: fc.nat({ max: 200_000 }), length: fc.nat({ max: 70_000 }), step: fc.nat({ max: 12 }) }),
      {
        maxLength: 3,
      },
    ),
  )
  .map(([single, stretches]) => {
    const members = new Set(single)
    for (const { first, length, step } of stretches) {
      for (let number = first; number < first + length; number += step + 1) members.add(number)
    }
    return members
  })

const sorted = (members: Iterable<number>) => [...members].sort((a, b) => a - b)
const runs = { numRuns: 60 }

test('a bitmap holds exactly the members that were added, in ascending order', () => {
  fc.assert(
    fc.property(numbers, (members) => {
      const bitmap = Bitmap.of(members)
      assert.deepEqual([...bitmap], sorted(members))
      assert.equal(bitmap.count, members.size)
    }),
    runs,
  )
})

test('and, or and andNot agree with sets', () => {
  fc.assert(
    fc.property(numbers, numbers, (left, right) => {
      const [a, b] = [Bitmap.of(left), Bitmap.of(right)]
      assert.deepEqual([...a.and(b)], sorted(left.intersection(right)))
      assert.deepEqual([...a.or(b)], sorted(left.union(right)))
      assert.deepEqual([...a.andNot(b)], sorted(left.difference(right)))
    }),
    runs,
  )
})

test('rank, select, slice and has agree with the sorted list', () => {
  fc.assert(
    fc.property(numbers, fc.nat({ max: 250_000 }), (members, probe) => {
      const bitmap = Bitmap.of(members)
      const list = sorted(members)
      assert.equal(bitmap.rank(probe), list.filter((number) => number < probe).length)
      assert.equal(bitmap.has(probe), members.has(probe))
      assert.equal(bitmap.select(probe), list[probe])
      assert.deepEqual(bitmap.slice(probe % (list.length + 1), 50), list.slice(probe % (list.length + 1)).slice(0, 50))
      for (const rank of [0, list.length >> 1, list.length - 1].filter((at) => at >= 0 && at < list.length)) {
        const member = bitmap.select(rank)
        assert.equal(member, list[rank])
        assert.equal(bitmap.rank(member as number), rank)
      }
    }),
    runs,
  )
})

test('encoding and decoding keep every member', () => {
  fc.assert(
    fc.property(numbers, (members) => {
      assert.deepEqual([...Bitmap.decode(Bitmap.of(members).encode())], sorted(members))
    }),
    runs,
  )
})

test('bytes that no bitmap wrote are refused or decode to a lawful bitmap, never to a crash', () => {
  fc.assert(
    fc.property(numbers, fc.nat(), fc.nat({ max: 255 }), (members, place, byte) => {
      const bytes = Bitmap.of(members).encode()
      bytes[place % bytes.length] = byte
      try {
        const list = [...Bitmap.decode(bytes)]
        assert.deepEqual(list, sorted(new Set(list)))
      } catch (thrown) {
        assert.ok(thrown instanceof Fault && thrown.code === 'devices.index_damaged', String(thrown))
      }
    }),
    runs,
  )
})

test('a million consecutive members take about a hundred bytes', () => {
  const builder = new BitmapBuilder()
  for (let number = 1; number <= 1_000_000; number += 1) builder.add(number)
  const bytes = builder.build().encode()
  assert.ok(bytes.length < 150, `${bytes.length} bytes`)
  assert.equal(Bitmap.decode(bytes).count, 1_000_000)
})

test('a builder may go on after it has built, without changing what it built', () => {
  const builder = new BitmapBuilder()
  builder.add(7)
  const before = builder.build()
  builder.add(9)
  assert.deepEqual([...before], [7])
  assert.deepEqual([...builder.build()], [7, 9])
})
