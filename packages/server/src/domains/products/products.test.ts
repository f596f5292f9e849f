import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generateKey, publicKeyPem } from '@holdfast/crypto/keys'
import { certificatePem, createRootCertificate } from '@holdfast/crypto/x509'
import { day, Fault, manualClock, newId } from '@holdfast/kernel'
import { openTestDatabase } from '../../../tests/test-database.ts'
import { systemActor } from '../../platform/actor.ts'
import { auditMigrations } from '../audit/index.ts'
import { createProducts, productMigrations } from './index.ts'

const actor = systemActor('test')
const start = Date.UTC(2026, 5, 1)
const camera = {
  key: 'camera',
  name: 'Camera',
  description: '',
  deviceTypes: ['cam-1', 'cam-2'],
  signaturesRequired: 1,
}

async function startWorld() {
  const place = await openTestDatabase([...auditMigrations, ...productMigrations])
  const clock = manualClock(start)
  const products = createProducts({ db: place.db, clock })
  const organisation = newId()
  return { ...place, clock, products, organisation, [Symbol.asyncDispose]: () => place[Symbol.asyncDispose]() }
}

const refusedWith = (code: string) => (thrown: unknown) => thrown instanceof Fault && thrown.code === code

test('a device type belongs to one product of an organisation, and to others elsewhere', async () => {
  await using world = await startWorld()
  const { products, organisation } = world
  const { id } = await products.create(actor, organisation, camera)
  assert.equal(await products.findProductByDeviceType(organisation, 'cam-2'), id)
  await assert.rejects(
    products.create(actor, organisation, { ...camera, key: 'other', deviceTypes: ['cam-2'] }),
    refusedWith('products.type_taken'),
  )
  const foreign = await products.create(actor, newId(), camera)
  assert.notEqual(foreign.id, id)
  await products.change(actor, organisation, id, { deviceTypes: ['cam-3'] })
  assert.equal(await products.findProductByDeviceType(organisation, 'cam-2'), undefined)
})

test('a product of another organisation is missing', async () => {
  await using world = await startWorld()
  const { products, organisation } = world
  const { id } = await products.create(actor, organisation, camera)
  await assert.rejects(products.requireProduct(newId(), id), refusedWith('products.missing'))
  await assert.rejects(products.change(actor, newId(), id, { name: 'mine' }), refusedWith('products.missing'))
})

test('public keys and certificates are trusted in their canonical form, and a revoked one cannot come back', async () => {
  await using world = await startWorld()
  const { products, organisation, clock } = world
  const { id } = await products.create(actor, organisation, camera)
  const { publicKey, privateKey } = await generateKey('p256')
  const plain = await products.trustKey(actor, organisation, id, { name: 'plain', pem: publicKeyPem(publicKey) })
  assert.equal(plain.kind, 'public_key')
  const root = createRootCertificate({
    subject: { commonName: 'Signer' },
    key: privateKey,
    notBefore: start - day,
    notAfter: start + day,
  })
  const cms = await products.trustKey(actor, organisation, id, { name: 'cms', pem: certificatePem(root) })
  assert.equal(cms.kind, 'certificate')
  assert.equal(cms.fingerprint, plain.fingerprint)
  await assert.rejects(
    products.trustKey(actor, organisation, id, { name: 'again', pem: publicKeyPem(publicKey) }),
    refusedWith('products.key_trusted'),
  )
  clock.advance(day)
  await products.revokeKey(actor, organisation, id, plain.id)
  await assert.rejects(
    products.trustKey(actor, organisation, id, { name: 'again', pem: publicKeyPem(publicKey) }),
    refusedWith('products.key_revoked'),
  )
  const { keys } = await products.requireProduct(organisation, id)
  assert.deepEqual(
    keys.map((key) => [key.name, key.revokedAt]),
    [
      ['plain', start + day],
      ['cms', undefined],
    ],
  )
})

test('what is no key is refused', async () => {
  await using world = await startWorld()
  const { products, organisation } = world
  const { id } = await products.create(actor, organisation, camera)
  for (const pem of ['', 'hello', '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n']) {
    await assert.rejects(products.trustKey(actor, organisation, id, { name: 'bad', pem }), Fault)
  }
})
