import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BoundedReader } from './index.ts'

async function* chunksOf(bytes: Uint8Array, sizes: readonly number[]) {
  let at = 0
  for (let index = 0; at < bytes.length; index += 1) {
    const size = sizes[index % sizes.length] ?? 1
    yield bytes.subarray(at, at + size)
    at += size
  }
}

test('however a stream is cut into chunks, it is read in the same pieces', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 200 }),
      fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1 }).filter((sizes) => sizes.some((size) => size > 0)),
      fc.array(fc.nat({ max: 30 }), { maxLength: 10 }),
      async (bytes, sizes, pieces) => {
        const reader = new BoundedReader(chunksOf(bytes, sizes), { limit: 1_000, name: 'it' })
        let at = 0
        for (const piece of pieces.filter(
          (_, index) => pieces.slice(0, index + 1).reduce((sum, size) => sum + size, 0) <= bytes.length,
        )) {
          if (at + piece > bytes.length) break
          assert.deepEqual(Buffer.from(await reader.take(piece)), Buffer.from(bytes.subarray(at, at + piece)))
          at += piece
        }
        assert.equal(reader.position, at)
        await reader.skip(bytes.length - at)
        assert.ok(await reader.atEnd())
      },
    ),
  )
})

test('a stream that ends early is named with the place', async () => {
  const reader = new BoundedReader(chunksOf(new Uint8Array(10), [3]), { limit: 100, name: 'the header' })
  await assert.rejects(reader.take(11), { code: 'kernel.truncated', message: 'the header ends 1 bytes too early' })
})

test('a stream beyond its limit is refused before more of it is handed out', async () => {
  const reader = new BoundedReader(chunksOf(new Uint8Array(30), [10]), { limit: 20, name: 'it' })
  await reader.take(20)
  await assert.rejects(reader.take(1), { code: 'kernel.too_large' })
})
