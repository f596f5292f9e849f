import assert from 'node:assert/strict'
import { test } from 'node:test'
import { publicKeyPem } from '@holdfast/crypto/keys'
import { certificatePem } from '@holdfast/crypto/x509'
import { day, Fault, hour, manualClock, systemClock } from '@holdfast/kernel'
import { acceptedDevice, newAuthority, newKey, operatorOf, request, startWorld } from './devices.test-support.ts'

const start = Date.UTC(2026, 5, 1)
const notAuthorised = (thrown: unknown) => thrown instanceof Fault && thrown.code === 'devices.not_authorised'
const badToken = (thrown: unknown) => thrown instanceof Fault && thrown.code === 'devices.bad_token'
const refusedWith = (code: string) => (thrown: unknown) => thrown instanceof Fault && thrown.code === code

test('a device is pending until an operator accepts it, and asking again writes nothing', async () => {
  await using world = await startWorld()
  const { devices, organisation, operator } = world
  const { spki } = newKey()
  const asked = request(organisation, { serial: 'SN-1' }, spki)
  for (let round = 0; round < 3; round += 1)
    await assert.rejects(async () => devices.askAuthorisation(asked), notAuthorised)
  assert.deepEqual(await world.auditTypes(), ['device.registered'])
  const { items } = await devices.lists.list(operator, { filter: 'state = pending', sort: 'newest', limit: 10 })
  assert.equal(items.length, 1)
  const [id] = items.map((item) => item.id) as [string]
  assert.equal(await devices.operate.accept(operator, [id], undefined), 1)
  assert.equal(await devices.operate.accept(operator, [id], undefined), 0)
  const token = await devices.askAuthorisation(asked)
  const principal = await devices.authenticate(token)
  assert.equal(principal.device, id)
  assert.equal(principal.standing, 'accepted')
  assert.deepEqual(await devices.authenticate(token), principal)
  assert.deepEqual(await world.auditTypes(), ['device.registered', 'device.accepted'])
})

test('the order of identity attributes and another encoding of the key make no other device', async () => {
  await using world = await startWorld()
  const { devices, organisation, operator } = world
  const { spki, privateKey } = newKey()
  await assert.rejects(devices.askAuthorisation(request(organisation, { a: '1', b: '2' }, spki)), notAuthorised)
  const pem = { ...request(organisation, { b: '2', a: '1' }, spki), publicKey: publicKeyPem(privateKey) }
  await assert.rejects(devices.askAuthorisation(pem), notAuthorised)
  const { items } = await devices.lists.list(operator, { sort: 'newest', limit: 10 })
  assert.equal(items.length, 1)
})

test('a preauthorised key is accepted at its first request, another key is not', async () => {
  await using world = await startWorld()
  const { devices, organisation, operator } = world
  const key = newKey()
  await devices.preauthorise(operator, {
    identity: { serial: 'SN-1' },
    publicKey: publicKeyPem(key.privateKey),
    targetToken: false,
  })
  const other = request(organisation, { serial: 'SN-1' }, newKey().spki)
  await assert.rejects(devices.askAuthorisation(other), notAuthorised)
  await devices.askAuthorisation(request(organisation, { serial: 'SN-1' }, key.spki))
  await assert.rejects(devices.askAuthorisation(other), notAuthorised)
  await assert.rejects(
    devices.preauthorise(operator, { identity: { serial: 'SN-1' }, targetToken: false }),
    refusedWith('devices.identity_taken'),
  )
})

test('accepting another key retires the one before, and its tokens end', async () => {
  await using world = await startWorld()
  const { devices, organisation, operator } = world
  const first = await acceptedDevice(world, 'SN-1')
  const second = request(organisation, { serial: 'SN-1' }, newKey().spki)
  await assert.rejects(devices.askAuthorisation(second), notAuthorised)
  const pending = (await devices.lists.get(operator, first.id)).keys.find((key) => key.state === 'pending')
  await devices.operate.decideKey(operator, first.id, pending?.id ?? '', 'accepted')
  await assert.rejects(async () => devices.authenticate(first.token), badToken)
  await assert.rejects(devices.askAuthorisation(first.asked), notAuthorised)
  await devices.askAuthorisation(second)
  const states = (await devices.lists.get(operator, first.id)).keys.map((key) => key.state)
  assert.deepEqual(states, ['retired', 'accepted'])
})

test('rejected, retired and quarantined devices look alike, but for the last that may still report', async () => {
  await using world = await startWorld()
  const { devices, operator } = world
  const rejected = await acceptedDevice(world, 'SN-rejected')
  await devices.operate.reject(operator, rejected.id)
  const retired = await acceptedDevice(world, 'SN-retired')
  await devices.operate.retire(operator, retired.id, 'scrapped')
  for (const { token, asked } of [rejected, retired]) {
    await assert.rejects(async () => devices.authenticate(token), badToken)
    await assert.rejects(devices.askAuthorisation(asked), notAuthorised)
  }
  const apart = await acceptedDevice(world, 'SN-apart')
  await devices.operate.quarantine(operator, apart.id, 'odd traffic')
  await assert.rejects(async () => devices.authenticate(apart.token), badToken)
  const restricted = await devices.askAuthorisation(apart.asked)
  assert.equal((await devices.authenticate(restricted)).standing, 'quarantined')
  await devices.operate.release(operator, apart.id)
  await assert.rejects(async () => devices.authenticate(restricted), badToken)
  assert.equal((await devices.authenticate(await devices.askAuthorisation(apart.asked))).standing, 'accepted')
})

test('a retired device is a tombstone: its identity is never given again', async () => {
  await using world = await startWorld()
  const { devices, organisation, operator } = world
  const { id } = await acceptedDevice(world, 'SN-1')
  await devices.operate.retire(operator, id, 'scrapped')
  await assert.rejects(
    devices.askAuthorisation(request(organisation, { serial: 'SN-1' }, newKey().spki)),
    notAuthorised,
  )
  await assert.rejects(
    devices.preauthorise(operator, { identity: { serial: 'SN-1' }, targetToken: false }),
    refusedWith('devices.identity_taken'),
  )
  await assert.rejects(devices.operate.accept(operator, [id], undefined), refusedWith('devices.bad_state'))
})

test('a device whose certificate a trusted authority issued is accepted at once', async () => {
  await using world = await startWorld()
  const { devices, organisation, operator } = world
  const [trusted, other] = [newAuthority('Factory', systemClock.now()), newAuthority('Other', systemClock.now())]
  await devices.trust.trustAuthority(operator, { name: 'Factory', pem: certificatePem(trusted.certificate) })
  const key = newKey()
  const asked = request(organisation, { serial: 'SN-1' }, key.spki)
  const certificate = trusted.certify('SN-1', key.privateKey)
  await assert.rejects(
    devices.askAuthorisation({ ...asked, certificate: other.certify('SN-1', key.privateKey) }),
    notAuthorised,
  )
  const stranger = newKey()
  await assert.rejects(devices.askAuthorisation({ ...asked, publicKey: stranger.spki, certificate }), notAuthorised)
  await devices.askAuthorisation({ ...asked, certificate })
  // Another device's certificate does not take over this one's identity; one that names it does.
  const thief = newKey()
  await assert.rejects(
    devices.askAuthorisation({
      ...request(organisation, { serial: 'SN-1' }, thief.spki),
      certificate: trusted.certify('SN-2', thief.privateKey),
    }),
    notAuthorised,
  )
  const renewed = newKey()
  await devices.askAuthorisation({
    ...request(organisation, { serial: 'SN-1' }, renewed.spki),
    certificate: trusted.certify('SN-1', renewed.privateKey),
  })
  await assert.rejects(devices.askAuthorisation({ ...asked, certificate }), notAuthorised)
})

test('a rule accepts by pattern and authority until its quota or its time is used up', async () => {
  const clock = manualClock(start)
  await using world = await startWorld(clock)
  const { devices, organisation, operator, products } = world
  const factory = newAuthority('Factory', start)
  const product = await products.create(operator.actor, organisation, {
    key: 'cam',
    name: 'Camera',
    description: '',
    deviceTypes: ['cam'],
    signaturesRequired: 0,
  })
  await devices.trust.createRule(operator, {
    name: 'first batch',
    issuer: certificatePem(factory.certificate),
    identityPattern: { serial: 'SN-*' },
    product: product.id,
    quota: 2,
    expiresAt: start + hour,
  })
  const ask = async (serial: string, certified = true) => {
    const key = newKey()
    const asked = request(organisation, { serial }, key.spki)
    return devices.askAuthorisation(
      certified ? { ...asked, certificate: factory.certify('a device', key.privateKey) } : asked,
    )
  }
  await assert.rejects(ask('SN-0', false), notAuthorised)
  await assert.rejects(ask('XX-1'), notAuthorised)
  const principal = await devices.authenticate(await ask('SN-1'))
  assert.equal((await devices.view(principal.number)).product, product.id)
  await ask('SN-2')
  await assert.rejects(ask('SN-3'), notAuthorised)
  assert.deepEqual(
    (await devices.trust.rules(organisation)).map(({ quotaLeft, accepted }) => [quotaLeft, accepted]),
    [[0, 2]],
  )
  await devices.trust.createRule(operator, {
    name: 'second batch',
    identityPattern: { serial: 'SN-*' },
    quota: 10,
    expiresAt: start + hour,
  })
  clock.advance(hour)
  await assert.rejects(ask('SN-4'), notAuthorised)
  assert.equal((await products.requireProduct(organisation, product.id)).devices, 2)
})

test('many devices at once do not get more places than a rule has', async () => {
  await using world = await startWorld()
  const { devices, organisation, operator } = world
  const expiresAt = systemClock.now() + day
  await devices.trust.createRule(operator, { name: 'five', identityPattern: { serial: '*' }, quota: 5, expiresAt })
  const asked = Array.from({ length: 20 }, (_, index) =>
    devices.askAuthorisation(request(organisation, { serial: `SN-${index}` }, newKey().spki)).then(
      () => 1,
      () => 0,
    ),
  )
  const accepted = (await Promise.all<number>(asked)).reduce((sum, one) => sum + one, 0)
  assert.equal(accepted, 5)
})

test('an organisation takes no more devices than its limit', async () => {
  await using world = await startWorld(systemClock, { maxPerOrganisation: 2 })
  const { devices, operator, organisation } = world
  await devices.preauthorise(operator, { identity: { serial: '1' }, targetToken: false })
  await devices.preauthorise(operator, { identity: { serial: '2' }, targetToken: false })
  await assert.rejects(
    devices.preauthorise(operator, { identity: { serial: '3' }, targetToken: false }),
    refusedWith('devices.too_many'),
  )
  const expiresAt = systemClock.now() + day
  await devices.trust.createRule(operator, { name: 'all', identityPattern: { serial: '*' }, quota: 5, expiresAt })
  await assert.rejects(devices.askAuthorisation(request(organisation, { serial: '4' }, newKey().spki)), notAuthorised)
  await assert.doesNotReject(devices.askAuthorisation(request(organisation, { serial: '1' }, newKey().spki)))
})

test('tokens that are altered, over, or made by others are refused', async () => {
  const clock = manualClock(start)
  await using world = await startWorld(clock)
  const { devices } = world
  const { token } = await acceptedDevice(world, 'SN-1')
  const [head = '', body = '', mark = ''] = token.split('.')
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as { exp: number }
  const longer = Buffer.from(JSON.stringify({ ...claims, exp: claims.exp + 9_999 })).toString('base64url')
  const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')
  const forged = [
    `${head}.${longer}.${mark}`,
    `${none}.${body}.`,
    `${none}.${body}.${mark}`,
    `${head}.${body}.`,
    '',
    '.',
    'a.b.c',
  ]
  for (const one of forged) await assert.rejects(async () => devices.authenticate(one), badToken, one)
  await devices.authenticate(token)
  clock.advance(day)
  await assert.rejects(async () => devices.authenticate(token), badToken)
})

test('a device of one organisation is unknown to another', async () => {
  await using world = await startWorld()
  const { devices } = world
  const { id } = await acceptedDevice(world, 'SN-1')
  const foreign = operatorOf('another')
  const missing = refusedWith('devices.missing')
  await assert.rejects(devices.lists.get(foreign, id), missing)
  await assert.rejects(devices.operate.retire(foreign, id, 'x'), missing)
  await assert.rejects(devices.operate.change(foreign, id, { name: 'mine' }), missing)
  assert.deepEqual((await devices.lists.list(foreign, { sort: 'newest', limit: 10 })).items, [])
  assert.equal(await devices.findView('another', id), undefined)
})
