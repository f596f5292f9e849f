import assert from 'node:assert/strict'
import { test } from 'node:test'
import { certificatePem } from '@holdfast/crypto/x509'
import { Fault, systemClock } from '@holdfast/kernel'
import { newAuthority, newKey, startWorld, type World } from './devices.test-support.ts'
import type { ControllerProof } from './devices.ts'

const notAuthorised = (thrown: unknown) => thrown instanceof Fault && thrown.code === 'devices.not_authorised'

const prove = ({ devices, organisation }: World, controllerId: string, proof: ControllerProof) =>
  (async () => devices.authenticateController({ organisation, controllerId, proof, origin: '192.0.2.1' }))()

test('a target token is good for its own controller only, until a new one is made', async () => {
  await using world = await startWorld()
  const { devices, operator } = world
  const made = await devices.preauthorise(operator, {
    identity: { serial: '1' },
    controllerId: 'dev-1',
    targetToken: true,
  })
  await devices.preauthorise(operator, { identity: { serial: '2' }, controllerId: 'dev-2', targetToken: true })
  const proof = { kind: 'target_token', token: made.targetToken ?? '' } as const
  await prove(world, 'dev-1', proof)
  const principal = await prove(world, 'dev-1', proof)
  assert.equal(principal.device, made.id)
  assert.equal((await prove(world, 'dev-1', proof)).number, principal.number)
  await assert.rejects(prove(world, 'dev-2', proof), notAuthorised)
  await assert.rejects(prove(world, 'dev-3', proof), notAuthorised)
  await assert.rejects(prove(world, 'dev-1', { ...proof, token: 'wrong' }), notAuthorised)
  const { gateway, state, identity } = await devices.lists.get(operator, made.id)
  assert.deepEqual([gateway, state, identity], ['hawkbit', 'accepted', { serial: '1', controllerId: 'dev-1' }])
  const next = await devices.operate.makeTargetToken(operator, made.id)
  await assert.rejects(prove(world, 'dev-1', proof), notAuthorised)
  await prove(world, 'dev-1', { kind: 'target_token', token: next })
})

test('a gateway token registers any controller, and a new one ends the one before', async () => {
  await using world = await startWorld()
  const { devices, operator } = world
  const token = await devices.trust.makeGatewayToken(operator)
  const proof = { kind: 'gateway_token', token } as const
  const first = await prove(world, 'dev-1', proof)
  const second = await prove(world, 'dev-2', proof)
  assert.notEqual(first.device, second.device)
  await devices.operate.reject(operator, first.device)
  await assert.rejects(prove(world, 'dev-1', proof), notAuthorised)
  assert.equal((await prove(world, 'dev-2', proof)).device, second.device)
  await devices.trust.makeGatewayToken(operator)
  await assert.rejects(prove(world, 'dev-2', proof), notAuthorised)
})

test('a controller that has a target token is not let in by an empty or missing one', async () => {
  await using world = await startWorld()
  await world.devices.preauthorise(world.operator, {
    identity: { serial: '1' },
    controllerId: 'dev-1',
    targetToken: false,
  })
  await assert.rejects(prove(world, 'dev-1', { kind: 'target_token', token: '' }), notAuthorised)
  await assert.rejects(prove(world, 'dev-1', { kind: 'gateway_token', token: '' }), notAuthorised)
})

test('a certificate registers the controller that it names, and renews its key', async () => {
  await using world = await startWorld()
  const { devices, operator } = world
  const authority = newAuthority('Factory', systemClock.now())
  const { id } = await devices.trust.trustAuthority(operator, {
    name: 'Factory',
    pem: certificatePem(authority.certificate),
  })
  const certificate = authority.certify('dev-1', newKey().privateKey)
  const principal = await prove(world, 'dev-1', { kind: 'certificate', certificate })
  await assert.rejects(prove(world, 'dev-2', { kind: 'certificate', certificate }), notAuthorised)
  const renewed = authority.certify('dev-1', newKey().privateKey)
  assert.equal((await prove(world, 'dev-1', { kind: 'certificate', certificate: renewed })).device, principal.device)
  const foreign = newAuthority('Factory', systemClock.now()).certify('dev-1', newKey().privateKey)
  await assert.rejects(prove(world, 'dev-1', { kind: 'certificate', certificate: foreign }), notAuthorised)
  const over = authority.certify('dev-1', newKey().privateKey, systemClock.now() - 1_000)
  await assert.rejects(prove(world, 'dev-1', { kind: 'certificate', certificate: over }), notAuthorised)
  await devices.trust.removeAuthority(operator, id)
  await assert.rejects(prove(world, 'dev-1', { kind: 'certificate', certificate: renewed }), notAuthorised)
})

test('a trusted proxy vouches for a controller under an authority that is trusted', async () => {
  await using world = await startWorld()
  const authority = newAuthority('Factory', systemClock.now())
  const pem = certificatePem(authority.certificate)
  const { fingerprint } = await world.devices.trust.trustAuthority(world.operator, { name: 'Factory', pem })
  const proof = { kind: 'proxy', controllerId: 'dev-1', authorities: [fingerprint.toUpperCase()] } as const
  const principal = await prove(world, 'dev-1', proof)
  assert.equal((await prove(world, 'dev-1', { ...proof, authorities: ['other', 'FACTORY'] })).device, principal.device)
  await assert.rejects(prove(world, 'dev-1', { ...proof, authorities: ['other'] }), notAuthorised)
  await assert.rejects(prove(world, 'dev-2', proof), notAuthorised)
})
