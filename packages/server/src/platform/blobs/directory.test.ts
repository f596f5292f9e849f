import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { chunks, testBlobs } from './contract.test-support.ts'
import { openDirectoryBlobs } from './index.ts'

async function makeRoot() {
  return mkdtemp(join(tmpdir(), 'holdfast-blobs-'))
}

testBlobs('directory', async (t) => {
  const root = await makeRoot()
  t.after(() => rm(root, { recursive: true, force: true }))
  return { blobs: await openDirectoryBlobs(root), unfinished: () => readdir(join(root, 'incoming')) }
})

test('blobs in a directory are readable by their owner only', async (t) => {
  const root = await makeRoot()
  t.after(() => rm(root, { recursive: true, force: true }))
  const blobs = await openDirectoryBlobs(root)
  const { digest } = await blobs.put(chunks('x'), { limit: 10 })
  assert.equal((await stat(join(root, digest.slice(0, 2), digest))).mode & 0o777, 0o600)
})

test('what a crash left half-written is gone when the directory is opened again', async (t) => {
  const root = await makeRoot()
  t.after(() => rm(root, { recursive: true, force: true }))
  const blobs = await openDirectoryBlobs(root)
  const never = (async function* () {
    yield Buffer.from('begin')
    await new Promise(() => {})
  })()
  void blobs.put(never, { limit: 100 })
  while ((await readdir(join(root, 'incoming'))).length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  await openDirectoryBlobs(root, { shared: true })
  assert.equal((await readdir(join(root, 'incoming'))).length, 1, 'another node may be writing it')
  const again = await openDirectoryBlobs(root)
  assert.deepEqual(await readdir(join(root, 'incoming')), [])
  assert.deepEqual(await Array.fromAsync(again.list()), [])
})
