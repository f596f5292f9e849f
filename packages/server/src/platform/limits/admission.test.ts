import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '@holdfast/kernel'
import { createAdmission } from './admission.ts'

test('more than the limit at once is told to come back, and counted out requests make room', () => {
  const admission = createAdmission({ inFlight: 2 }, manualClock(0))
  const first = admission.admit('a')
  admission.admit('b')
  assert.throws(() => admission.admit('c'), { kind: 'unavailable', code: 'platform.busy' })
  first()
  first()
  assert.equal(admission.inFlight, 1)
  admission.admit('c')
})

test('an address may send its share each minute, and others are not concerned', () => {
  const clock = manualClock(0)
  const admission = createAdmission({ inFlight: 100, perAddressPerMinute: 3 }, clock)
  for (let count = 0; count < 3; count += 1) admission.admit('loud')()
  assert.throws(() => admission.admit('loud'), { kind: 'limited', code: 'platform.too_many' })
  admission.admit('quiet')()
  clock.advance(20_000)
  admission.admit('loud')()
  assert.throws(() => admission.admit('loud'), { kind: 'limited' })
})

test('an address has its share of what may be under way at once, and others are not concerned', () => {
  const admission = createAdmission({ inFlight: 100, perAddressInFlight: 2 }, manualClock(0))
  const first = admission.admit('slow')
  admission.admit('slow')
  assert.throws(() => admission.admit('slow'), { kind: 'limited', code: 'platform.too_many' })
  admission.admit('quick')()
  first()
  admission.admit('slow')
})
