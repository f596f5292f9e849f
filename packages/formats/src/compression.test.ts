import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { bytesOf, chunked, faultOf } from '../tests/forge.ts'
import { compress, decompress } from './compression.ts'

const limits = { bytes: 50_000_000, ratio: 1_000 }
const pack = { gzip: gzipSync, zstd: zstdCompressSync }
const methods = ['gzip', 'zstd'] as const
const random = (size: number) => Buffer.from(Array.from({ length: size }, (_, index) => (index * 2_654_435_761) >>> 24))

async function expand(bytes: Uint8Array, method: 'gzip' | 'zstd', chunk = 64 * 1024, limit = limits): Promise<Buffer> {
  return bytesOf(decompress(chunked(bytes, chunk), method, { name: 'it', limits: limit }))
}

test('what is compressed is what is decompressed, in chunks of any size', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 5_000 }),
      fc.nat(2_000),
      fc.constantFrom(...methods),
      async (bytes, size, method) => {
        const packed = await bytesOf(compress(chunked(bytes, size + 1), method))
        assert.deepEqual(await expand(packed, method, size + 1), Buffer.from(bytes))
        assert.deepEqual(await expand(pack[method](bytes), method, size + 1), Buffer.from(bytes))
      },
    ),
  )
})

test('a source that reuses its buffer is read correctly', async () => {
  async function* reusing() {
    const buffer = new Uint8Array(1_000)
    for (let index = 0; index < 100; index += 1) yield buffer.fill(index)
  }
  for (const method of methods) {
    const expanded = await expand(await bytesOf(compress(reusing(), method)), method)
    assert.deepEqual(expanded, await bytesOf(reusing()))
  }
})

test('a bomb is stopped while it expands, and its neighbour below the limit is not', async () => {
  const zeros = Buffer.alloc(20_000_000)
  for (const method of methods) {
    const bomb = pack[method](zeros)
    await assert.rejects(expand(bomb, method, 512), faultOf('formats.expansion_ratio'))
    assert.equal((await expand(bomb, method, 512, { ...limits, ratio: 1_000_000 })).length, zeros.length)
    await assert.rejects(
      expand(bomb, method, 512, { bytes: 19_999_999, ratio: 1_000_000 }),
      faultOf('formats.too_large'),
    )
  }
})

test('anything after the compressed data is refused, in the same chunk or a later one', async () => {
  for (const method of methods) {
    for (const more of [Buffer.from('more'), Buffer.alloc(4), random(70_000)]) {
      const packed = pack[method](random(3_000))
      for (const chunk of [packed.length, 1_000, 1_000_000]) {
        await assert.rejects(expand(Buffer.concat([packed, more]), method, chunk), faultOf('formats.compressed_data'))
      }
    }
  }
})

test('even if it comes long after', async () => {
  async function* late(parts: readonly Uint8Array[]) {
    for (const part of parts) {
      yield part
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
  for (const method of methods) {
    const parts = [pack[method](random(3_000)), Buffer.from('more'), Buffer.from('and more')]
    const expanding = bytesOf(decompress(late(parts), method, { name: 'it', limits }))
    await assert.rejects(expanding, faultOf('formats.compressed_data'))
    assert.equal((await bytesOf(decompress(late(parts.slice(0, 1)), method, { name: 'it', limits }))).length, 3_000)
  }
})

test('data that is cut short or damaged is refused', async () => {
  for (const method of methods) {
    const packed = pack[method](random(300_000))
    for (const end of [0, 1, 10, packed.length - 9, packed.length - 1]) {
      await assert.rejects(
        expand(packed.subarray(0, end), method),
        faultOf('formats.compressed_data'),
        `${method} ${end}`,
      )
    }
    await assert.rejects(expand(Buffer.concat([Buffer.from('x'), packed]), method), faultOf('formats.compressed_data'))
  }
})

test('the fault of a source passes through unchanged', async () => {
  async function* failing() {
    yield gzipSync(random(10)).subarray(0, 5)
    throw new Error('the disk is gone')
  }
  await assert.rejects(bytesOf(decompress(failing(), 'gzip', { name: 'it', limits })), /the disk is gone/)
  await assert.rejects(bytesOf(compress(failing(), 'gzip')), /the disk is gone/)
})

test('a reader that leaves early ends the source', async () => {
  let ended = false
  async function* endless() {
    try {
      while (true) yield random(10_000)
    } finally {
      ended = true
    }
  }
  for await (const _ of compress(endless(), 'gzip')) break
  await new Promise((resolve) => setImmediate(resolve))
  assert.ok(ended)
})
