import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { publicKeyPem } from '@holdfast/crypto/keys'
import { Fault } from '@holdfast/kernel'
import type { AccessScope } from '../../platform/http/caller.ts'
import {
  acceptedDevice,
  newKey,
  operatorOf,
  request,
  settleIndex,
  startWorld,
  type World,
} from './devices.test-support.ts'
import type { Operator } from './operate.ts'

const refusedWith = (code: string) => (thrown: unknown) => thrown instanceof Fault && thrown.code === code
const missing = refusedWith('devices.missing')

async function product({ products, operator, organisation }: World, key: string): Promise<string> {
  const given = { key, name: key.toUpperCase(), description: '', deviceTypes: [key], signaturesRequired: 0 }
  return (await products.create(operator.actor, organisation, given)).id
}

const scopeOf = (products: readonly string[], groups: readonly string[] = []): AccessScope => ({
  products: new Set(products),
  groups: new Set(groups),
})

async function idsSeen({ devices }: World, operator: Operator, filter?: string): Promise<string[]> {
  await settleIndex(devices)
  const query = { sort: 'oldest', limit: 100, ...(filter === undefined ? {} : { filter }) } as const
  return (await devices.lists.list(operator, query)).items.map(({ id }) => id)
}

test('who works on some products sees and touches no device of others', async () => {
  await using world = await startWorld()
  const { devices, operator, organisation } = world
  const [cam, lock] = [await product(world, 'cam'), await product(world, 'lock')]
  const mine = await acceptedDevice(world, 'SN-1', { device_type: 'cam' })
  const theirs = await acceptedDevice(world, 'SN-2', { device_type: 'lock' })
  const nobodys = await acceptedDevice(world, 'SN-3')
  const scoped = operatorOf(organisation, scopeOf([cam]))
  assert.deepEqual(await idsSeen(world, scoped), [mine.id])
  assert.equal((await devices.lists.count(scoped, undefined)).total, 1)
  const facets = await devices.lists.facets(scoped, { attribute: 'product', limit: 50 })
  assert.deepEqual(facets.items, [{ value: 'CAM', devices: 1 }])
  assert.equal((await devices.overview(organisation, scoped.scope)).total, 1)
  for (const { id } of [theirs, nobodys]) {
    await assert.rejects(devices.lists.get(scoped, id), missing)
    await assert.rejects(devices.operate.change(scoped, id, { name: 'x' }), missing)
    await assert.rejects(devices.operate.accept(scoped, [mine.id, id], undefined), missing)
    await assert.rejects(devices.operate.reject(scoped, id), missing)
    await assert.rejects(devices.operate.quarantine(scoped, id, 'x'), missing)
    await assert.rejects(devices.operate.release(scoped, id), missing)
    await assert.rejects(devices.operate.retire(scoped, id, 'x'), missing)
    await assert.rejects(devices.operate.revokeTokens(scoped, id), missing)
    await assert.rejects(devices.operate.makeTargetToken(scoped, id), missing)
    await assert.rejects(devices.operate.decideKey(scoped, id, id, 'rejected'), missing)
  }
  await devices.lists.get(scoped, mine.id)
  await devices.operate.change(scoped, mine.id, { name: 'Door' })
  await assert.rejects(devices.operate.change(scoped, mine.id, { product: lock }), refusedWith('products.missing'))
  assert.equal((await devices.lists.get(operator, theirs.id)).state, 'accepted')
})

test('who works on some groups sees their devices, and cannot widen what the groups hold', async () => {
  await using world = await startWorld()
  const { devices, operator, organisation } = world
  const one = await acceptedDevice(world, 'SN-1')
  const two = await acceptedDevice(world, 'SN-2')
  const three = await acceptedDevice(world, 'SN-3')
  const chosen = await devices.groups.create(operator, { name: 'chosen', description: '' })
  const beta = await devices.groups.create(operator, { name: 'beta', description: '', filter: 'tag = beta' })
  await devices.groups.changeMembers(operator, chosen.id, [one.id], [])
  await devices.operate.change(operator, two.id, { tags: ['beta'] })
  const scoped = operatorOf(organisation, scopeOf([], [chosen.id, beta.id]))
  assert.deepEqual(await idsSeen(world, scoped), [one.id, two.id])
  assert.equal((await devices.lists.get(scoped, two.id)).groups[0]?.name, 'beta')
  await assert.rejects(devices.lists.get(scoped, three.id), missing)
  await assert.rejects(devices.groups.changeMembers(scoped, chosen.id, [three.id], []), missing)
  await assert.rejects(devices.groups.change(scoped, beta.id, { filter: '' }), refusedWith('devices.scope'))
  await assert.rejects(devices.groups.create(scoped, { name: 'x', description: '' }), refusedWith('devices.scope'))
  await assert.rejects(devices.groups.remove(scoped, chosen.id), refusedWith('devices.scope'))
  await assert.rejects(
    devices.preauthorise(scoped, { identity: { serial: '9' }, targetToken: false }),
    refusedWith('devices.scope'),
  )
  assert.deepEqual(await idsSeen(world, operatorOf(organisation, scopeOf([]))), [])
})

test('filters name groups and products as people do', async () => {
  await using world = await startWorld()
  const { devices, operator } = world
  await product(world, 'cam')
  const one = await acceptedDevice(world, 'SN-1', { device_type: 'cam' })
  const two = await acceptedDevice(world, 'SN-2')
  const chosen = await devices.groups.create(operator, { name: 'Front Door', description: '' })
  await devices.groups.create(operator, { name: 'cams', description: '', filter: 'product = cam' })
  await devices.groups.create(operator, {
    name: 'both',
    description: '',
    filter: 'group = cams or group = "front door"',
  })
  const moved = await devices.groups.changeMembers(operator, chosen.id, [two.id, two.id], [])
  assert.deepEqual(moved, { added: 1, removed: 0 })
  assert.deepEqual(await idsSeen(world, operator, 'group = "front door"'), [two.id])
  assert.deepEqual(await idsSeen(world, operator, 'group != "front door"'), [one.id])
  assert.deepEqual(await idsSeen(world, operator, 'group = cams'), [one.id])
  assert.deepEqual(await idsSeen(world, operator, 'group = both'), [one.id, two.id])
  assert.deepEqual(await idsSeen(world, operator, 'group = none'), [])
  assert.deepEqual(await idsSeen(world, operator, 'product = CAM'), [one.id])
  const names = (await devices.lists.get(operator, two.id)).groups.map(({ name }) => name).sort()
  assert.deepEqual(names, ['Front Door', 'both'])
  await devices.groups.remove(operator, chosen.id)
  assert.deepEqual(await idsSeen(world, operator, 'has group'), [one.id])
})

test('a group cannot come to refer to itself', async () => {
  await using world = await startWorld()
  const { devices, operator } = world
  const { id: device } = await acceptedDevice(world, 'SN-1')
  const a = await devices.groups.create(operator, { name: 'a', description: '', filter: 'state = accepted' })
  await devices.groups.create(operator, { name: 'b', description: '', filter: 'group = a' })
  const tooLarge = refusedWith('devices.filter_too_large')
  await assert.rejects(devices.groups.change(operator, a.id, { filter: 'group = b' }), tooLarge)
  await assert.rejects(
    devices.groups.create(operator, { name: 'c', description: '', filter: 'group = c or group = a' }),
    tooLarge,
  )
  assert.deepEqual(await idsSeen(world, operator, 'group = b'), [device])
})

test('one bad line refuses itself only', async () => {
  await using world = await startWorld()
  const { devices, operator } = world
  const cam = await product(world, 'cam')
  const pem = publicKeyPem(generateKeyPairSync('ed25519').publicKey)
  const csv = [
    'serial,name,product,tags,public_key,controller_id',
    `SN-1,"Door, ""front""",cam,beta;region:eu,"${pem}",`,
    'SN-2,,lock,,,',
    'SN-1,again,,,,',
    'SN-3,,,bad tag!,,',
    'SN-4,,,,not a key,',
    'too,few',
    ',,,,,dev-5',
    '',
    'SN-6,,,,,',
  ].join('\r\n')
  const options = { format: 'csv', product: undefined, dryRun: false } as const
  const outcome = await devices.importFile(operator, pieces(csv, 7), options)
  assert.equal(outcome.imported, 3)
  const firstBad = 3 + pem.trimEnd().split('\n').length
  assert.deepEqual(
    outcome.refused.map(({ line }) => line).sort((a, b) => a - b),
    [0, 1, 2, 3, 4].map((index) => firstBad + index),
  )
  await settleIndex(devices)
  const [first] = (await devices.lists.list(operator, { filter: 'identity.serial = SN-1', sort: 'newest', limit: 5 }))
    .items
  assert.deepEqual(
    [first?.name, first?.product?.id, first?.tags, first?.state],
    ['Door, "front"', cam, ['beta', 'region:eu'], 'preauthorised'],
  )
})

test('lines of JSON are read alike, and a trial run writes nothing', async () => {
  await using world = await startWorld()
  const { devices, operator, organisation } = world
  const key = newKey()
  const lines = [
    JSON.stringify({ identity: { serial: 'SN-1' }, publicKey: publicKeyPem(key.privateKey) }),
    '{"identity":{}}',
    'nonsense',
    '{"identity":{"serial":"SN-2"},"name":"x"}',
  ].join('\n')
  const options = { format: 'jsonl', product: undefined } as const
  const trial = await devices.importFile(operator, pieces(lines, 16), { ...options, dryRun: true })
  assert.deepEqual([trial.imported, trial.refused.map(({ line }) => line)], [2, [2, 3]])
  assert.deepEqual(await world.auditTypes(), [])
  const real = await devices.importFile(operator, pieces(lines, 16), { ...options, dryRun: false })
  assert.equal(real.imported, 2)
  await devices.askAuthorisation(request(organisation, { serial: 'SN-1' }, key.spki))
})

test('every mutation leaves its record, and refused ones leave none', async () => {
  await using world = await startWorld()
  const { devices, operator } = world
  const { id } = await acceptedDevice(world, 'SN-1')
  await devices.operate.quarantine(operator, id, 'odd')
  await devices.operate.release(operator, id)
  await devices.operate.revokeTokens(operator, id)
  await devices.operate.change(operator, id, { name: 'x' })
  await devices.operate.retire(operator, id, 'over')
  await assert.rejects(devices.operate.quarantine(operator, id, 'odd'), refusedWith('devices.bad_state'))
  await assert.rejects(devices.operate.change(operator, id, { name: 'y' }), refusedWith('devices.bad_state'))
  assert.deepEqual(await world.auditTypes(), [
    'device.registered',
    'device.accepted',
    'device.quarantined',
    'device.released',
    'device.tokens_revoked',
    'device.changed',
    'device.retired',
  ])
})

async function* pieces(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size)
}
