import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { CreateBucketCommand, ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3'
import { type Swift, startSwift, whyNoSwift } from '@holdfast/lab/peers/swift'
import { chunks, collect, testBlobs } from '../src/platform/blobs/contract.test-support.ts'
import { openS3Blobs, type S3Settings } from '../src/platform/blobs/index.ts'

const mebibyte = 1024 * 1024
const missing = whyNoSwift()
let shared: Promise<{ swift: Swift; settings: S3Settings; client: S3Client; spool: string }> | undefined

/** One store for all tests of this file, started by the first that needs it. */
function store() {
  shared ??= start()
  return shared
}

async function start() {
  const swift = await startSwift()
  const { endpoint, region, accessKeyId, secretAccessKey } = swift
  const settings: S3Settings = {
    ...{ endpoint, region, accessKeyId, secretAccessKey },
    bucket: 'holdfast',
    prefix: 'blobs/',
    forcePathStyle: true,
    silenceMilliseconds: 1_500,
  }
  const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } })
  await client.send(new CreateBucketCommand({ Bucket: settings.bucket }))
  return { swift, settings, client, spool: await mkdtemp(join(tmpdir(), 'holdfast-spool-')) }
}

after(async () => {
  if (shared === undefined) return
  const { swift, client, spool } = await shared
  client.destroy()
  await swift[Symbol.asyncDispose]()
  await rm(spool, { recursive: true, force: true })
})

async function open(t: TestContext, changed: Partial<S3Settings> = {}) {
  if (missing !== undefined) {
    t.skip(missing)
    return undefined
  }
  const { swift, settings, client, spool } = await store()
  const blobs = await openS3Blobs({ ...settings, ...changed }, spool)
  return { blobs, swift, client, bucket: settings.bucket, unfinished: () => readdir(spool) }
}

testBlobs('S3', open)

test('a blob of several parts is stored whole, and any range of it comes back', async (t) => {
  const world = await open(t)
  if (world === undefined) return
  const parts = Array.from({ length: 40 }, () => randomBytes(mebibyte))
  const content = Buffer.concat([...parts, Buffer.from('the end')])
  const { digest, size } = await world.blobs.put(chunks(...parts, 'the end'), { limit: 100 * mebibyte })
  assert.equal(size, content.length)
  assert.equal(digest, createHash('sha256').update(content).digest('hex'))
  assert.equal(await world.blobs.size(digest), content.length)
  const border = 16 * mebibyte
  const ranges = [
    [0, 0],
    [border - 3, border + 4],
    [border, 2 * border - 1],
    [content.length - 7, content.length - 1],
  ] as const
  for (const [start, end] of ranges) {
    const got = await collect(await world.blobs.read(digest, { start, end }))
    assert.ok(got.equals(content.subarray(start, end + 1)), `bytes ${start} to ${end}`)
  }
  assert.ok((await collect(await world.blobs.read(digest))).equals(content))
  assert.ok((await Array.fromAsync(world.blobs.list())).includes(digest))
})

test('an upload of several parts that is refused leaves nothing in the bucket', async (t) => {
  const world = await open(t)
  if (world === undefined) return
  const before = await Array.fromAsync(world.blobs.list())
  const parts = Array.from({ length: 20 }, () => randomBytes(mebibyte))
  await assert.rejects(world.blobs.put(chunks(...parts), { limit: 18 * mebibyte }), { code: 'blobs.too_large' })
  assert.deepEqual(await Array.fromAsync(world.blobs.list()), before)
  assert.deepEqual(await world.unfinished(), [])
})

test('while the store is away every act is refused as unavailable, and nothing half-stored shows when it is back', async (t) => {
  const world = await open(t)
  if (world === undefined) return
  const { digest } = await world.blobs.put(chunks('from before'), { limit: 100 })
  const before = await Array.fromAsync(world.blobs.list())
  await world.swift.stopEndpoint()
  const away = { kind: 'unavailable', code: 'blobs.store' }
  const parts = Array.from({ length: 18 }, () => randomBytes(mebibyte))
  try {
    await assert.rejects(world.blobs.put(chunks('small'), { limit: 100 }), away)
    await assert.rejects(world.blobs.put(chunks(...parts), { limit: 100 * mebibyte }), away)
    await assert.rejects(world.blobs.read(digest), away)
    await assert.rejects(world.blobs.size(digest), away)
    await assert.rejects(world.blobs.remove(digest), away)
    await assert.rejects(Array.fromAsync(world.blobs.list()), away)
    assert.deepEqual(await world.unfinished(), [])
  } finally {
    await world.swift.startEndpoint()
  }
  assert.deepEqual(await Array.fromAsync(world.blobs.list()), before)
  assert.equal(`${await collect(await world.blobs.read(digest))}`, 'from before')
  await world.blobs.put(chunks(...parts), { limit: 100 * mebibyte })
})

test('a store that takes connections but says nothing is away too, not a reason to wait for ever', async (t) => {
  const world = await open(t)
  if (world === undefined) return
  world.swift.freezeEndpoint()
  try {
    await assert.rejects(world.blobs.size('0'.repeat(64)), { kind: 'unavailable', code: 'blobs.store' })
    await assert.rejects(world.blobs.put(chunks('frozen'), { limit: 100 }), { kind: 'unavailable' })
  } finally {
    world.swift.thawEndpoint()
  }
  await assert.rejects(world.blobs.size('0'.repeat(64)), { kind: 'missing' })
})

test('a store that goes away in the middle of the parts leaves no blob', async (t) => {
  const world = await open(t)
  if (world === undefined) return
  const before = await Array.fromAsync(world.blobs.list())
  const parts = Array.from({ length: 48 }, () => randomBytes(mebibyte))
  const putting = world.blobs.put(chunks(...parts), { limit: 100 * mebibyte })
  // The moment when an upload is open: after its first part and before its last.
  await waitUntilOpen(world.client, world.bucket)
  await world.swift.stopEndpoint()
  try {
    await assert.rejects(putting, { kind: 'unavailable', code: 'blobs.store' })
  } finally {
    await world.swift.startEndpoint()
  }
  assert.deepEqual(await Array.fromAsync(world.blobs.list()), before)
  assert.deepEqual(await world.unfinished(), [])
})

test('wrong credentials, a secret that is wrong and a bucket that is not there are the store’s fault, not a missing blob', async (t) => {
  for (const wrong of [
    { accessKeyId: 'test:somebody' },
    { secretAccessKey: 'wrong' },
    { bucket: 'not-there' },
  ] satisfies Partial<S3Settings>[]) {
    const world = await open(t, wrong)
    if (world === undefined) return
    await assert.rejects(world.blobs.put(chunks('x'), { limit: 10 }), { kind: 'unavailable', code: 'blobs.store' })
    await assert.rejects(world.blobs.read('1'.repeat(64)), { kind: 'unavailable', code: 'blobs.store' })
  }
})

async function waitUntilOpen(client: S3Client, bucket: string): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt += 1) {
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))
    if (Uploads.length > 0) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error('no upload of several parts was ever open')
}
