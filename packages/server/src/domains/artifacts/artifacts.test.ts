import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { signDetachedCms } from '@holdfast/crypto/cms'
import { generateKey, type KeyPair, publicKeyPem } from '@holdfast/crypto/keys'
import { certificatePem, createRootCertificate, createSigningCertificate } from '@holdfast/crypto/x509'
import { readMenderArtifact } from '@holdfast/formats/mender/read'
import { signMenderManifest, verifyMenderSignature } from '@holdfast/formats/mender/signature'
import { writeMenderArtifact } from '@holdfast/formats/mender/write'
import { writeSwu } from '@holdfast/formats/swu/write'
import { day, Fault, hour, manualClock, newId } from '@holdfast/kernel'
import { openTestDatabase } from '../../../tests/test-database.ts'
import { systemActor } from '../../platform/actor.ts'
import { openDirectoryBlobs } from '../../platform/blobs/index.ts'
import { auditMigrations } from '../audit/index.ts'
import { createProducts, productMigrations } from '../products/index.ts'
import { artifactMigrations, createArtifacts, sweepJob } from './index.ts'

const actor = systemActor('test')
const now = Date.UTC(2026, 5, 1)

async function startWorld(signaturesRequired = 1) {
  const place = await openTestDatabase([...auditMigrations, ...productMigrations, ...artifactMigrations])
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-artifacts-'))
  const clock = manualClock(now)
  const blobs = await openDirectoryBlobs(directory)
  const products = createProducts({ db: place.db, clock })
  const artifacts = createArtifacts({ db: place.db, blobs, clock, maxBytes: 10_000_000 })
  const organisation = newId()
  const product = await products.create(actor, organisation, {
    key: 'cam',
    name: 'Cam',
    description: '',
    deviceTypes: ['cam'],
    signaturesRequired,
  })
  const newRelease = (version: string) =>
    artifacts.create(actor, organisation, { product: product.id, version, notes: '', tags: [] })
  const upload = (release: string, file: string, bytes: AsyncIterable<Uint8Array>) =>
    artifacts.upload(actor, organisation, release, file, bytes)
  return {
    ...{ ...place, clock, blobs, products, artifacts, organisation, product: product.id, newRelease, upload },
    trust: async (name: string, pem: string) => products.trustKey(actor, organisation, product.id, { name, pem }),
    async [Symbol.asyncDispose]() {
      await place[Symbol.asyncDispose]()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

function mender(key?: KeyPair, more: { name?: string; content?: Uint8Array } = {}) {
  return writeMenderArtifact({
    name: more.name ?? 'cam-1',
    depends: { deviceTypes: ['cam'] },
    payloadType: 'single-file',
    payloadProvides: { 'rootfs.single-file.version': more.name ?? 'cam-1' },
    files: [{ name: 'app.bin', content: more.content ?? randomBytes(10_000) }],
    ...(key === undefined ? {} : { sign: (manifest) => signMenderManifest(manifest, key.privateKey) }),
  })
}

const code = (expected: string) => (thrown: unknown) => thrown instanceof Fault && thrown.code === expected

test('a release counts as signed when a trusted key signed its artifact, and no longer when the key is revoked', async () => {
  await using world = await startWorld()
  const key = await generateKey('p256')
  const id = await world.newRelease('1.0')
  const before = await world.upload(id, 'a.mender', mender(key))
  assert.equal(before.currentState, 'draft')
  assert.deepEqual([...before.verdicts.values()], [[{ verdict: 'untrusted_signer' }]])
  await assert.rejects(world.artifacts.release(actor, world.organisation, id), code('artifacts.unsigned'))

  const trusted = await world.trust('release', publicKeyPem(key.publicKey))
  assert.equal((await world.artifacts.require(world.organisation, id)).currentState, 'signed')
  await world.artifacts.release(actor, world.organisation, id)
  await world.artifacts.requireDeployable(world.db.read, world.organisation, id)

  await world.products.revokeKey(actor, world.organisation, world.product, trusted.id)
  await assert.rejects(
    world.artifacts.requireDeployable(world.db.read, world.organisation, id),
    code('artifacts.no_longer_trusted'),
  )
})

test('two signatures are needed where the product says so, and one key twice is one', async () => {
  await using world = await startWorld(2)
  const [first, second, stranger] = [
    await generateKey('p256'),
    await generateKey('rsa-3072'),
    await generateKey('p256'),
  ]
  for (const key of [first, second])
    await world.trust(`key ${key.publicKey.asymmetricKeyType}`, publicKeyPem(key.publicKey))
  const id = await world.newRelease('1.0')
  const uploaded = await world.upload(id, 'a.mender', mender(first))
  const manifest = uploaded.artifacts[0]?.signed ?? new Uint8Array()
  const attach = (key: KeyPair) =>
    world.artifacts.attachSignature(
      actor,
      world.organisation,
      id,
      'a.mender',
      signMenderManifest(manifest, key.privateKey),
    )
  await assert.rejects(attach(stranger), code('artifacts.untrusted_signature'))
  assert.equal((await attach(first)).signatures.trusted, 1)
  await assert.rejects(world.artifacts.release(actor, world.organisation, id), code('artifacts.unsigned'))
  assert.equal((await attach(second)).signatures.trusted, 2)
  await world.artifacts.release(actor, world.organisation, id)
})

test('a signature attached to an unsigned Mender artifact is also written into the file that devices get', async () => {
  await using world = await startWorld()
  const key = await generateKey('p256')
  await world.trust('release', publicKeyPem(key.publicKey))
  const id = await world.newRelease('1.0')
  const [before] = (await world.upload(id, 'a.mender', mender())).artifacts
  assert.ok(before !== undefined && before.signatures.length === 0)
  const signature = signMenderManifest(before.signed, key.privateKey)
  const after = await world.artifacts.attachSignature(actor, world.organisation, id, 'a.mender', signature)
  assert.notEqual(after.artifacts[0]?.sha256, before.sha256)
  assert.equal(after.currentState, 'signed')
  const bytes = Buffer.concat(
    await Array.fromAsync(await world.artifacts.openBytes({ sha256: after.artifacts[0]?.sha256 ?? '' })),
  )
  assert.ok(bytes.includes('manifest.sig'))
})

test('a signature by a stranger inside of a Mender artifact gives way to a trusted one', async () => {
  await using world = await startWorld()
  const [key, stranger] = [await generateKey('p256'), await generateKey('p256')]
  await world.trust('release', publicKeyPem(key.publicKey))
  const id = await world.newRelease('1.0')
  const [before] = (await world.upload(id, 'a.mender', mender(stranger))).artifacts
  const signature = signMenderManifest(before?.signed ?? new Uint8Array(), key.privateKey)
  const after = await world.artifacts.attachSignature(actor, world.organisation, id, 'a.mender', signature)
  assert.equal(after.artifacts[0]?.signatures.length, 1)
  const content = await world.artifacts.openBytes({ sha256: after.artifacts[0]?.sha256 ?? '' })
  const read = await readMenderArtifact(content)
  verifyMenderSignature(read.manifest, read.signature, key.publicKey)
})

test('a .swu is signed by a certificate that the product trusts, or by one that it issued', async () => {
  await using world = await startWorld()
  const authority = await generateKey('p256')
  const signer = await generateKey('p256')
  const validity = { notBefore: now - day, notAfter: now + 100 * day }
  const root = createRootCertificate({
    subject: { commonName: 'Signing root' },
    key: authority.privateKey,
    ...validity,
  })
  const certificate = createSigningCertificate({
    issuer: { certificate: root, key: authority.privateKey },
    subject: { commonName: 'Signer' },
    publicKey: signer.publicKey,
    ...validity,
  })
  await world.trust('root', certificatePem(root))
  const id = await world.newRelease('2.0')
  const swu = writeSwu({
    name: 'camera',
    version: '2.0',
    hardwareCompatibility: ['1.0'],
    items: [{ filename: 'app.bin', content: randomBytes(5_000), section: 'files', settings: { path: '/tmp/app' } }],
    sign: (content) => signDetachedCms({ content, certificate, key: signer.privateKey }),
  })
  const uploaded = await world.upload(id, 'a.swu', swu)
  assert.equal(uploaded.currentState, 'signed')
  const [artifact] = uploaded.artifacts
  assert.equal(artifact?.name, 'camera-2.0', 'the name alone would be the same in every version')
  assert.match(artifact?.sha1 ?? '', /^[0-9a-f]{40}$/)
  assert.match(artifact?.md5 ?? '', /^[0-9a-f]{32}$/)
})

test('what is no artifact, or one with a wrong byte, is refused and leaves nothing', async () => {
  await using world = await startWorld()
  const id = await world.newRelease('1.0')
  const good = Buffer.concat(await Array.fromAsync(mender(undefined, { content: randomBytes(50_000) })))
  const bad = Buffer.from(good)
  bad[good.length - 3_000] = (bad[good.length - 3_000] ?? 0) ^ 1
  const once = async function* (bytes: Uint8Array) {
    yield bytes
  }
  await assert.rejects(world.upload(id, 'a.bin', once(randomBytes(1_000))), code('artifacts.unknown_format'))
  await assert.rejects(world.upload(id, 'a.mender', once(bad)), Fault)
  await assert.rejects(world.upload(id, 'a.mender', once(good.subarray(0, 20_000))), Fault)
  await assert.rejects(
    world.upload(id, 'big.mender', mender(undefined, { content: randomBytes(11_000_000) })),
    code('blobs.too_large'),
  )
  assert.equal((await Array.fromAsync(world.blobs.list())).length, 0)
  await world.upload(id, 'a.mender', once(good))
  await assert.rejects(world.upload(id, 'a.mender', once(good)), code('artifacts.file_taken'))
})

test('what was released never changes, and another organisation does not see it', async () => {
  await using world = await startWorld(0)
  const { artifacts, organisation } = world
  const id = await world.newRelease('1.0')
  await assert.rejects(artifacts.release(actor, organisation, id), code('artifacts.empty'))
  await world.upload(id, 'a.mender', mender())
  await artifacts.release(actor, organisation, id)
  await assert.rejects(world.upload(id, 'b.mender', mender()), code('artifacts.not_draft'))
  await assert.rejects(artifacts.removeArtifact(actor, organisation, id, 'a.mender'), code('artifacts.not_draft'))
  await assert.rejects(artifacts.remove(actor, organisation, id), code('artifacts.not_draft'))
  await assert.rejects(artifacts.release(actor, organisation, id), code('artifacts.not_draft'))
  await assert.rejects(artifacts.require(newId(), id), code('artifacts.no_release'))
  await artifacts.withdraw(actor, organisation, id, 'a flaw')
  await assert.rejects(artifacts.requireDeployable(world.db.read, organisation, id), code('artifacts.not_released'))
  await assert.rejects(artifacts.withdraw(actor, organisation, id, 'again'), code('artifacts.not_released'))
})

test('versions are unique in a product, and the Mender artifacts of a release bear one name', async () => {
  await using world = await startWorld(0)
  const id = await world.newRelease('1.0')
  await assert.rejects(world.newRelease('1.0'), code('artifacts.version_taken'))
  await world.upload(id, 'a.mender', mender(undefined, { name: 'cam-1' }))
  await assert.rejects(
    world.upload(id, 'b.mender', mender(undefined, { name: 'cam-2' })),
    code('artifacts.name_differs'),
  )
})

test('bytes that no release names any more are removed after an hour, and those in use are not', async () => {
  await using world = await startWorld(0)
  const job = sweepJob({ db: world.db, blobs: world.blobs, clock: world.clock })
  const id = await world.newRelease('1.0')
  await world.upload(id, 'a.mender', mender())
  await world.upload(id, 'b.mender', mender())
  await world.artifacts.removeArtifact(actor, world.organisation, id, 'b.mender')
  await job.run()
  assert.equal((await Array.fromAsync(world.blobs.list())).length, 2)
  world.clock.advance(hour)
  await job.run()
  const left = await Array.fromAsync(world.blobs.list())
  assert.deepEqual(left, [(await world.artifacts.require(world.organisation, id)).artifacts[0]?.sha256])
})
