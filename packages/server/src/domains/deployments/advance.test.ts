import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault, hour } from '@holdfast/kernel'
import fc from 'fast-check'
import { advance, failureLimit, isDue, settled, start } from './advance.ts'
import type { Deployment, Phase, PhaseHealth } from './deployment.ts'
import { aDeployment, aHealth, aPhase, aPolicy, aRunning } from './examples.test-support.ts'
import { abort, extend, force, openByHand, pause, releaseInstall, resume } from './operations.ts'

const anyHealth = (size: number): fc.Arbitrary<PhaseHealth> =>
  fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: size }).map((states) => {
    const count = (state: number) => states.filter((one) => one === state).length
    return aHealth({
      size,
      active: count(0),
      succeeded: count(1),
      failed: count(2),
      incompatible: count(3),
      aborted: count(4),
      alreadyInstalled: count(5),
      retrying: count(6),
    })
  })

const anyPhase: fc.Arbitrary<Phase> = fc.record({
  share: fc.constant({ percent: 25 }),
  delay: fc.constantFrom(0, hour),
  gated: fc.boolean(),
})
const fourPhases = fc.tuple(anyPhase, anyPhase, anyPhase, anyPhase)

const half = aPhase({ share: { percent: 50 } })

function afterFailures(deployment: Deployment, size: number, where: number, failed: number) {
  const health = [aHealth({ size, active: size }), aHealth({ size, active: size })]
  health[where] = aHealth({ size, failed, active: size - failed })
  return advance(deployment, health, 1).state
}

function sizesOf({ phases }: Deployment): number[] {
  return phases.map(({ first, end }) => end - first)
}

test('phases open one by one, in order, each after the one before has finished', () => {
  const ticks = fc.array(fc.tuple(anyHealth(5), anyHealth(5), anyHealth(5), anyHealth(5)), { maxLength: 30 })
  fc.assert(
    fc.property(fourPhases, fc.nat({ max: 100 }), ticks, (phases, successPercent, reports) => {
      let now = 0
      let deployment = aRunning(20, { phases, policy: { successPercent } })
      for (const health of reports) {
        now += hour / 2
        const next = advance(deployment, health, now)
        assert.ok(next.phase === deployment.phase || next.phase === deployment.phase + 1, 'a phase was skipped')
        if (next.phase !== deployment.phase) {
          assert.notEqual(deployment.phases[deployment.phase]?.passedAt, undefined)
          assert.equal(phases[next.phase]?.gated, false, 'a closed gate was passed')
        }
        deployment = next
      }
    }),
  )
})

test('a phase from which nobody has reported never advances, whatever its threshold and however long it takes', () => {
  const silent = fc.record({
    successPercent: fc.integer({ min: 0, max: 100 }),
    size: fc.integer({ min: 1, max: 50 }),
  })
  fc.assert(
    fc.property(silent, fc.nat({ max: 50 }), fc.nat({ max: 50 }), ({ successPercent, size }, active, useless) => {
      const deployment = aRunning(size * 2, {
        phases: [aPhase({ share: { percent: 50 } }), aPhase()],
        policy: { successPercent },
      })
      const health = [
        aHealth({ size, active: Math.min(active, size), incompatible: Math.min(useless, size) }),
        aHealth({ size }),
      ]
      let current = deployment
      for (let tick = 1; tick < 20; tick += 1) current = advance(current, health, tick * 1_000 * hour)
      assert.equal(current, deployment)
    }),
  )
})

test('a phase advances with the report that reaches its success threshold, not with the one before', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 400 }), (successPercent, size) => {
      const deployment = aRunning(size * 2, {
        phases: [aPhase({ share: { percent: 50 } }), aPhase()],
        policy: { successPercent },
      })
      const needed = Math.ceil((size * successPercent) / 100)
      const after = (succeeded: number) => advance(deployment, [aHealth({ size, succeeded }), aHealth({ size })], 1)
      assert.equal(after(needed - 1).phases[0]?.passedAt, undefined)
      assert.equal(after(needed).phases[0]?.passedAt, 1)
    }),
  )
})

test('a failure limit halts with the report that reaches it, in any open phase', () => {
  const limits = fc.record({
    percent: fc.nat({ max: 100 }),
    size: fc.integer({ min: 1, max: 400 }),
    where: fc.nat({ max: 1 }),
  })
  fc.assert(
    fc.property(limits, ({ percent, size, where }) => {
      const policy = aPolicy({ phases: [half, half], haltAtFailurePercent: percent })
      const deployment = { ...aRunning(size * 2, { policy }), phase: 1 }
      const limit = Math.max(1, Math.ceil((percent * size) / 100))
      assert.equal(failureLimit(policy, aHealth({ size })), limit)
      assert.equal(afterFailures(deployment, size, where, limit - 1), 'running')
      assert.equal(afterFailures(deployment, size, where, limit), 'halted')
    }),
  )
})

test('a number of failures halts over all phases together', () => {
  const deployment = { ...aRunning(20, { policy: { phases: [half, half], haltAtFailures: 3 } }), phase: 1 }
  const health = (first: number, second: number) => [
    aHealth({ size: 10, failed: first }),
    aHealth({ size: 10, failed: second }),
  ]
  assert.equal(advance(deployment, health(1, 1), 1).state, 'running')
  assert.equal(advance(deployment, health(1, 2), 1).state, 'halted')
})

test('a paused deployment still halts and expires, but opens nothing', () => {
  const policy = { phases: [half, aPhase()], haltAtFailures: 1, expiresAt: 100 }
  const paused = pause(aRunning(4, { policy }))
  const good = [aHealth({ size: 2, succeeded: 2 }), aHealth({ size: 2 })]
  assert.equal(advance(paused, good, 1), paused)
  assert.equal(advance(paused, [aHealth({ size: 2, failed: 1 }), aHealth({ size: 2 })], 1).state, 'halted')
  assert.equal(advance(paused, good, 100).state, 'expired')
  assert.equal(advance(aDeployment({ policy: { expiresAt: 5 } }), [], 5).state, 'expired')
})

test('the next phase waits for its delay', () => {
  const phases = [half, aPhase({ delay: hour })]
  const health = [aHealth({ size: 1, succeeded: 1 }), aHealth({ size: 1 })]
  const passed = advance(aRunning(2, { phases }), health, 10)
  assert.equal(advance(passed, health, 9 + hour), passed)
  assert.equal(advance(passed, health, 10 + hour).phase, 1)
})

test('a gated phase opens by hand only, and a person may open a waiting one early, but none out of turn', () => {
  const phases = [half, aPhase({ share: { percent: 25 }, gated: true }), aPhase({ delay: hour })]
  const health = [aHealth({ size: 2, succeeded: 2 }), aHealth({ size: 1 }), aHealth({ size: 1 })]
  const passed = advance(aRunning(4, { phases }), health, 10)
  assert.equal(advance(passed, health, 10 + 2 * hour), passed, 'the gate is closed')
  assert.throws(() => openByHand(passed, 2, 20), Fault)
  assert.throws(() => openByHand(passed, 0, 20), Fault)
  assert.throws(() => openByHand(passed, 3, 20), { kind: 'missing' })
  const second = openByHand(passed, 1, 20)
  assert.deepEqual(second.phases[1], { first: 2, end: 3, openedAt: 20 })
  assert.equal(openByHand(second, 2, 21).phase, 2, 'without proof, and before its delay')
})

test('a static deployment finishes when every device has come to an end; a continuous one waits for more', () => {
  const deployment = aRunning(3)
  const open = aHealth({ size: 3, succeeded: 1, failed: 1, retrying: 1 })
  const done = aHealth({ size: 3, succeeded: 1, failed: 1, incompatible: 1 })
  assert.equal(settled(done), 3)
  assert.equal(advance(deployment, [open], 1).state, 'running')
  assert.equal(advance(deployment, [done], 1).state, 'finished')
  assert.equal(
    advance({ ...deployment, target: { kind: 'group', group: 'g', continuous: true } }, [done], 1).state,
    'running',
  )
})

test('an empty phase is passed one tick at a time, and its gate still holds', () => {
  const phases = [aPhase({ share: { percent: 1 } }), aPhase({ share: { percent: 1 }, gated: true }), aPhase()]
  const deployment = aRunning(3, { phases })
  assert.deepEqual(sizesOf(deployment), [1, 0, 2])
  const health = [aHealth({ size: 1, succeeded: 1 }), aHealth(), aHealth({ size: 2 })]
  let current = advance(deployment, health, 1)
  current = advance(current, health, 2)
  assert.equal(current.phase, 0, 'the gate of the empty phase is closed')
  current = openByHand(current, 1, 3)
  assert.equal(current.phase, 1)
  current = advance(advance(current, health, 4), health, 5)
  assert.equal(current.phase, 2)
})

test('a deployment begins at its time, with its first phase only', () => {
  const scheduled = aDeployment({ phases: [aPhase({ share: { percent: 50 } }), aPhase()], policy: { notBefore: 50 } })
  assert.equal(isDue(scheduled, 49), false)
  assert.equal(isDue(scheduled, 50), true)
  const running = start(scheduled, 10, 50)
  assert.deepEqual(running.phases, [
    { first: 0, end: 5, openedAt: 50 },
    { first: 5, end: 10 },
  ])
  assert.equal(isDue(running, 51), false)
})

test('what has ended stays ended, whatever is asked of it', () => {
  for (const state of ['finished', 'halted', 'aborted', 'expired'] as const) {
    const ended = aRunning(2, { state })
    assert.equal(advance(ended, [aHealth({ size: 2, succeeded: 2 })], 1), ended)
    const operations = [
      () => pause(ended),
      () => resume(ended),
      () => force(ended),
      () => openByHand(ended, 1, 1),
      () => extend(ended, 10, 1),
      () => releaseInstall(ended, 1),
    ]
    for (const operation of operations) assert.throws(operation, { name: 'Fault', kind: 'conflict' })
  }
  assert.equal(abort(aRunning(2, { state: 'halted' }), 'clear up', 1).state, 'aborted')
  assert.throws(() => abort(aRunning(2, { state: 'finished' }), 'late', 1), Fault)
})

test('pausing and resuming is undone without a trace', () => {
  const running = aRunning(2)
  assert.deepEqual(resume(pause(running, 'weekend')), running)
})
