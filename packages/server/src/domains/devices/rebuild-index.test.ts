import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '@holdfast/kernel'
import { sql } from 'kysely'
import { acceptedDevice, settleIndex, startWorld, type World } from './devices.test-support.ts'
import { rebuildIndex } from './index.ts'
import { markRebuilding } from './search/store.ts'

/** The whole index as text, however it came to be. */
async function indexOf({ db, devices }: World): Promise<string[]> {
  await settleIndex(devices)
  const rows = await db.read.selectFrom('posting').selectAll().execute()
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
  return rows.map((row) => `${row.attribute} ${hex(row.value)} ${row.block} ${hex(row.members)}`).sort()
}

async function someDevices(world: World) {
  const first = await acceptedDevice(world, 'SN-1', { region: 'north' })
  const second = await acceptedDevice(world, 'SN-2', { region: 'south' })
  await world.devices.reportInventory(first.principal, { os: 'linux', memory: 512, ips: ['a', 'b', 'a'] }, 'replace')
  await world.devices.reportInventory(second.principal, { os: 'linux', memory: 1024 }, 'replace')
  await world.devices.operate.change(world.operator, first.id, { tags: ['region:eu'] })
  return { first, second }
}

test('an index that was damaged is made again exactly as it was', async () => {
  await using world = await startWorld()
  await someDevices(world)
  const sound = await indexOf(world)
  await world.db.write(async (tx) => {
    await sql`update posting set members = ${Buffer.from([9, 9])} where block = 0`.execute(tx)
    await sql`delete from posting where attribute = 1`.execute(tx)
    await tx
      .insertInto('posting')
      .values({ attribute: 2, value: Buffer.from('stray'), block: 7, members: Buffer.from([0, 1]) })
      .execute()
  })
  assert.notDeepEqual(await indexOf(world), sound)
  assert.equal(await rebuildIndex(world.db), 2)
  assert.deepEqual(await indexOf(world), sound)
})

test('devices that change, come or go on reporting while the index is rebuilt are in it as they are at the end', async () => {
  await using world = await startWorld()
  const { first, second } = await someDevices(world)
  // Changes that are waiting, changes amid the reading, and the index job taking both in between.
  await world.devices.reportInventory(first.principal, { os: 'waiting' }, 'replace')
  const rebuilding = rebuildIndex(world.db)
  for (let round = 0; round < 20; round += 1) {
    await world.devices.reportInventory(
      second.principal,
      { os: `round ${round}`, [`only ${round % 3}`]: round },
      'replace',
    )
    if (round % 5 === 0) for (const job of world.devices.jobs) await job.run()
  }
  await acceptedDevice(world, 'SN-3', { region: 'west' })
  await rebuilding
  const found = await indexOf(world)
  await rebuildIndex(world.db)
  assert.deepEqual(found, await indexOf(world))
  const { lists } = world.devices
  for (const [filter, count] of [
    ['inventory.os = waiting', 1],
    ['inventory.os = "round 19"', 1],
    ['inventory.os = "round 18"', 0],
    ['identity.region = west', 1],
  ] as const) {
    assert.equal((await lists.count(world.operator, filter)).total, count, filter)
  }
})

test('what was taken in between the reading and the writing of a block is not lost', async () => {
  await using world = await startWorld()
  const { first } = await someDevices(world)
  const { db } = world
  let reported = false
  const interrupted = {
    ...db,
    // The first write of postings comes after the block was read.
    async write<T>(work: Parameters<typeof db.write<T>>[0]): Promise<T> {
      const waiting = await db.read.selectFrom('posting').select('block').limit(1).execute()
      if (waiting.length === 0 && !reported && work !== (markRebuilding as unknown)) {
        reported = true
        await world.devices.reportInventory(first.principal, { os: 'newer' }, 'replace')
        for (const job of world.devices.jobs) await job.run()
      }
      return db.write(work)
    },
  }
  await rebuildIndex(interrupted)
  assert.ok(reported)
  const found = await indexOf(world)
  await rebuildIndex(db)
  assert.deepEqual(found, await indexOf(world))
})

test('until the rebuilding has ended, no population is taken from the index', async () => {
  await using world = await startWorld()
  await someDevices(world)
  await settleIndex(world.devices)
  const { organisation, devices, db } = world
  const everybody = () => devices.population(organisation, { is: 'everything' })
  assert.equal((await everybody()).count, 2)
  await db.write(markRebuilding)
  await assert.rejects(everybody, (thrown) => thrown instanceof Fault && thrown.code === 'devices.index_behind')
  await rebuildIndex(db)
  assert.equal((await everybody()).count, 2)
})
