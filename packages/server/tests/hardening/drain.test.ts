import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { writeMenderArtifact } from '@holdfast/formats/mender/write'
import { waitFor } from '@holdfast/lab/peers/wait'
import { startServerProcess } from '@holdfast/lab/server-process'
import { databaseFor, startWorld } from '@holdfast/lab/world'
import { readConfig } from '../../src/config.ts'
import { openDatabase } from '../../src/foundation.ts'

const mebibyte = 1024 * 1024

function artifact(content: Uint8Array): AsyncIterable<Uint8Array> {
  return writeMenderArtifact({
    name: 'drained',
    depends: { deviceTypes: ['drain'] },
    payloadType: 'single-file',
    files: [{ name: 'content', content }],
  })
}

async function isRefused(url: string): Promise<boolean> {
  const { port } = new URL(url)
  return new Promise((resolve) => {
    const socket = connect(Number(port), '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(false)
    })
    socket.once('error', () => resolve(true))
  })
}

test('a server that is told to end finishes a download, an upload and its streams, takes nobody new, and gives its leases back', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-drain-'))
  const database = await databaseFor(directory)
  const server = await startServerProcess({ directory, config: { database: database.settings } })
  t.after(async () => {
    await server.kill()
    await database.drop()
    await rm(directory, { recursive: true, force: true })
  })
  const token = await server.ownerToken()
  const client = server.clientFor(token)
  const body = { key: 'drain', name: 'Drain', deviceTypes: ['drain'], signaturesRequired: 0 }
  const { id: product } = await client.products.create({ body })
  const releases = []
  for (const version of ['1', '2']) releases.push((await client.releases.create({ body: { product, version } })).id)
  const [first = '', second = ''] = releases
  const bytes = Buffer.concat(await Array.fromAsync(artifact(randomBytes(48 * mebibyte))))
  const place = { release: first, fileName: 'a.mender' }
  const { sha256 } = await client.releases.uploadArtifact({ params: place, body: bytes })

  const headers = { authorization: `Bearer ${token}` }
  const download = await server.fetch(`/api/v1/releases/${first}/artifacts/a.mender`, { headers })
  const downloading = download.body[Symbol.asyncIterator]()
  const hash = createHash('sha256')
  hash.update((await downloading.next()).value as Uint8Array)
  const stream = await server.fetch('/api/v1/events', { headers })
  const streamEnded = Array.fromAsync(stream.body).then(
    () => 'ended',
    () => 'cut',
  )
  let goOn: () => void = () => {}
  const paused = new Promise<void>((resolve) => {
    goOn = resolve
  })
  const uploading = client.releases.uploadArtifact({
    params: { release: second, fileName: 'b.mender' },
    body: (async function* () {
      yield bytes.subarray(0, mebibyte)
      await paused
      yield bytes.subarray(mebibyte)
    })(),
  })
  await sleep(300)

  const ended = server.terminate()
  await waitFor('new connections to be refused', () => isRefused(server.apiUrl), { seconds: 10 })
  await waitFor('new devices to be refused', () => isRefused(server.deviceUrl), { seconds: 10 })
  assert.equal(server.ended(), undefined, 'it waits for what is under way')
  goOn()
  assert.equal((await uploading).sha256, sha256)
  for (let next = await downloading.next(); next.done !== true; next = await downloading.next()) hash.update(next.value)
  assert.equal(hash.digest('hex'), sha256)
  assert.equal(await streamEnded, 'ended')
  assert.equal(await ended, 0)

  const config = readConfig({}, { data: join(directory, 'data'), database: database.settings })
  const db = openDatabase(config)
  try {
    assert.deepEqual(await db.read.selectFrom('lease').selectAll().execute(), [])
  } finally {
    await db.close()
  }
})

test('what never finishes does not keep the server from ending', async () => {
  await using world = await startWorld()
  const { id: product } = await world.client.products.create({ body: { key: 'p', name: 'P', deviceTypes: ['p'] } })
  const { id: release } = await world.client.releases.create({ body: { product, version: '1' } })
  const stuck = world.client.releases.uploadArtifact({
    params: { release, fileName: 'stuck.mender' },
    body: (async function* () {
      yield Buffer.from('begin')
      await new Promise(() => {})
    })(),
  })
  const cut = assert.rejects(stuck)
  await sleep(200)
  const begun = performance.now()
  await world.app.drain(500)
  assert.ok(performance.now() - begun > 400, 'it is given its time')
  await cut
})
