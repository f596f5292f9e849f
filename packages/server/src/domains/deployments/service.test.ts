import assert from 'node:assert/strict'
import { test } from 'node:test'
import { minute } from '@holdfast/kernel'
import { startWorld } from './world.test-support.ts'

type World = Awaited<ReturnType<typeof startWorld>>

const halves = { phases: [{ percent: 20 }, {}] }

/** Which devices are given something now. */
async function served({ ask, fleet }: World): Promise<number[]> {
  const numbers: number[] = []
  for (const place of fleet.all) if ((await ask(place)).kind === 'deliver') numbers.push(place)
  return numbers
}

async function auditTypes({ db }: World): Promise<string[]> {
  return (await db.read.selectFrom('audit_record').select('type').orderBy('seq').execute()).map(({ type }) => type)
}

test('a deployment goes to its first phase, and to the rest when that has succeeded', async () => {
  await using world = await startWorld()
  const { id, devices } = await world.deploy(await world.release('v1'), halves)
  assert.equal(devices, 10)
  const first = await served(world)
  assert.equal(first.length, 2)
  assert.deepEqual(await served(world), first, 'asking again gives the same')
  for (const device of first) {
    await world.report(device, id, 'downloading')
    await world.report(device, id, 'downloading')
    await world.report(device, id, 'installing')
    await world.report(device, id, 'success')
    await world.fleet.runs(device, 'v1')
  }
  await world.tick()
  const rest = await served(world)
  assert.equal(rest.length, 8)
  assert.equal(new Set([...first, ...rest]).size, 10)
  for (const device of rest) await world.report(device, id, 'success')
  await world.tick()
  const { state, counts, phases } = await world.get(id)
  assert.equal(state, 'finished')
  assert.deepEqual(counts, { success: 10 })
  assert.deepEqual(
    phases.map((phase) => [phase.devices, phase.state]),
    [
      [2, 'passed'],
      [8, 'passed'],
    ],
  )
  assert.deepEqual(world.failures, [])
})

test('the report that reaches the limit of failures halts the deployment at once', async () => {
  await using world = await startWorld()
  const { id } = await world.deploy(await world.release('v1'), { ...halves, haltAtFailures: 1 })
  const [one, other] = await served(world)
  assert.ok(one !== undefined && other !== undefined)
  await world.report(other, id, 'downloading')
  await world.report(one, id, 'failure')
  assert.equal((await world.get(id)).state, 'halted')
  assert.deepEqual(await served(world), [])
  assert.equal((await world.ask(other)).kind, 'cancel', 'it has not begun to install')
  await assert.rejects(world.report(other, id, 'installing'), { code: 'deployments.called_off' })
  await world.report(other, id, 'failure')
  assert.deepEqual((await world.get(id)).counts, { failure: 1, aborted: 1, pending: 8 })
  assert.equal((await world.ask(other)).kind, 'nothing')
})

test('a device that no deployment can concern is answered without a query', async () => {
  await using world = await startWorld()
  const isImmediate = async (device: number) =>
    !(world.service.gateway.ask(await world.fleet.asking(device)) instanceof Promise)
  assert.equal(await isImmediate(0), true, 'nothing is deployed')
  const { id } = await world.deploy(await world.release('v1'), halves)
  const first = await served(world)
  for (const place of world.fleet.all) assert.equal(await isImmediate(place), !first.includes(place))
  for (const device of first) {
    await world.report(device, id, 'success')
    await world.ask(device)
    assert.equal(await isImmediate(device), true, 'it is done with it')
  }
})

test('a deployment costs no rows when it is made', async () => {
  await using world = await startWorld()
  await world.deploy(await world.release('v1'))
  for (const table of ['deployment_device', 'deployment_tally', 'deployment_event'] as const) {
    assert.deepEqual(await world.db.read.selectFrom(table).selectAll().execute(), [])
  }
})

test('every write leaves its audit record', async () => {
  await using world = await startWorld({ devices: 1 })
  const { id } = await world.deploy(await world.release('v1'))
  const { control } = world.service
  await control.pause(world.acting, id)
  await control.resume(world.acting, id)
  await world.ask(0)
  await world.report(0, id, 'failure')
  await world.service.gateway.log(world.fleet.principal(0), id, [{ at: '', level: 'error', message: 'no room' }])
  await control.retry(world.acting, id, world.fleet.principal(0).device)
  await control.abort(world.acting, id, 'enough')
  const types = (await auditTypes(world)).filter((type) => type.startsWith('deployment.'))
  assert.deepEqual(types, [
    'deployment.created',
    'deployment.paused',
    'deployment.resumed',
    'deployment.device_changed',
    'deployment.device_changed',
    'deployment.finished',
    'deployment.device_log_received',
    'deployment.reopened',
    'deployment.device_changed',
    'deployment.device_retried',
    'deployment.aborted',
  ])
})

test('what another node did counts even before its event has arrived', async () => {
  await using world = await startWorld({ devices: 2 })
  const { id } = await world.deploy(await world.release('v1'))
  const other = await world.openNode()
  assert.equal((await other.gateway.ask(await world.fleet.asking(0))).kind, 'deliver')
  await world.service.control.pause(world.acting, id)
  assert.equal((await other.gateway.ask(await world.fleet.asking(0))).kind, 'nothing')
  assert.equal((await other.gateway.ask(await world.fleet.asking(1))).kind, 'nothing')
})

test('a restarted node goes on where it was', async () => {
  await using world = await startWorld()
  const { id } = await world.deploy(await world.release('v1'), halves)
  const first = await served(world)
  const again = await world.openNode()
  const answers = await Promise.all(
    world.fleet.all.map(async (place) => again.gateway.ask(await world.fleet.asking(place))),
  )
  const given = answers.flatMap(({ kind }, number) => (kind === 'deliver' ? [number] : []))
  assert.deepEqual(given, first)
  assert.equal((await world.get(id)).state, 'running')
})

test('a withdrawn release is not handed out any more', async () => {
  await using world = await startWorld({ devices: 1 })
  const release = await world.release('v1')
  await world.deploy(release)
  await world.artifacts.withdraw(world.acting.actor, world.organisation, release, 'it bricks')
  assert.deepEqual(await world.ask(0), { kind: 'nothing', why: 'the release is withdrawn, not released' })
  await world.service.control.haltRelease(world.acting, release, 'its release was withdrawn')
  assert.equal((await world.ask(0)).kind, 'nothing')
})

test('a scheduled deployment takes its devices when it starts, and a continuous one also those who come later', async () => {
  await using world = await startWorld({ devices: 3 })
  const startAt = new Date(world.clock.now() + minute).toISOString()
  const target = { kind: 'filter', filter: '', continuous: true }
  const { id } = await world.deploy(await world.release('v1'), { startAt }, target)
  await world.tick()
  assert.deepEqual(await served(world), [])
  await world.fleet.add()
  world.clock.advance(minute)
  await world.tick()
  assert.equal((await served(world)).length, 4)
  const late = await world.fleet.add()
  assert.equal((await world.ask(late)).kind, 'deliver')
  assert.deepEqual((await world.get(id)).counts, { pending: 5 })
  assert.equal((await world.get(id)).devices, 5)
})

test('a device that has to confirm is asked first, and a denial can be taken back', async () => {
  await using world = await startWorld({ devices: 2 })
  const { id } = await world.deploy(await world.release('v1'), { confirmation: true })
  const { gateway } = world.service
  const device = world.fleet.principal(0)
  assert.equal((await world.ask(0)).kind, 'confirm')
  await gateway.confirm(device, id, 'denied', 'not today')
  const denied = await world.ask(0)
  assert.ok(denied.kind === 'confirm' && denied.state === 'denied')
  await gateway.confirm(device, id, 'confirmed')
  assert.equal((await world.ask(0)).kind, 'deliver')
  await gateway.setAutoConfirmation(world.fleet.principal(1), { initiator: 'ann' })
  assert.equal((await world.ask(1)).kind, 'deliver')
})

test('a device waits at a pause point until an operator lets it go on', async () => {
  await using world = await startWorld({ devices: 1 })
  const { id } = await world.deploy(await world.release('v1'), { pauseBefore: ['rebooting'] })
  const pauseAt = async () => {
    const answer = await world.ask(0)
    return answer.kind === 'deliver' ? answer.pauseAt : answer.kind
  }
  assert.deepEqual(await pauseAt(), ['rebooting'])
  const { device } = world.fleet.principal(0)
  await assert.rejects(world.service.control.letContinue(world.acting, id, device), { code: 'deployments.not_waiting' })
  await world.service.gateway.report(world.fleet.principal(0), id, { report: { status: 'paused_before_rebooting' } })
  await world.service.control.letContinue(world.acting, id, device)
  assert.deepEqual(await pauseAt(), [])
})

test('a rollback in one step stops the deployment and takes its devices back to what they ran', async () => {
  await using world = await startWorld({ devices: 4 })
  await world.release('v0')
  const { id } = await world.deploy(await world.release('v1'), { phases: [{ count: 2 }, {}] })
  const first = await served(world)
  for (const device of first) {
    await world.report(device, id, 'success')
    await world.fleet.runs(device, 'v1')
  }
  const back = await world.service.rollBack(world.acting, id, undefined)
  assert.equal(back.devices, 2)
  assert.equal((await world.get(id)).state, 'aborted')
  const { release, rollbackOf } = await world.get(back.id)
  assert.deepEqual([release.version, rollbackOf], ['v0', id])
  assert.deepEqual(await served(world), first)
  await assert.rejects(world.service.rollBack(world.acting, back.id, undefined), {
    code: 'deployments.nothing_to_roll_back',
  })
})

test('the timeline tells what a device did, and its length is bounded', async () => {
  await using world = await startWorld({ devices: 1 })
  const { id } = await world.deploy(await world.release('v1'))
  await world.ask(0)
  const device = world.fleet.principal(0)
  const { gateway } = world.service
  const step = { status: 'installing', substate: 'script 1' } as const
  await gateway.report(device, id, { report: step, messages: ['writing'] })
  const stored = await world.service.require(world.organisation, id)
  const { events, ...row } = await world.service.timeline(stored, device.device)
  assert.deepEqual(
    events.map(({ status, substate, message }) => [status, substate, message]),
    [
      ['pending', undefined, 'attempt 1'],
      ['installing', 'script 1', undefined],
      [undefined, undefined, 'writing'],
    ],
  )
  assert.equal(row.substate, 'script 1')
  const flood = new Array<string>(1_000).fill('again')
  await assert.rejects(gateway.report(device, id, { messages: flood }), { kind: 'limited' })
  await gateway.report(device, id, { report: { status: 'success' }, messages: flood })
})

test('a report about something that the device was never given is missing', async () => {
  await using world = await startWorld({ devices: 2 })
  const { id } = await world.deploy(await world.release('v1'))
  await world.ask(0)
  await assert.rejects(world.report(1, id, 'success'), { kind: 'missing' })
  await assert.rejects(world.report(1, 'nonsense', 'success'), { kind: 'missing' })
})

test('a preview counts who would get what and names what stands in the way', async () => {
  await using world = await startWorld()
  const release = await world.release('v1')
  const { id } = await world.deploy(release)
  await world.fleet.runs(3, 'v1')
  const { targetInput, policyInput } = await world.service.require(world.organisation, id)
  const preview = await world.service.preview(world.organisation, { release, target: targetInput, policy: policyInput })
  assert.deepEqual([preview.devices, preview.compatible, preview.alreadyInstalled, preview.incompatible], [10, 9, 1, 0])
  assert.equal(preview.phases[0]?.examples.length, 3)
  assert.match(preview.warnings.join(), /is running for this product too/)
})

test('the console is told what a device would get, and why, without any effect', async () => {
  await using world = await startWorld()
  const { id } = await world.deploy(await world.release('v1'), halves)
  const first = await served(world)
  const other = world.fleet.all.find((place) => !first.includes(place))
  assert.ok(other !== undefined)
  const told = await world.service.explain(await world.fleet.view(other))
  assert.equal(told.answer, 'nothing')
  assert.match(told.considered[0]?.why ?? '', /belongs to phase 2/)
  assert.equal((await world.service.explain(await world.fleet.view(first[0] ?? 0))).deployment?.id, id)
  const rows = await world.db.read.selectFrom('deployment_device').selectAll().execute()
  assert.equal(rows.length, 2)
})

test('lists go on where the page before ended', async () => {
  await using world = await startWorld({ devices: 5 })
  const release = await world.release('v1')
  for (let count = 0; count < 3; count += 1) await world.deploy(release)
  const page = await world.service.list(world.organisation, { limit: 2 })
  const next = await world.service.list(world.organisation, { limit: 2, cursor: page.next })
  assert.deepEqual([page.items.length, next.items.length, next.next], [2, 1, undefined])
  await served(world)
  const oldest = next.items[0]?.id ?? ''
  const stored = await world.service.require(world.organisation, oldest)
  const seen = new Set<string>()
  for (let cursor: string | undefined; ; ) {
    const { items, next: more } = await world.service.listDevices(stored, { limit: 2, cursor })
    for (const { device } of items) seen.add(device.id)
    if (more === undefined) break
    cursor = more
  }
  assert.equal(seen.size, 5)
})

test('one command stops everything', async () => {
  await using world = await startWorld()
  const release = await world.release('v1')
  await world.deploy(release)
  await world.deploy(release)
  await served(world)
  assert.equal(await world.service.control.abortAll(world.acting, 'fire'), 2)
  for (const place of world.fleet.all) assert.equal((await world.ask(place)).kind, 'cancel')
})
