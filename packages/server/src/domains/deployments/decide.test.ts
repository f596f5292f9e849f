import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hour } from '@holdfast/kernel'
import fc from 'fast-check'
import { decideForDevice, silentAfterEnd } from './decide.ts'
import { type ActiveDeployment, type DeviceHistory, emptyHistory } from './decision.ts'
import type { Deployment, DeploymentState, Policy } from './deployment.ts'
import { aDevice, anActive, anArtifact, aPhase, aPolicy, aRow, aRunning } from './examples.test-support.ts'
import { abort, force, pause, releaseInstall } from './operations.ts'
import { backoffAfter, decideRetry } from './retry.ts'
import { activeStatuses, type DeviceRow, finalStatuses } from './status.ts'

const history = (...rows: DeviceRow[]): DeviceHistory => ({ ...emptyHistory, rows })
const ask = (active: readonly ActiveDeployment[], past = emptyHistory, now = 1, device = aDevice()) =>
  decideForDevice(device, active, past, now)

const anyState = fc.constantFrom<DeploymentState>('scheduled', 'paused', 'finished', 'halted', 'aborted', 'expired')
const anyRow = fc.record({
  status: fc.constantFrom(...activeStatuses, ...finalStatuses),
  attempt: fc.integer({ min: 1, max: 4 }),
  confirmation: fc.constantFrom('none' as const, 'open' as const, 'confirmed' as const, 'denied' as const),
})
const anyPolicy: fc.Arbitrary<Partial<Policy>> = fc.record({
  confirmation: fc.boolean(),
  downloadOnly: fc.boolean(),
  retries: fc.record({
    maxAttempts: fc.integer({ min: 1, max: 5 }),
    backoff: fc.constant(1),
    maxBackoff: fc.constant(1),
  }),
  windows: fc.constantFrom([{ days: [4 as const], from: 0, to: 0, zone: 'UTC' }], []),
})

test('a deployment that is not running hands out nothing, whatever its policy and the past of the device', () => {
  fc.assert(
    fc.property(
      anyState,
      anyPolicy,
      fc.option(anyRow, { nil: undefined }),
      fc.nat({ max: 40 }),
      (state, policy, row, days) => {
        const active = anActive(aRunning(1, { state, policy, force: true }))
        const past = row === undefined ? emptyHistory : history(aRow(row))
        const { outcome } = ask([active], past, days * 24 * hour)
        assert.ok(outcome.kind === 'nothing' || outcome.kind === 'cancel', outcome.kind)
      },
    ),
  )
})

test('planted fault: the rule above is broken by the same deployments when they run', () => {
  assert.equal(ask([anActive(aRunning(1, { force: true }))]).outcome.kind, 'deliver')
})

test('a deployment past its expiry hands out nothing even before anybody has noticed', () => {
  const active = anActive(aRunning(1, { policy: { expiresAt: 100 } }))
  assert.equal(ask([active], emptyHistory, 99).outcome.kind, 'deliver')
  assert.equal(ask([active], emptyHistory, 100).outcome.kind, 'nothing')
})

test('only devices of an open phase are served, so that no phase receives more than its share', () => {
  const shares = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(
      shares,
      fc.integer({ min: 1, max: 150 }),
      fc.nat({ max: 4 }),
      fc.uuid(),
      (percents, total, open, id) => {
        const phases = [...percents.map((percent) => aPhase({ share: { percent } })), aPhase()]
        const running = { ...aRunning(total, { id, phases }), phase: Math.min(open, phases.length - 1) }
        const active = [anActive(running, total)]
        let served = 0
        for (let number = 0; number < total; number += 1) {
          const { outcome } = ask(active, emptyHistory, 1, aDevice({ number }))
          if (outcome.kind !== 'deliver') continue
          assert.ok(outcome.phase <= running.phase)
          served += 1
        }
        assert.equal(served, running.phases[running.phase]?.end)
      },
    ),
    { numRuns: 60 },
  )
})

test('the higher priority is served first, then the older deployment', () => {
  const make = (id: string, sequence: number, priority: number) =>
    anActive(aRunning(1, { id, name: id, sequence, policy: { priority } }))
  const pick = (...active: ActiveDeployment[]) => {
    const { outcome } = ask(active)
    return outcome.kind === 'deliver' ? outcome.deployment : outcome.kind
  }
  assert.equal(pick(make('b', 2, 0), make('a', 1, 0)), 'a')
  assert.equal(pick(make('a', 1, 0), make('b', 2, 5)), 'b')
})

test('a device stays with what it has begun, even when something more urgent arrives', () => {
  const begun = anActive(aRunning(1))
  const urgent = anActive(aRunning(1, { id: 'urgent', sequence: 2, policy: { priority: 9 } }))
  const { outcome } = ask([urgent, begun], history(aRow({ attempt: 2 })))
  assert.ok(outcome.kind === 'deliver' && outcome.deployment === begun.deployment.id)
  assert.equal(outcome.repeated, true)
  assert.equal(outcome.attempt, 2)
})

test('a device never goes back to a deployment made before the one that it has completed', () => {
  const older = anActive(aRunning(1, { sequence: 3 }))
  const past: DeviceHistory = { rows: [], completed: { update: 4, configuration: 0 } }
  const decision = ask([older], past)
  assert.equal(decision.outcome.kind, 'nothing')
  assert.equal(decision.settled[0]?.status, 'aborted')
  const settings = anActive(aRunning(1, { sequence: 3, kind: 'configuration' }))
  assert.equal(ask([settings], past).outcome.kind, 'deliver', 'configuration has its own order')
})

test('a deployment that cannot serve the device yet does not stand in the way of the next', () => {
  const waiting: Deployment[] = [
    pause(aRunning(1)),
    { ...aRunning(1, { phases: [aPhase({ share: { count: 1 } }), aPhase()] }), phase: -1 },
  ]
  const next = anActive(aRunning(1, { id: 'next', sequence: 2 }))
  for (const deployment of waiting) {
    const decision = ask([anActive(deployment), next])
    assert.ok(decision.outcome.kind === 'deliver' && decision.outcome.deployment === 'next')
    assert.equal(decision.considered.length, 2)
  }
})

test('abort calls off every device at work; a deployment that is gone does the same', () => {
  const running = aRunning(1)
  for (const status of activeStatuses) {
    const row = aRow({ status })
    assert.equal(ask([anActive(abort(running, 'wrong file', 1))], history(row)).outcome.kind, 'cancel')
    assert.equal(ask([], history(row)).outcome.kind, 'cancel')
  }
})

test('a device that fell silent while a halted deployment was installing is free again after a day', () => {
  const halted = anActive(aRunning(1, { state: 'halted' }))
  const mend = anActive(aRunning(1, { id: 'mend', sequence: 2 }))
  const row = aRow({ status: 'installing' })
  assert.equal(ask([halted, mend], history(row), silentAfterEnd - 1).outcome.kind, 'nothing')
  const later = ask([halted, mend], history(row), silentAfterEnd)
  assert.ok(later.outcome.kind === 'deliver' && later.outcome.deployment === 'mend')
  assert.deepEqual(
    later.settled.map(({ status }) => status),
    ['aborted'],
  )
})

test('a client that asks only when idle has ended what was called off, and is free for the next at once', () => {
  const idle = aDevice({ idle: true })
  const next = anActive(aRunning(1, { id: 'next', sequence: 2 }))
  for (const state of ['aborted', 'halted', 'expired'] as const) {
    for (const status of activeStatuses) {
      const decision = ask([anActive(aRunning(1, { state })), next], history(aRow({ status })), 1, idle)
      assert.deepEqual(
        decision.settled.map((one) => one.status),
        ['aborted'],
      )
      assert.ok(decision.outcome.kind === 'deliver' && decision.outcome.deployment === 'next')
    }
  }
  assert.equal(ask([next], history(aRow()), 1, idle).outcome.kind, 'deliver')
  assert.equal(ask([next], history(aRow())).outcome.kind, 'cancel')
})

test('a client that is idle does not wait for a paused deployment, and does not go back to it after a newer one', () => {
  const idle = aDevice({ idle: true })
  const paused = anActive(pause(aRunning(1)))
  const next = anActive(aRunning(1, { id: 'next', sequence: 2 }))
  const given = ask([paused, next], history(aRow({ status: 'pending' })), 1, idle).outcome
  assert.ok(given.kind === 'deliver' && given.deployment === 'next')
  const past: DeviceHistory = { rows: [aRow({ status: 'pending' })], completed: { update: 2, configuration: 0 } }
  const later = ask([anActive(aRunning(1))], past, 1, idle)
  assert.deepEqual([later.outcome.kind, later.settled[0]?.status], ['nothing', 'aborted'])
})

test('a client that cannot wait is let finish what it has begun in time, and not let begin again later', () => {
  const closed = [anActive(aRunning(1, { policy: { windows: [{ days: [5], from: 60, to: 120, zone: 'UTC' }] } }))]
  const device = aDevice({ canWait: false })
  const again = (status: DeviceRow['status'], asking = device) =>
    ask(closed, history(aRow({ status })), 1, asking).outcome
  assert.equal(again('pending').kind, 'nothing')
  assert.equal(again('downloading', aDevice({ canWait: false, idle: true })).kind, 'nothing')
  const busy = again('downloading')
  assert.ok(busy.kind === 'deliver' && busy.install.when === 'now')
})

test('attempts are bounded and each waits twice as long as the one before', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 1_000 }), (maxAttempts, backoff) => {
      const retries = { maxAttempts, backoff, maxBackoff: backoff * 8 }
      const active = [anActive(aRunning(1, { policy: { retries } }))]
      let now = 1
      let row: DeviceRow | undefined
      let delivered = 0
      for (let poll = 0; poll < 200; poll += 1) {
        const { outcome } = ask(active, row === undefined ? emptyHistory : history(row), now)
        if (outcome.kind === 'deliver') {
          delivered += 1
          assert.equal(outcome.attempt, delivered)
          row = aRow({ status: 'failure', attempt: outcome.attempt, since: now })
        } else if (outcome.kind === 'nothing') {
          const due = outcome.recheckAfter
          assert.equal(
            due,
            delivered < maxAttempts
              ? (row?.since ?? 0) + Math.min(backoff * 8, backoff * 2 ** (delivered - 1))
              : undefined,
          )
          now = due ?? now + backoff * 100
        }
      }
      assert.equal(delivered, maxAttempts)
    }),
    { numRuns: 40 },
  )
  assert.equal(backoffAfter({ maxAttempts: 99, backoff: 1, maxBackoff: 500 }, 99), 500)
  assert.equal(decideRetry(aPolicy().retries, 1, 0, 1e15).kind, 'exhausted')
})

test('outside its window a device may download and has to wait with the installation, unless it is forced', () => {
  // 1970-01-01 was a Thursday; the window opens on Friday at one.
  const deployment = aRunning(1, { policy: { windows: [{ days: [5], from: 60, to: 120, zone: 'UTC' }] } })
  const { outcome } = ask([anActive(deployment)])
  assert.ok(outcome.kind === 'deliver')
  assert.deepEqual(outcome.install, { when: 'wait', until: 25 * hour })
  const hurried = ask([anActive(force(deployment))]).outcome
  assert.ok(hurried.kind === 'deliver' && hurried.install.when === 'now')
})

test('a client that cannot wait with the installation gets nothing before it may install', () => {
  const device = aDevice({ canWait: false })
  const closed = aRunning(1, { policy: { windows: [{ days: [5], from: 60, to: 120, zone: 'UTC' }] } })
  assert.deepEqual(ask([anActive(closed)], emptyHistory, 1, device).outcome, {
    kind: 'nothing',
    recheckAfter: 25 * hour,
  })
  assert.equal(ask([anActive(closed)], emptyHistory, 25 * hour, device).outcome.kind, 'deliver')
  const held = aRunning(1, { policy: { downloadOnly: true } })
  assert.equal(ask([anActive(held)], emptyHistory, 1, device).outcome.kind, 'nothing')
  assert.equal(ask([anActive(releaseInstall(held, 1))], emptyHistory, 1, device).outcome.kind, 'deliver')
})

test('download and installation have a consent each', () => {
  const held = aRunning(1, { policy: { downloadOnly: true, pauseBefore: ['rebooting', 'committing'] } })
  const before = ask([anActive(held)], history(aRow())).outcome
  assert.ok(before.kind === 'deliver' && before.install.when === 'wait')
  const after = ask([anActive(releaseInstall(held, 1))], history(aRow({ passed: ['rebooting'] }))).outcome
  assert.ok(after.kind === 'deliver' && after.install.when === 'now')
  assert.deepEqual(after.pauseAt, ['committing'])
})

test('a device that has to confirm gets nothing before it does, and a denial blocks nothing else', () => {
  const careful = anActive(aRunning(1, { policy: { confirmation: true } }))
  const next = anActive(aRunning(1, { id: 'next', sequence: 2 }))
  const row = (confirmation: DeviceRow['confirmation']) => history(aRow({ status: 'pending', confirmation }))
  assert.equal(ask([careful]).outcome.kind, 'confirm')
  assert.equal(ask([careful], row('open')).outcome.kind, 'confirm')
  assert.equal(ask([careful], row('denied')).outcome.kind, 'confirm', 'it may still confirm')
  assert.equal(ask([careful, next], row('denied')).outcome.kind, 'deliver')
  assert.equal(ask([careful], row('confirmed')).outcome.kind, 'deliver')
  assert.equal(ask([careful], emptyHistory, 1, aDevice({ autoConfirm: true })).outcome.kind, 'deliver')
})

test('a device that runs the release already, or cannot run it, is settled with the reason', () => {
  const active = [anActive(aRunning(1))]
  const provides = { device_type: 'board', artifact_name: 'v2', 'rootfs-image.version': '2' }
  const installed = ask(active, emptyHistory, 1, aDevice({ provides }))
  assert.equal(installed.settled[0]?.status, 'already_installed')
  const again = [anActive(aRunning(1, { force: true }))]
  assert.equal(ask(again, emptyHistory, 1, aDevice({ provides })).outcome.kind, 'deliver')
  const other = ask(active, emptyHistory, 1, aDevice({ provides: { device_type: 'other' } }))
  assert.deepEqual(
    other.settled.map(({ status, why }) => [status, why]),
    [['incompatible', 'device_type is other, needs board']],
  )
  const swu = ask(active, emptyHistory, 1, aDevice({ formats: ['swu'] }))
  assert.equal(swu.settled[0]?.why, 'its client reads swu; the release has mender')
  const mute = ask(active, emptyHistory, 1, aDevice({ provides: {} }))
  assert.deepEqual([mute.settled.length, mute.considered[0]?.why], [0, 'the device has not said what type it is'])
})

test('a device that asks while it runs the new release has succeeded, even if its report was lost', () => {
  const provides = { device_type: 'board', artifact_name: 'v2', 'rootfs-image.version': '2' }
  const decision = ask([anActive(aRunning(1))], history(aRow({ status: 'rebooting' })), 1, aDevice({ provides }))
  assert.deepEqual(
    decision.settled.map(({ status }) => status),
    ['success'],
  )
})

test('of several artifacts that fit, the most specific one is chosen', () => {
  const plain = anArtifact({ id: 'a' })
  const exact = anArtifact({ id: 'b', depends: { device_type: ['board'], artifact_name: ['v1'] } })
  const release = { id: 'release-2', version: 'v2', artifacts: [plain, exact] }
  const pick = (artifact_name: string) => {
    const device = aDevice({ provides: { device_type: 'board', artifact_name } })
    const { outcome } = ask([anActive(aRunning(1), 1, { release })], emptyHistory, 1, device)
    return outcome.kind === 'deliver' ? outcome.artifact : outcome.kind
  }
  assert.equal(pick('v1'), 'b')
  assert.equal(pick('v0'), 'a')
})
