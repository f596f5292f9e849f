import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '@holdfast/kernel'
import fc from 'fast-check'
import type { DeviceState } from './device.ts'
import {
  type DeviceAct,
  deriveState,
  deviceAfter,
  deviceStates,
  keyStates,
  keysAfterAccepting,
  takesPlace,
} from './state.ts'

const acts: readonly DeviceAct[] = ['accept', 'admit', 'reject', 'quarantine', 'release', 'retire']
const anyState = fc.constantFrom<DeviceState>(...deviceStates)
const anyAct = fc.constantFrom(...acts)
const anyKeys = fc.array(fc.constantFrom(...keyStates), { minLength: 1, maxLength: 8 }).map((states) => {
  // At most one key is accepted, always.
  let accepted = false
  return states.map((state, index) => {
    const kept = state === 'accepted' && accepted ? ('pending' as const) : state
    accepted ||= kept === 'accepted'
    return { id: `k${index}`, state: kept }
  })
})

function attempt(state: DeviceState, act: DeviceAct): DeviceState | undefined {
  try {
    return deviceAfter(state, act)
  } catch (thrown) {
    assert.ok(thrown instanceof Fault && thrown.code === 'devices.bad_state')
    return undefined
  }
}

test('nothing leads out of retirement', () => {
  for (const act of acts) assert.ok([undefined, 'retired'].includes(attempt('retired', act)), act)
})

test('only an operator brings back what was rejected or quarantined', () => {
  assert.equal(attempt('rejected', 'admit'), undefined)
  assert.equal(attempt('quarantined', 'admit'), undefined)
  assert.equal(attempt('quarantined', 'accept'), undefined)
  assert.equal(attempt('rejected', 'accept'), 'accepted')
  assert.equal(attempt('quarantined', 'release'), 'accepted')
})

test('a device that nobody accepted cannot be put apart', () => {
  for (const state of ['pending', 'preauthorised', 'rejected'] as const)
    assert.equal(attempt(state, 'quarantine'), undefined)
})

test('after any acts, a retired device stayed retired, and one that takes a place was once let in', () => {
  fc.assert(
    fc.property(anyState, fc.array(anyAct, { maxLength: 12 }), (start, steps) => {
      let state = start
      for (const act of steps) {
        const next = attempt(state, act) ?? state
        if (state === 'retired') assert.equal(next, 'retired')
        if (takesPlace(next) && !takesPlace(state)) assert.ok(act === 'accept' || act === 'admit' || act === 'release')
        state = next
      }
    }),
  )
})

test('accepting a key leaves exactly one accepted, whatever there was', () => {
  fc.assert(
    fc.property(anyKeys, fc.nat(), (keys, pick) => {
      const wanted = keys[pick % keys.length]
      if (wanted === undefined || wanted.state === 'retired') return
      const states = new Map(keys.map((key) => [key.id, key.state]))
      for (const change of keysAfterAccepting(keys, wanted.id)) states.set(change.id, change.state)
      assert.equal([...states.values()].filter((state) => state === 'accepted').length, 1)
      assert.equal(states.get(wanted.id), 'accepted')
    }),
  )
})

test('a retired key is never accepted again', () => {
  assert.throws(
    () => keysAfterAccepting([{ id: 'a', state: 'retired' }], 'a'),
    (thrown) => thrown instanceof Fault && thrown.code === 'devices.key_retired',
  )
})

test('a device is what the best of its keys makes it', () => {
  assert.equal(deriveState([]), 'rejected')
  assert.equal(
    deriveState([
      { id: 'a', state: 'rejected' },
      { id: 'b', state: 'pending' },
    ]),
    'pending',
  )
  assert.equal(
    deriveState([
      { id: 'a', state: 'accepted' },
      { id: 'b', state: 'pending' },
    ]),
    'accepted',
  )
})
