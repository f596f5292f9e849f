import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault, manualClock } from '@holdfast/kernel'
import { acceptedDevice, startWorld } from './devices.test-support.ts'

const start = Date.UTC(2026, 5, 1)

test('an inventory is taken over, found by filters, and the same again writes nothing', async () => {
  await using world = await startWorld()
  const { devices, operator } = world
  const { id, principal } = await acceptedDevice(world, 'SN-1')
  const report = { os: 'linux', memory: 512, ips: ['10.0.0.1', '10.0.0.2'], secure: true }
  await devices.reportInventory(principal, report, 'replace')
  const before = (await world.auditTypes()).length
  await devices.reportInventory(principal, report, 'replace')
  await devices.reportInventory(principal, { os: 'linux' }, 'merge')
  await devices.reportInventory(principal, { unknown: '' }, 'remove')
  assert.equal((await world.auditTypes()).length, before)
  const { inventory } = await devices.lists.get(operator, id)
  assert.deepEqual(
    inventory.map(({ name, value }) => [name, value]),
    [
      ['ips', ['10.0.0.1', '10.0.0.2']],
      ['memory', 512],
      ['os', 'linux'],
      ['secure', true],
    ],
  )
  for (const filter of [
    'inventory.os = linux',
    'inventory.memory > 500',
    'inventory.ips = 10.0.0.2',
    'inventory.secure = true',
  ]) {
    assert.equal((await devices.lists.list(operator, { filter, sort: 'newest', limit: 10 })).total, 1, filter)
  }
  await devices.reportInventory(principal, { os: 'linux' }, 'replace')
  assert.equal((await devices.lists.count(operator, 'has inventory.memory')).total, 0)
})

test('the history tells what an attribute was, newest first, page by page', async () => {
  const clock = manualClock(start)
  await using world = await startWorld(clock)
  const { devices, operator } = world
  const { id, principal } = await acceptedDevice(world, 'SN-1')
  for (const version of ['1', '2', '3']) {
    clock.advance(1_000)
    await devices.reportInventory(principal, { version, fixed: 'x', [`only${version}`]: 1 }, 'replace')
  }
  const context = { params: { device: id } }
  const route = devices.routes.find(({ operation }) => operation.id === 'devices.inventoryHistory')
  const list = async (query: object) =>
    (await route?.handle(
      { ...context, query } as never,
      {
        caller: { organisation: world.organisation, actor: operator.actor },
        scope: 'everywhere',
      } as never,
    )) as { items: { name: string; before?: string; after?: string; at: string }[]; next?: string }
  const versions = await list({ limit: 50, name: 'version' })
  assert.deepEqual(
    versions.items.map(({ before, after }) => [before, after]),
    [
      ['2', '3'],
      ['1', '2'],
    ],
  )
  const all = await list({ limit: 50 })
  const paged = []
  for (let cursor: string | undefined; ; ) {
    const page = await list({ limit: 2, ...(cursor === undefined ? {} : { cursor }) })
    paged.push(...page.items)
    cursor = page.next
    if (cursor === undefined) break
  }
  assert.deepEqual(paged, all.items)
  assert.equal(all.items.length, 6)
})

test('a device without a product joins the one that names its type', async () => {
  await using world = await startWorld()
  const { devices, products, organisation, operator } = world
  const camera = { key: 'cam', name: 'Camera', description: '', deviceTypes: ['cam-1'], signaturesRequired: 0 }
  const product = await products.create(operator.actor, organisation, camera)
  const one = await acceptedDevice(world, 'SN-1')
  await devices.reportInventory(one.principal, { device_type: 'cam-1', artifact_name: 'rel-1' }, 'merge')
  const view = await devices.viewOf(one.principal)
  assert.deepEqual([view.product, view.software], [product.id, 'rel-1'])
  assert.deepEqual(view.provides, { device_type: 'cam-1', artifact_name: 'rel-1' })
  const two = await acceptedDevice(world, 'SN-2')
  await devices.reportProvides(two.principal, { device_type: 'cam-1', artifact_name: 'rel-2', extra: 'x' })
  assert.equal((await devices.viewOf(two.principal)).product, product.id)
  const three = await acceptedDevice(world, 'SN-3', { device_type: 'cam-1' })
  assert.equal((await devices.viewOf(three.principal)).product, product.id)
  assert.equal((await products.requireProduct(organisation, product.id)).devices, 3)
  await world.sequence()
  const found = await devices.lists.list(operator, {
    filter: 'product = cam and software = rel-2',
    sort: 'newest',
    limit: 9,
  })
  assert.deepEqual(
    found.items.map(({ id }) => id),
    [two.id],
  )
})

test('what a device provides is kept until it says otherwise, and the same again writes nothing', async () => {
  await using world = await startWorld()
  const { devices } = world
  const { principal } = await acceptedDevice(world, 'SN-1')
  const provides = { device_type: 'cam', artifact_name: 'rel-1', 'rootfs-image.version': 'rel-1' }
  await devices.reportProvides(principal, provides)
  assert.deepEqual((await devices.viewOf(principal)).provides, provides)
  const before = (await world.auditTypes()).length
  await devices.reportProvides(principal, provides)
  assert.equal((await world.auditTypes()).length, before)
  await world.db.write((tx) => devices.recordProvides(tx, principal.number, { ...provides, artifact_name: 'rel-2' }))
  assert.equal((await devices.viewOf(principal)).software, 'rel-2')
})

test('an organisation out of attribute names keeps the values that devices report', async () => {
  await using world = await startWorld()
  const { devices, operator } = world
  const { id, principal } = await acceptedDevice(world, 'SN-1')
  for (let round = 0; round < 5; round += 1) {
    const report = Object.fromEntries(Array.from({ length: 250 }, (_, index) => [`r${round}.${index}`, index]))
    await devices.reportInventory(principal, report, 'replace')
  }
  const { inventory } = await devices.lists.get(operator, id)
  assert.equal(inventory.length, 250)
  assert.ok(inventory.every(({ name }) => name.startsWith('r4.')))
  const other = await acceptedDevice(world, 'SN-2')
  await devices.reportInventory(other.principal, { late: 'x', 'r0.1': 'y' }, 'merge')
  assert.equal((await devices.lists.count(operator, 'inventory.r0.1 = y')).total, 1)
})

test('a report beyond the bounds changes nothing', async () => {
  await using world = await startWorld()
  const { devices, operator } = world
  const { id, principal } = await acceptedDevice(world, 'SN-1')
  await devices.reportInventory(principal, { a: 1 }, 'merge')
  const more = Object.fromEntries(Array.from({ length: 256 }, (_, index) => [`b${index}`, index]))
  await assert.rejects(devices.reportInventory(principal, more, 'merge'), Fault)
  assert.equal((await devices.lists.get(operator, id)).inventory.length, 1)
})

test('when devices called is known at once, written later, and known again after a restart', async () => {
  const clock = manualClock(start)
  await using world = await startWorld(clock)
  const { devices, operator, db } = world
  const { id, principal } = await acceptedDevice(world, 'SN-1')
  assert.equal((await devices.lists.get(operator, id)).lastSeen, undefined)
  devices.seen(principal)
  clock.advance(5_000)
  devices.seen(principal)
  assert.equal((await devices.lists.get(operator, id)).lastSeen, new Date(start + 5_000).toISOString())
  assert.equal((await devices.lists.count(operator, 'seen < 1m')).total, 1)
  await devices.close()
  const [written] = await db.read.selectFrom('presence').selectAll().execute()
  assert.deepEqual({ ...written }, { device: principal.number, last_seen: start + 5_000 })
  const other = await world.anotherNode()
  await other.devices.ready()
  assert.equal((await other.devices.lists.get(operator, id)).lastSeen, new Date(start + 5_000).toISOString())
})

test('a view follows what changes, also what another node changed', async () => {
  await using world = await startWorld()
  const { devices, operator } = world
  const other = await world.anotherNode()
  const { id, principal } = await acceptedDevice(world, 'SN-1')
  const before = await other.devices.viewOf(principal)
  assert.equal(before.name, '')
  await devices.operate.change(operator, id, { name: 'Door', tags: ['region:eu'], timeZone: 'Europe/Berlin' })
  assert.equal((await devices.viewOf(principal)).name, 'Door')
  await world.sequence()
  await new Promise((resolve) => setTimeout(resolve, 500))
  const after = await other.devices.viewOf(principal)
  assert.deepEqual([after.name, after.tags, after.timeZone], ['Door', ['region:eu'], 'Europe/Berlin'])
  assert.deepEqual(after.facts.values.get('tag.region'), ['eu'])
  assert.ok(after.revision > before.revision)
})
