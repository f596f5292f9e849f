import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Applicant, decideAdmission } from './admission.ts'
import type { DeviceState, KeyState } from './device.ts'
import { deviceStates, keyStates } from './state.ts'

const stranger: Applicant = {
  device: undefined,
  key: undefined,
  keys: [],
  certified: false,
  named: false,
  rule: undefined,
  room: true,
  waitingRoom: true,
}

const anyApplicant: fc.Arbitrary<Applicant> = fc
  .record({
    device: fc.option(fc.constantFrom<DeviceState>(...deviceStates), { nil: undefined }),
    key: fc.option(fc.constantFrom<KeyState>(...keyStates), { nil: undefined }),
    others: fc.array(fc.constantFrom<KeyState>(...keyStates), { maxLength: 40 }),
    certified: fc.boolean(),
    named: fc.boolean(),
    rule: fc.option(fc.constant('rule'), { nil: undefined }),
    room: fc.boolean(),
    waitingRoom: fc.boolean(),
  })
  .map(({ others, key, device, ...rest }) => {
    if (device === undefined) return { ...rest, device, key: undefined, keys: [] }
    return { ...rest, device, key, keys: key === undefined ? others : [...others, key] }
  })

test('a stranger waits for an operator', () => {
  assert.deepEqual(decideAdmission(stranger), { kind: 'wait', register: true, addKey: true })
  assert.deepEqual(decideAdmission({ ...stranger, waitingRoom: false }), { kind: 'refuse' })
})

test('a preauthorised key is let in, another key of that device waits', () => {
  const known = { ...stranger, device: 'preauthorised', keys: ['preauthorised'] } as const
  assert.deepEqual(decideAdmission({ ...known, key: 'preauthorised' }), { kind: 'admit', by: 'preauthorisation' })
  assert.deepEqual(decideAdmission(known), { kind: 'wait', register: false, addKey: true })
  assert.deepEqual(decideAdmission({ ...known, rule: 'rule' }), { kind: 'wait', register: false, addKey: true })
})

test('a device preauthorised by its identity alone is let in with its first key', () => {
  assert.deepEqual(decideAdmission({ ...stranger, device: 'preauthorised' }), { kind: 'admit', by: 'preauthorisation' })
})

test('a certificate replaces an accepted key only when it names the device', () => {
  const known = { ...stranger, device: 'accepted', keys: ['accepted'], certified: true } as const
  assert.equal(decideAdmission(known).kind, 'wait')
  assert.deepEqual(decideAdmission({ ...known, named: true }), { kind: 'admit', by: 'certificate' })
})

test('no rule lets a second key of an accepted device in', () => {
  const known = { ...stranger, device: 'accepted', keys: ['accepted'], rule: 'rule' } as const
  assert.equal(decideAdmission(known).kind, 'wait')
})

test('a full organisation lets nobody new in', () => {
  assert.deepEqual(decideAdmission({ ...stranger, certified: true, room: false }), { kind: 'refuse' })
  assert.deepEqual(decideAdmission({ ...stranger, rule: 'rule', room: false }), { kind: 'refuse' })
})

test('nobody who is rejected, retired or turned down gets in, whatever speaks for them', () => {
  fc.assert(
    fc.property(anyApplicant, (applicant) => {
      const { kind } = decideAdmission(applicant)
      const { device, key } = applicant
      if (device === 'rejected' || device === 'retired' || key === 'rejected' || key === 'retired') {
        assert.equal(kind, 'refuse')
      }
      if (device === 'quarantined') assert.equal(kind, key === 'accepted' ? 'known' : 'refuse')
    }),
    { numRuns: 2_000 },
  )
})

test('whoever is let in anew has a preauthorisation, a certificate or a rule to show', () => {
  fc.assert(
    fc.property(anyApplicant, (applicant) => {
      const decision = decideAdmission(applicant)
      if (decision.kind === 'known') assert.equal(applicant.key, 'accepted')
      if (decision.kind !== 'admit') return
      if (decision.by === 'certificate') assert.ok(applicant.certified)
      if (decision.by === 'rule') assert.ok(applicant.rule !== undefined)
      if (decision.by === 'preauthorisation') assert.equal(applicant.device, 'preauthorised')
    }),
    { numRuns: 2_000 },
  )
})
