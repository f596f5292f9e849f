import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePhase, parseWindow, policyOf } from './deployment-policy.ts'

test('Phases are written as people say them', () => {
  const written = ['10%', '5,gate', '12.5%,delay=30', 'rest']
  const phases = written.reduce((before, text) => parsePhase(text, before), parsePhase('1'))
  assert.deepEqual(phases, [
    { count: 1 },
    { percent: 10 },
    { count: 5, gate: true },
    { percent: 12.5, delayMinutes: 30 },
    {},
  ])
  for (const wrong of ['', 'some', '10 percent', '5,gat', '-1', 'rest,delay=x'])
    assert.throws(() => parsePhase(wrong), wrong)
})

test('Windows name days, times and a zone', () => {
  assert.deepEqual(parseWindow('02:00-05:00'), [{ days: [], from: '02:00', to: '05:00' }])
  assert.deepEqual(parseWindow('mon,Sunday 22:00-04:00 Europe/Berlin'), [
    { days: [1, 7], from: '22:00', to: '04:00', timeZone: 'Europe/Berlin' },
  ])
  for (const wrong of ['', '2-5', 'someday 02:00-05:00', '02:00']) assert.throws(() => parseWindow(wrong), wrong)
})

test('A policy holds only what was given, so that the server’s defaults hold for the rest', () => {
  assert.deepEqual(policyOf({}), {})
  assert.deepEqual(policyOf({ haltAt: 5, force: true }), { haltAtFailurePercent: 5, force: true })
})
