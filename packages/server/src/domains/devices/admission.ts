import type { DeviceState, KeyState } from './device.ts'
import { takesPlace } from './state.ts'

/** What is known about somebody who asks to be let in with a key of their own. */
export interface Applicant {
  /** Undefined: nobody has called itself that before. */
  readonly device: DeviceState | undefined
  /** The device's key that is presented; undefined: a new one. */
  readonly key: KeyState | undefined
  readonly keys: readonly KeyState[]
  /** A trusted authority certified the key. */
  readonly certified: boolean
  /** That certificate names this very device, so that it may also replace the key that was accepted before. */
  readonly named: boolean
  /** A rule that accepts it, if there is one. */
  readonly rule: string | undefined
  /** Whether the organisation may have one device more. */
  readonly room: boolean
  /** Whether it may have one more that waits. */
  readonly waitingRoom: boolean
}

export type Admission =
  | { readonly kind: 'known' }
  | { readonly kind: 'refuse' }
  /** Write down what is new and let an operator decide. */
  | { readonly kind: 'wait'; readonly register: boolean; readonly addKey: boolean }
  | { readonly kind: 'admit'; readonly by: 'preauthorisation' | 'certificate' | 'rule' }

const mostKeys = 32
const mostPendingKeys = 8
const refuse: Admission = { kind: 'refuse' }

/**
 * Decides about a key and the device that it speaks for. Fails closed: whoever is rejected, retired or presents a key that
 * was turned down gets nothing, and no rule or certificate changes that.
 */
export function decideAdmission(applicant: Applicant): Admission {
  const { device, key } = applicant
  if (device === 'retired' || device === 'rejected' || key === 'rejected' || key === 'retired') return refuse
  if (device === 'quarantined') return key === 'accepted' ? { kind: 'known' } : refuse
  if (device === 'accepted' && key === 'accepted') return { kind: 'known' }
  const by = decideAdmitter(applicant)
  if (by === undefined) return decideWaiting(applicant)
  const full = !applicant.room && (device === undefined || !takesPlace(device))
  return full ? refuse : { kind: 'admit', by }
}

function decideAdmitter({ device, key, keys, certified, named, rule }: Applicant) {
  if (key === undefined && keys.length >= mostKeys) return undefined
  if (device === 'accepted') return certified && (named || !keys.includes('accepted')) ? 'certificate' : undefined
  if (device === 'preauthorised') {
    // Preauthorised by identity alone, the first key that comes is the one.
    if (key === 'preauthorised' || (key === undefined && keys.length === 0)) return 'preauthorisation'
    return certified && named ? 'certificate' : undefined
  }
  if (certified) return 'certificate'
  return rule === undefined ? undefined : 'rule'
}

function decideWaiting({ device, key, keys, waitingRoom }: Applicant): Admission {
  if (device === undefined) return waitingRoom ? { kind: 'wait', register: true, addKey: true } : refuse
  const pending = keys.filter((state) => state === 'pending').length
  const addKey = key === undefined && keys.length < mostKeys && pending < mostPendingKeys
  return { kind: 'wait', register: false, addKey }
}
