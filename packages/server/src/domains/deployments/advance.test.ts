import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault, hour } from '@holdfast/kernel'
import fc from 'fast-check'
import { advance, failureLimit, isDue, settled, start } from './advance.ts'
import type { Deployment, Phase, PhaseHealth } from './deployment.ts'
import { abort, approveGate, extend, force, passPausePoint, pause, releaseInstall, resume } from './operations.ts'
import { aDeployment, aHealth, aPhase, aRunning } from './testing.ts'

const anyHealth = (size: number): fc.Arbitrary<PhaseHealth> =>
  fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: size }).map((states) => {
    const count = (state: number) => states.filter((one) => one === state).length
    return aHealth({
      size,
      active: count(0),
      succeeded: count(1),
      failed: count(2),
      noArtifact: count(3),
      aborted: count(4),
      alreadyInstalled: count(5),
      retrying: count(6),
    })
  })

const anyPhase: fc.Arbitrary<Phase> = fc.record({
  share: fc.constant({ percent: 25 }),
  delay: fc.constantFrom(0, hour),
  gate: fc.constantFrom('automatic' as const, 'manual' as const),
  successThreshold: fc.integer({ min: 0, max: 100 }),
})
const fourPhases = fc.tuple(anyPhase, anyPhase, anyPhase, anyPhase)

function sizesOf({ phases }: Deployment): number[] {
  return phases.map(({ first, end }) => end - first)
}

test('phases open one by one, in order, each after the one before has finished', () => {
  const ticks = fc.array(fc.tuple(anyHealth(5), anyHealth(5), anyHealth(5), anyHealth(5)), { maxLength: 30 })
  fc.assert(
    fc.property(fourPhases, ticks, (phases, reports) => {
      let now = 0
      let deployment = aRunning(20, { phases })
      for (const health of reports) {
        now += hour / 2
        const next = advance(deployment, health, now)
        assert.ok(next.phase === deployment.phase || next.phase === deployment.phase + 1, 'a phase was skipped')
        if (next.phase !== deployment.phase) {
          assert.notEqual(deployment.phases[deployment.phase]?.finishedAt, undefined)
          assert.equal(phases[next.phase]?.gate, 'automatic', 'a closed gate was passed')
        }
        deployment = next
      }
    }),
  )
})

test('a phase from which nobody has reported never advances, whatever its threshold and however long it takes', () => {
  const silent = fc.record({
    successThreshold: fc.integer({ min: 0, max: 100 }),
    size: fc.integer({ min: 1, max: 50 }),
  })
  fc.assert(
    fc.property(silent, fc.nat({ max: 50 }), fc.nat({ max: 50 }), ({ successThreshold, size }, active, useless) => {
      const deployment = aRunning(size * 2, {
        phases: [aPhase({ share: { percent: 50 }, successThreshold }), aPhase()],
      })
      const health = [
        aHealth({ size, active: Math.min(active, size), noArtifact: Math.min(useless, size) }),
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
    fc.property(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 400 }), (successThreshold, size) => {
      const deployment = aRunning(size * 2, {
        phases: [aPhase({ share: { percent: 50 }, successThreshold }), aPhase()],
      })
      const needed = Math.ceil((size * successThreshold) / 100)
      const after = (succeeded: number) => advance(deployment, [aHealth({ size, succeeded }), aHealth({ size })], 1)
      assert.equal(after(needed - 1).phases[0]?.finishedAt, undefined)
      assert.equal(after(needed).phases[0]?.finishedAt, 1)
    }),
  )
})

test('a failure threshold halts with the report that reaches it, in any started phase', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 100 }),
      fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined }),
      fc.integer({ min: 1, max: 400 }),
      fc.integer({ min: 0, max: 1 }),
      (percent, count, size, where) => {
        const failureThreshold = count === undefined ? { percent } : { percent, count }
        const rule = aPhase({ share: { percent: 50 }, failureThreshold })
        const deployment = { ...aRunning(size * 2, { phases: [rule, rule] }), phase: 1 }
        const limit = Math.min(Math.max(1, Math.ceil((percent * size) / 100)), count ?? size)
        assert.equal(Math.min(size, failureLimit(rule, aHealth({ size }))), limit)
        const after = (failed: number) => {
          const health = [aHealth({ size, active: 1 }), aHealth({ size, active: 1 })]
          health[where] = aHealth({ size, failed, active: size - failed })
          return advance(deployment, health, 1).state
        }
        assert.equal(after(limit - 1), 'running')
        assert.equal(after(limit), 'halted')
      },
    ),
  )
})

test('a paused deployment still halts and expires, but opens nothing', () => {
  const phases = [aPhase({ share: { percent: 50 }, failureThreshold: { count: 1 } }), aPhase()]
  const paused = pause(aRunning(4, { phases, policy: { expiresAt: 100 } }))
  const good = [aHealth({ size: 2, succeeded: 2 }), aHealth({ size: 2 })]
  assert.equal(advance(paused, good, 1), paused)
  assert.equal(advance(paused, [aHealth({ size: 2, failed: 1 }), aHealth({ size: 2 })], 1).state, 'halted')
  assert.equal(advance(paused, good, 100).state, 'expired')
  assert.equal(advance(aDeployment({ policy: { expiresAt: 5 } }), [], 5).state, 'expired')
})

test('the next phase waits for the delay and for its gate', () => {
  const phases = [aPhase({ share: { percent: 50 } }), aPhase({ delay: hour, gate: 'manual' })]
  const health = [aHealth({ size: 1, succeeded: 1 }), aHealth({ size: 1 })]
  const finished = advance(aRunning(2, { phases }), health, 10)
  assert.equal(advance(finished, health, 10 + 2 * hour), finished, 'the gate is closed')
  const approved = approveGate(finished, 20)
  assert.equal(advance(approved, health, 9 + hour), approved, 'the delay is not over')
  assert.equal(advance(approved, health, 10 + hour).phase, 1)
  assert.throws(() => approveGate(approved, 21), Fault)
  assert.equal(approveGate(finished, 20, true).phase, 1, 'an operator may answer for both')
})

test('a static deployment finishes when every device has come to an end; a continuous one waits for more', () => {
  const deployment = aRunning(3)
  const open = aHealth({ size: 3, succeeded: 1, failed: 1, retrying: 1 })
  const done = aHealth({ size: 3, succeeded: 1, failed: 1, noArtifact: 1 })
  assert.equal(settled(done), 3)
  assert.equal(advance(deployment, [open], 1).state, 'running')
  assert.equal(advance(deployment, [done], 1).state, 'finished')
  assert.equal(advance({ ...deployment, membership: 'continuous' }, [done], 1).state, 'running')
})

test('an empty phase is passed one tick at a time, and its gate still holds', () => {
  const phases = [aPhase({ share: { percent: 1 } }), aPhase({ share: { percent: 1 }, gate: 'manual' }), aPhase()]
  const deployment = aRunning(3, { phases })
  assert.deepEqual(sizesOf(deployment), [1, 0, 2])
  const health = [aHealth({ size: 1, succeeded: 1 }), aHealth(), aHealth({ size: 2 })]
  let current = advance(deployment, health, 1)
  current = advance(current, health, 2)
  assert.equal(current.phase, 0, 'the gate of the empty phase is closed')
  current = advance(approveGate(current, 3), health, 3)
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
    { first: 0, end: 5, startedAt: 50 },
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
      () => force(ended, { ignoreWindows: true, reinstall: true }),
      () => approveGate(ended, 1),
      () => extend(ended, 10, 1),
      () => releaseInstall(ended, 1),
      () => passPausePoint(ended, 'installing'),
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
