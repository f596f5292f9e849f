import { Fault } from '@holdfast/kernel'
import type { DeviceState, KeyOrigin, KeyState } from './device.ts'

/** Stored by index: append only. */
export const deviceStates = [
  'pending',
  'preauthorised',
  'accepted',
  'rejected',
  'quarantined',
  'retired',
] as const satisfies readonly DeviceState[]
export const keyStates = [
  'pending',
  'preauthorised',
  'accepted',
  'rejected',
  'retired',
] as const satisfies readonly KeyState[]
export const keyOrigins = [
  'request',
  'preauthorised',
  'certificate',
  'token',
  'gateway_token',
] as const satisfies readonly KeyOrigin[]

/** What may be done to a device. `admit`: acceptance without an operator, by preauthorisation, certificate or rule. */
export type DeviceAct = 'accept' | 'admit' | 'reject' | 'quarantine' | 'release' | 'retire'

const transitions: Readonly<Record<DeviceAct, Partial<Record<DeviceState, DeviceState>>>> = {
  accept: { pending: 'accepted', preauthorised: 'accepted', rejected: 'accepted', accepted: 'accepted' },
  admit: { pending: 'accepted', preauthorised: 'accepted', accepted: 'accepted' },
  reject: {
    pending: 'rejected',
    preauthorised: 'rejected',
    accepted: 'rejected',
    quarantined: 'rejected',
    rejected: 'rejected',
  },
  quarantine: { accepted: 'quarantined', quarantined: 'quarantined' },
  release: { quarantined: 'accepted' },
  retire: {
    pending: 'retired',
    preauthorised: 'retired',
    accepted: 'retired',
    rejected: 'retired',
    quarantined: 'retired',
    retired: 'retired',
  },
}

/**
 * What a device becomes by an act; the same state where the act changes nothing. Throws `devices.bad_state` for what is
 * not allowed. Nothing leads out of `retired`, and nobody but an operator out of `rejected` or `quarantined`.
 */
export function deviceAfter(state: DeviceState, act: DeviceAct): DeviceState {
  const next = transitions[act][state]
  if (next !== undefined) return next
  const pastTense = {
    accept: 'accepted',
    admit: 'accepted',
    reject: 'rejected',
    quarantine: 'quarantined',
    release: 'released',
    retire: 'retired',
  }
  throw new Fault('conflict', 'devices.bad_state', `a device that is ${state} cannot be ${pastTense[act]}`)
}

/** States whose devices count against the organisation's limit: those that may come in, or already are. */
export function takesPlace(state: DeviceState): boolean {
  return state === 'preauthorised' || state === 'accepted' || state === 'quarantined'
}

export interface KeyStanding {
  readonly id: string
  readonly state: KeyState
}

/** The keys whose state changes when one is accepted: it, and the one that was accepted until now, which retires. */
export function keysAfterAccepting(keys: readonly KeyStanding[], accepted: string): KeyStanding[] {
  const wanted = keys.find((key) => key.id === accepted)
  if (wanted === undefined) throw new Fault('missing', 'devices.key_missing', 'the device has no such key')
  if (wanted.state === 'retired') {
    throw new Fault('conflict', 'devices.key_retired', 'the key is retired; the device needs another one')
  }
  if (wanted.state === 'accepted') return []
  const replaced = keys.filter((key) => key.state === 'accepted').map((key) => ({ ...key, state: 'retired' as const }))
  return [...replaced, { ...wanted, state: 'accepted' }]
}

/**
 * What becomes of a device that lost a key by rejection, while neither quarantined nor retired: the best of what its
 * remaining keys make it.
 */
export function deriveState(keys: readonly KeyStanding[]): DeviceState {
  for (const state of ['accepted', 'preauthorised', 'pending'] as const) {
    if (keys.some((key) => key.state === state)) return state
  }
  return 'rejected'
}
