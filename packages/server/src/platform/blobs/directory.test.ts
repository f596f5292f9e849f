import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Fault } from '@holdfast/kernel'
import { openDirectoryBlobs } from './index.ts'

async function open() {
  const root = await mkdtemp(join(tmpdir(), 'holdfast-blobs-'))
  return {
    root,
    blobs: await openDirectoryBlobs(root),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  }
}

async function* chunks(...parts: string[]) {
  for (const part of parts) yield Buffer.from(part)
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = []
  for await (const part of source) parts.push(part)
  return Buffer.concat(parts).toString()
}

test('a blob is named by the digest of its bytes and comes back whole and in ranges', async () => {
  await using world = await open()
  const { digest, size } = await world.blobs.put(chunks('hello ', 'world'), { limit: 100 })
  assert.equal(digest, createHash('sha256').update('hello world').digest('hex'))
  assert.equal(size, 11)
  assert.equal(await collect(await world.blobs.read(digest)), 'hello world')
  assert.equal(await collect(await world.blobs.read(digest, { start: 6, end: 8 })), 'wor')
  assert.equal(await world.blobs.size(digest), 11)
})

test('the check sees the same bytes, and nothing is kept of what it refuses', async () => {
  await using world = await open()
  const refused = world.blobs.put(chunks('a', 'b'), {
    limit: 100,
    check: async (bytes) => {
      assert.equal(await collect(bytes), 'ab')
      throw new Fault('malformed', 'test.refused', 'no')
    },
  })
  await assert.rejects(refused, { code: 'test.refused' })
  assert.deepEqual(await readdir(join(world.root, 'incoming')), [])
  assert.equal((await Array.fromAsync(world.blobs.list())).length, 0)
})

test('a check that stops reading early does not cut the blob short', async () => {
  await using world = await open()
  const { size, checked } = await world.blobs.put(chunks('abc', 'def', 'ghi'), {
    limit: 100,
    check: async (bytes) => {
      for await (const part of bytes) return Buffer.from(part).toString()
      return ''
    },
  })
  assert.equal(checked, 'abc')
  assert.equal(size, 9)
})

test('a stream beyond the limit, or one that breaks, leaves nothing behind', async () => {
  await using world = await open()
  await assert.rejects(world.blobs.put(chunks('0123456789', 'x'), { limit: 10 }), { code: 'blobs.too_large' })
  const broken = (async function* () {
    yield Buffer.from('begin')
    throw new Error('cut')
  })()
  await assert.rejects(world.blobs.put(broken, { limit: 100 }), /cut/)
  assert.deepEqual(await readdir(join(world.root, 'incoming')), [])
})

test('blobs are readable by their owner only, and what is not there is named', async () => {
  await using world = await open()
  const { digest } = await world.blobs.put(chunks('x'), { limit: 10 })
  assert.equal((await stat(join(world.root, digest.slice(0, 2), digest))).mode & 0o777, 0o600)
  await world.blobs.remove(digest)
  await world.blobs.remove(digest)
  await assert.rejects(world.blobs.read(digest), { code: 'blobs.missing' })
  await assert.rejects(world.blobs.read('../../etc/passwd'), { code: 'blobs.digest' })
})
