import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { collect } from '@holdfast/formats/content'
import { signMenderManifest } from '@holdfast/formats/mender/signature'
import { writeMenderArtifact } from '@holdfast/formats/mender/write'
import { type DeviceEvent, runVirtualDevice, slotPayload } from './virtual-device.ts'
import { openSlots } from './virtual-device-slots.ts'
import { startWorld, type World } from './world.ts'

const firmware = { artifact_name: 'station-1', device_type: 'station' }
const trusted = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
const stranger = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
let directory: string
let world: World
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-device-'))
  world = await startWorld()
})
after(async () => {
  await world[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})

async function* bytesOf(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content
}

const emptyDigest = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

test('A slot runs only after it was sealed and activated, and what was there before stays until then', async () => {
  const root = join(directory, 'slots')
  const slots = await openSlots(root, firmware)
  const draft = await slots.prepare()
  await draft.write('app', bytesOf(new Uint8Array(0)), emptyDigest)
  assert.deepEqual(await slots.running(), firmware)
  await draft.seal({ ...firmware, artifact_name: 'station-2' })
  assert.deepEqual(await slots.running(), firmware)
  await draft.activate()
  assert.equal((await slots.running()).artifact_name, 'station-2')
  assert.equal(await readlink(join(root, 'current')), 'b')
  await assert.rejects(draft.write('other', bytesOf(Uint8Array.of(1)), emptyDigest), { code: 'device.write_failed' })
  await assert.rejects(draft.write('../outside', bytesOf(new Uint8Array(0)), emptyDigest), /name/)
})

interface Tried {
  readonly events: DeviceEvent[]
  readonly root: string
}

/** Deploys an artifact to one new device and answers what the device did. */
async function tryUpdate(name: string, verifyKey: typeof trusted.publicKey): Promise<Tried> {
  const { client } = world
  const device = `${name}-device`
  const root = join(directory, device)
  const product = await client.products.create({
    body: { key: name, name, deviceTypes: [name], signaturesRequired: 1 },
  })
  const pem = String(trusted.publicKey.export({ type: 'spki', format: 'pem' }))
  await client.products.trustKey({ params: { product: product.id }, body: { name: 'release', pem } })
  const artifact = writeMenderArtifact({
    name: `${name}-2`,
    depends: { deviceTypes: [name] },
    payloadType: slotPayload,
    files: [{ name: 'app', content: randomBytes(100_000) }],
    sign: (manifest) => signMenderManifest(manifest, trusted.privateKey),
  })
  const release = await client.releases.create({ body: { product: product.id, version: '2' } })
  const body = await collect(artifact, 1 << 20, 'the artifact')
  await client.releases.uploadArtifact({ params: { release: release.id, fileName: `${name}.mender` }, body })
  await client.releases.release({ params: { release: release.id } })

  const events: DeviceEvent[] = []
  const stop = new AbortController()
  const running = runVirtualDevice(
    {
      name: device,
      url: world.deviceUrl,
      authority: world.authority,
      tenantToken: world.organisation.tenantToken,
      identity: { serial: device },
      key: generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey,
      deviceType: name,
      root,
      verifyKey,
      firmware: `${name}-1`,
      pollMilliseconds: 50,
      inventory: { colour: 'green' },
    },
    (event) => events.push(event),
    stop.signal,
  )
  try {
    const id = await until(async () => {
      const { items } = await client.devices.list({ query: { filter: `identity.serial = "${device}"` } })
      return items[0]?.id
    })
    await client.devices.accept({ body: { devices: [id], product: product.id } })
    const target = { kind: 'devices' as const, devices: [id] }
    const made = await client.deployments.create({ body: { name, release: release.id, target } })
    await until(async () => {
      const { counts } = await client.deployments.get({ params: { deployment: made.id } })
      return (counts.success ?? 0) + (counts.failure ?? 0) > 0 ? true : undefined
    })
    await until(async () => events.find(({ kind }) => kind === 'installed' || kind === 'failed'))
    return { events, root }
  } finally {
    stop.abort()
    await running
  }
}

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < 1_200; tries += 1) {
    const found = await look()
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('waited too long')
}

test('A device installs what the product’s key signed, into the slot that was not running', async () => {
  const { events, root } = await tryUpdate('good', trusted.publicKey)
  assert.deepEqual(
    events.map(({ kind }) => kind).filter((kind) => kind !== 'waiting'),
    ['ready', 'updating', 'installed'],
  )
  assert.equal(await readlink(join(root, 'current')), 'b')
  assert.deepEqual((await readdir(join(root, 'b'))).sort(), ['app', 'provides.json'])
  assert.equal(JSON.parse(await readFile(join(root, 'b', 'provides.json'), 'utf8')).artifact_name, 'good-2')
})

test('A device that trusts another key refuses it, keeps what it runs and says why', async () => {
  const { events, root } = await tryUpdate('foreign', stranger.publicKey)
  const failed = events.find(({ kind }) => kind === 'failed')
  assert.match(failed?.kind === 'failed' ? failed.why : '', /signature/)
  assert.equal(await readlink(join(root, 'current')), 'a')
})
