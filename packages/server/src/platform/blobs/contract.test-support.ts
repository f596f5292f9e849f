import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { Fault } from '@holdfast/kernel'
import type { Blobs } from './blobs.ts'

export interface BlobsUnderTest {
  readonly blobs: Blobs
  /** Names of what lies in the waiting room of uploads; empty whenever nothing is under way. */
  unfinished(): Promise<string[]>
}

export async function* chunks(...parts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield typeof part === 'string' ? Buffer.from(part) : part
}

export async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of source) parts.push(part)
  return Buffer.concat(parts)
}

/** What every kind of blob storage promises. `open` may skip the test and answer undefined. */
export function testBlobs(kind: string, open: (t: TestContext) => Promise<BlobsUnderTest | undefined>): void {
  const rule = (title: string, check: (world: BlobsUnderTest) => Promise<void>) =>
    test(`${kind}: ${title}`, async (t) => {
      const world = await open(t)
      if (world !== undefined) await check(world)
    })

  rule('a blob is named by the digest of its bytes and comes back whole and in ranges', async ({ blobs }) => {
    const { digest, size } = await blobs.put(chunks('hello ', 'world'), { limit: 100 })
    assert.equal(digest, createHash('sha256').update('hello world').digest('hex'))
    assert.equal(size, 11)
    assert.equal(`${await collect(await blobs.read(digest))}`, 'hello world')
    assert.equal(`${await collect(await blobs.read(digest, { start: 6, end: 8 }))}`, 'wor')
    assert.equal(`${await collect(await blobs.read(digest, { start: 10, end: 10 }))}`, 'd')
    assert.equal(await blobs.size(digest), 11)
    assert.ok((await Array.fromAsync(blobs.list())).includes(digest))
  })

  rule('the check sees the same bytes, and nothing is kept of what it refuses', async ({ blobs, unfinished }) => {
    const before = await Array.fromAsync(blobs.list())
    const refused = blobs.put(chunks('a', 'b'), {
      limit: 100,
      check: async (bytes) => {
        assert.equal(`${await collect(bytes)}`, 'ab')
        throw new Fault('malformed', 'test.refused', 'no')
      },
    })
    await assert.rejects(refused, { code: 'test.refused' })
    assert.deepEqual(await unfinished(), [])
    assert.deepEqual(await Array.fromAsync(blobs.list()), before)
  })

  rule('a check that stops reading early does not cut the blob short', async ({ blobs }) => {
    const { size, checked, digest } = await blobs.put(chunks('abc', 'def', 'ghi'), {
      limit: 100,
      check: async (bytes) => {
        for await (const part of bytes) return Buffer.from(part).toString()
        return ''
      },
    })
    assert.equal(checked, 'abc')
    assert.equal(size, 9)
    assert.equal(`${await collect(await blobs.read(digest))}`, 'abcdefghi')
  })

  rule('a stream beyond the limit, or one that breaks, leaves nothing behind', async ({ blobs, unfinished }) => {
    await assert.rejects(blobs.put(chunks('0123456789', 'x'), { limit: 10 }), { code: 'blobs.too_large' })
    const broken = (async function* () {
      yield Buffer.from('begin')
      throw new Error('cut')
    })()
    await assert.rejects(blobs.put(broken, { limit: 100 }), /cut/)
    assert.deepEqual(await unfinished(), [])
  })

  rule('the same bytes twice are one blob, and an empty blob is one too', async ({ blobs }) => {
    const first = await blobs.put(chunks('twice'), { limit: 10 })
    assert.equal((await blobs.put(chunks('tw', 'ice'), { limit: 10 })).digest, first.digest)
    const listed = await Array.fromAsync(blobs.list())
    assert.equal(listed.filter((digest) => digest === first.digest).length, 1)
    const { digest, size } = await blobs.put(chunks(), { limit: 10 })
    assert.equal(size, 0)
    assert.equal((await collect(await blobs.read(digest))).length, 0)
  })

  rule('what was removed is missing, and removing it again is no error', async ({ blobs }) => {
    const { digest } = await blobs.put(chunks('x'), { limit: 10 })
    await blobs.remove(digest)
    await blobs.remove(digest)
    await assert.rejects(blobs.read(digest), { kind: 'missing', code: 'blobs.missing' })
    await assert.rejects(blobs.size(digest), { kind: 'missing', code: 'blobs.missing' })
  })

  rule('only a digest is a name', async ({ blobs }) => {
    for (const name of ['../../etc/passwd', '', `${'a'.repeat(63)}/`, 'A'.repeat(64), `${'a'.repeat(64)}\0`]) {
      await assert.rejects(blobs.read(name), { code: 'blobs.digest' })
      await assert.rejects(blobs.size(name), { code: 'blobs.digest' })
      await assert.rejects(blobs.remove(name), { code: 'blobs.digest' })
    }
  })
}
