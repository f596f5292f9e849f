import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '@holdfast/kernel'
import fc from 'fast-check'
import { basisPoints, type Phase, type Share } from './deployment.ts'
import { aDeployment, aPhase, everybody, shares } from './examples.test-support.ts'
import { derivePhaseRanges, findPhaseOf, verifyPhases } from './phase-plan.ts'
import { rosterOf } from './population.ts'

/** Devices of each phase when `place` decides for all of `total` devices. */
function sizesOf(phases: readonly Phase[], total: number, place: (device: number) => number | undefined): number[] {
  const sizes = phases.map(() => 0)
  for (let device = 0; device < total; device += 1) {
    const phase = place(device)
    assert.notEqual(phase, undefined, 'every device belongs to a phase')
    if (phase !== undefined) sizes[phase] = (sizes[phase] ?? 0) + 1
  }
  return sizes
}

/** Fails when a phase is a whole device or more away from its percentage, or not exact where it counts. */
function assertShares(phases: readonly Phase[], total: number, sizes: readonly number[]): void {
  assert.equal(
    sizes.reduce((sum, size) => sum + size, 0),
    total,
  )
  let left = total
  phases.forEach(({ share }, index) => {
    const size = sizes[index] ?? 0
    if (share === 'rest') assert.equal(size, left)
    else if ('count' in share) assert.equal(size, Math.min(share.count, left))
    else {
      const exact = (basisPoints(share.percent) * total) / 10_000
      assert.ok(size < exact + 1, `phase ${index} has ${size} devices, its share is ${exact}`)
      assert.ok(size > exact - 1 || left === size, `phase ${index} has ${size} devices, its share is ${exact}`)
    }
    left -= size
  })
}

function rollOut(phases: readonly Phase[], total: number, id: string): number[] {
  const deployment = { ...aDeployment({ id, phases }), phases: derivePhaseRanges(phases, total) }
  const roster = rosterOf(deployment, everybody(total))
  return sizesOf(phases, total, (device) => roster.findPlace(device, () => false)?.phase)
}

test('every device is in exactly one phase, and no phase exceeds its share by more than rounding', () => {
  fc.assert(
    fc.property(shares(), fc.integer({ min: 0, max: 2_000 }), fc.uuid(), (split, total, id) => {
      const phases = split.map((share) => aPhase({ share }))
      verifyPhases(phases)
      assertShares(phases, total, rollOut(phases, total, id))
    }),
    { numRuns: 150 },
  )
})

test('planted fault: hashing each device to a percentage breaks the share property', () => {
  const phases = [aPhase({ share: { percent: 5 } }), aPhase({ share: 'rest' })]
  const hashed = (device: number) => ((Math.imul(device ^ 0x5bd1e995, 0x85ebca6b) >>> 8) % 1_000 < 50 ? 0 : 1)
  assert.throws(() => assertShares(phases, 1_000, sizesOf(phases, 1_000, hashed)))
})

test('the ranges of the phases are consecutive and cover the population', () => {
  fc.assert(
    fc.property(shares(), fc.integer({ min: 0, max: 10_000_000 }), (split, total) => {
      const ranges = derivePhaseRanges(
        split.map((share) => aPhase({ share })),
        total,
      )
      let expected = 0
      ranges.forEach(({ first, end }, index) => {
        assert.equal(first, expected)
        assert.ok(end >= first)
        if (end > first) {
          assert.equal(findPhaseOf(ranges, first), index)
          assert.equal(findPhaseOf(ranges, end - 1), index)
        }
        expected = end
      })
      assert.equal(expected, total)
      assert.equal(findPhaseOf(ranges, total), undefined)
    }),
  )
})

test('a canary phase of a small fleet is never empty', () => {
  assert.equal(derivePhaseRanges([aPhase({ share: { percent: 1 } }), aPhase({ share: 'rest' })], 7)[0]?.end, 1)
})

test('who joins a continuous deployment later belongs to its last phase, and to none of a static one', () => {
  const phases = [aPhase({ share: { percent: 10 } }), aPhase({ share: 'rest' })]
  const base = { ...aDeployment({ phases }), phases: derivePhaseRanges(phases, 10) }
  const late = (continuous: boolean, matches: boolean) =>
    rosterOf({ ...base, target: { kind: 'group', group: 'g', continuous } }, everybody(10)).findPlace(99, () => matches)
  assert.deepEqual(late(true, true), { phase: 1 })
  assert.equal(late(true, false), undefined)
  assert.equal(late(false, true), undefined)
})

test('a plan that leaves devices over, asks for too much or says nothing is refused', () => {
  const plans: Share[][] = [
    [],
    [{ percent: 50 }],
    [{ percent: 60 }, { percent: 60 }],
    ['rest', 'rest'],
    [{ count: 10 }],
    [{ count: 0 }, 'rest'],
    [{ percent: Number.NaN }, 'rest'],
    [{ percent: 0 }, 'rest'],
    new Array<Share>(51).fill('rest'),
  ]
  for (const plan of plans) {
    assert.throws(() => verifyPhases(plan.map((share) => aPhase({ share }))), Fault, JSON.stringify(plan))
  }
  assert.throws(() => verifyPhases([aPhase({ delay: -1 })]), Fault)
})
