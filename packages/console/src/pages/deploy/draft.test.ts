import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newDraft, phase, plans, policyOf, questionOf, targetOf } from './draft.ts'

test('nothing is previewed before a release and a target are chosen', () => {
  assert.equal(questionOf(newDraft({})), undefined)
  assert.equal(questionOf(newDraft({ release: 'r' })), undefined)
  assert.equal(questionOf(newDraft({ group: 'g' })), undefined)
  assert.notEqual(questionOf(newDraft({ release: 'r', group: 'g' })), undefined)
})

test('a target is what the chosen kind says, whatever else was typed', () => {
  const draft = { ...newDraft({ device: 'a,b' }), group: 'g', filter: 'tag = x' }
  assert.deepEqual(targetOf(draft), { kind: 'devices', devices: ['a', 'b'] })
  assert.deepEqual(targetOf({ ...draft, kind: 'filter' }), { kind: 'filter', filter: 'tag = x', continuous: false })
})

test('every ready-made plan ends with a phase for the rest', () => {
  for (const plan of Object.values(plans)) assert.equal(plan().at(-1)?.unit, 'rest')
})

test('phases carry either a share, a number, or neither', () => {
  const draft = { ...newDraft({}), phases: [phase('count', '5'), phase('percent', '25'), phase('rest', '', true)] }
  assert.deepEqual(policyOf(draft).phases, [
    { count: 5, delayMinutes: 0, gate: false },
    { percent: 25, delayMinutes: 0, gate: false },
    { delayMinutes: 0, gate: true },
  ])
})

test('a limit that was left empty is no limit', () => {
  const policy = policyOf({ ...newDraft({}), haltAtFailurePercent: '', haltAtFailures: '' })
  assert.equal('haltAtFailurePercent' in policy, false)
  assert.equal('haltAtFailures' in policy, false)
})
