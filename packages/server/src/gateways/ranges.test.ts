import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '@holdfast/kernel'
import fc from 'fast-check'
import { decideRanges } from './ranges.ts'

test('a header that is absent, of another unit or not well-formed asks for the whole', () => {
  for (const header of [
    undefined,
    'items=0-1',
    'bytes=',
    'bytes=a-b',
    'bytes=5-2',
    'bytes=-',
    'bytes=1',
    'bytes 0-1',
  ]) {
    assert.equal(decideRanges(header, 100), undefined, header)
  }
})

test('open ends, suffixes and ends beyond the last byte are clamped to what there is', () => {
  assert.deepEqual(decideRanges('bytes=10-', 100), [{ start: 10, end: 99 }])
  assert.deepEqual(decideRanges('bytes=-10', 100), [{ start: 90, end: 99 }])
  assert.deepEqual(decideRanges('bytes=-1000', 100), [{ start: 0, end: 99 }])
  assert.deepEqual(decideRanges('bytes=0-0, 50-1000', 100), [
    { start: 0, end: 0 },
    { start: 50, end: 99 },
  ])
})

test('nothing is served of a range that begins behind the end, or of no bytes at all', () => {
  assert.deepEqual(decideRanges('bytes=100-', 100), [])
  assert.deepEqual(decideRanges('bytes=-0', 100), [])
  assert.deepEqual(decideRanges('bytes=0-', 0), [])
})

test('many or overlapping ranges are refused, because they make a small request expensive', () => {
  const many = `bytes=${Array.from({ length: 65 }, (_, index) => `${index * 2}-${index * 2}`).join(',')}`
  for (const header of [many, 'bytes=0-10,5-20', 'bytes=0-,0-', `bytes=${'0-0,'.repeat(2_000)}`]) {
    assert.throws(() => decideRanges(header, 1_000), Fault)
  }
})

test('every range that is served lies within the bytes, in order of its ends, and no byte is sent twice', () => {
  const part = fc.tuple(fc.option(fc.nat(300)), fc.option(fc.nat(300))).map(([a, b]) => `${a ?? ''}-${b ?? ''}`)
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), fc.nat(200), (parts, size) => {
      let ranges: ReturnType<typeof decideRanges>
      try {
        ranges = decideRanges(`bytes=${parts.join(',')}`, size)
      } catch (thrown) {
        assert.ok(thrown instanceof Fault)
        return
      }
      const sent = new Set<number>()
      for (const { start, end } of ranges ?? []) {
        assert.ok(start >= 0 && start <= end && end < size)
        for (let at = start; at <= end; at += 1) {
          assert.ok(!sent.has(at))
          sent.add(at)
        }
      }
    }),
  )
})
