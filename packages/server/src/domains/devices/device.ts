import type { Instant } from '@holdfast/kernel'
import type { Actor } from '../../platform/actor.ts'
import type { DeviceFacts } from './search/facts.ts'

export type DeviceState = 'pending' | 'preauthorised' | 'accepted' | 'rejected' | 'quarantined' | 'retired'
export type KeyState = 'pending' | 'preauthorised' | 'accepted' | 'rejected' | 'retired'
export type KeyOrigin = 'request' | 'preauthorised' | 'certificate' | 'token' | 'gateway_token'
export type GatewayName = 'mender' | 'hawkbit'

/** What a device calls itself: unique in its organisation, compared by its canonical form. */
export type Identity = Readonly<Record<string, string | readonly string[]>>

export type Scalar = string | number | boolean
export type AttributeValue = Scalar | readonly Scalar[]
export type Attributes = Readonly<Record<string, AttributeValue>>

/** What a device says about the software it runs: `device_type`, `artifact_name` and every provide it was ever given. */
export type Provides = Readonly<Record<string, string>>

/** A device that proved who it is, and what it may do: a quarantined one may only report. */
export interface DevicePrincipal {
  readonly device: string
  /** Dense and unique over the whole installation; what bitmaps speak of. */
  readonly number: number
  readonly organisation: string
  /** The key or credential that it proved possession of. */
  readonly key: string
  readonly standing: 'accepted' | 'quarantined'
  /** When the proof ends. */
  readonly expires: Instant
  /** The network address that this very request came from; what was remembered of earlier ones has none. */
  readonly origin?: string
}

/** The device as the audit log names who acts. */
export function actorOf({ device, origin }: Pick<DevicePrincipal, 'device' | 'origin'>): Actor {
  return { kind: 'device', id: device, ...(origin === undefined ? {} : { origin }) }
}

/** One device as everything above the registry sees it; rebuilt when its `revision` changes. */
export interface DeviceView {
  readonly id: string
  readonly number: number
  readonly organisation: string
  readonly product: string | undefined
  readonly name: string
  readonly state: DeviceState
  readonly gateway: GatewayName | undefined
  readonly identity: Identity
  readonly tags: readonly string[]
  /** Static and dynamic groups, by id. */
  readonly groups: readonly string[]
  /** The artifact name that it says it runs. */
  readonly software: string | undefined
  /** With `device_type` and `artifact_name` from its inventory where it has not said them otherwise. */
  readonly provides: Provides
  readonly timeZone: string | undefined
  readonly revision: number
  /** All that a filter may ask; computed at the first use. */
  readonly facts: DeviceFacts
}
