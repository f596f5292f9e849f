import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hour } from '@holdfast/kernel'
import fc from 'fast-check'
import { figureOf, readTally } from './tally.ts'
import { startWorld } from './world.test-support.ts'

type World = Awaited<ReturnType<typeof startWorld>>

const size = 5
const anyStep = fc.record({
  device: fc.nat({ max: size - 1 }),
  act: fc.constantFrom(
    'ask',
    'ask',
    'downloading',
    'installing',
    'success',
    'failure',
    'retry',
    'pause',
    'wait' as const,
  ),
})

async function take({ service, acting, fleet, clock, ...world }: World, id: string, { device, act }: Step) {
  if (act === 'ask') await world.ask(device)
  else if (act === 'retry') await service.control.retry(acting, id, fleet.principal(device).device)
  else if (act === 'wait') {
    clock.advance(hour)
    await world.tick()
  } else if (act === 'pause') {
    const { state } = await service.require(acting.organisation, id)
    await (state === 'paused' ? service.control.resume(acting, id) : service.control.pause(acting, id))
  } else await world.report(device, id, act)
}

type Step = typeof anyStep extends fc.Arbitrary<infer S> ? S : never

/** Counts the rows afresh and holds them against the counts that were kept with every write. */
async function assertCounts({ db, service, organisation }: World, id: string): Promise<void> {
  const deployment = await service.require(organisation, id)
  const kept = (await readTally(db.read, deployment)).map((counts) =>
    Object.fromEntries(Object.entries(counts).filter(([, devices]) => devices !== 0)),
  )
  const counted: Record<string, number>[] = deployment.policy.phases.map(() => ({}))
  for (const row of await db.read.selectFrom('deployment_device').selectAll().where('deployment', '=', id).execute()) {
    const counts = counted[row.phase]
    assert.ok(counts !== undefined)
    const figure = figureOf(row, deployment)
    counts[figure] = (counts[figure] ?? 0) + 1
  }
  assert.deepEqual(kept, counted)
}

test('the counts that are kept with every report agree with the rows that they count', async () => {
  await using world = await startWorld({ devices: size })
  const release = await world.release('v1')
  const walks = fc.sample(fc.array(anyStep, { minLength: 25, maxLength: 40 }), { numRuns: 4, seed: 7 })
  for (const walk of walks) {
    const { id } = await world.deploy(release, { phases: [{ percent: 40 }, {}], retries: 1, force: true })
    for (const step of walk) {
      // What is refused must leave everything as it was.
      await take(world, id, step).catch((thrown: unknown) => assert.equal((thrown as Error).name, 'Fault'))
      await assertCounts(world, id)
    }
    await world.service.control.abort(world.acting, id, 'enough').catch(() => {})
  }
  assert.deepEqual(world.failures, [])
})

test('planted fault: a count that is off by one is noticed', async () => {
  await using world = await startWorld({ devices: size })
  const { id } = await world.deploy(await world.release('v1'))
  await world.ask(0)
  await assertCounts(world, id)
  await world.db.write(async (tx) => {
    await tx.updateTable('deployment_tally').set({ devices: 2 }).where('deployment', '=', id).execute()
  })
  await assert.rejects(assertCounts(world, id))
})
