import type { Instant } from '@holdfast/kernel'
import type { DeployedRelease, Provides } from './compatibility.ts'
import type { Deployment, PausePoint } from './deployment.ts'
import type { Roster } from './population.ts'
import type { DeviceRow } from './status.ts'

export interface AskingDevice {
  readonly id: string
  /** Its number in the organisation; bitmaps speak of devices by number. */
  readonly number: number
  readonly provides: Provides
  /** Artifact formats that its client reads. */
  readonly formats: readonly string[]
  readonly zone?: string
  /** Its client can download now and install later; one that cannot is served only when it may install. */
  readonly canWait: boolean
  /** It has nothing in hand, or it would not ask. */
  readonly idle: boolean
  /** The device confirms every deployment in advance. */
  readonly autoConfirm: boolean
}

/** A deployment that can still concern somebody, with what is needed to decide without the database. */
export interface ActiveDeployment {
  readonly deployment: Deployment
  readonly release: DeployedRelease
  readonly roster: Roster
  /** Whether the device matches the target now; asked for continuous deployments only. */
  matches(device: AskingDevice): boolean
}

/** What is on record about one device. */
export interface DeviceHistory {
  /** Its rows in the active deployments, and every row that is not final. */
  readonly rows: readonly DeviceRow[]
  /** The sequence of the newest deployment of each kind that it completed, 0 for none. */
  readonly completed: Readonly<Record<Deployment['kind'], number>>
}

export const emptyHistory: DeviceHistory = { rows: [], completed: { update: 0, configuration: 0 } }

/** A device's row to be written because the deployment came to an end for it without handing anything out. */
export interface Settlement {
  readonly deployment: string
  readonly phase: number
  readonly status: 'success' | 'already_installed' | 'incompatible' | 'aborted'
  readonly why: string
}

export interface Consideration {
  readonly deployment: string
  readonly name: string
  readonly why: string
}

export interface Delivery {
  readonly kind: 'deliver'
  readonly deployment: string
  readonly phase: number
  readonly artifact: string
  readonly attempt: number
  /** True when the device has it already; false when this hand-out begins an attempt. */
  readonly repeated: boolean
  readonly install: { readonly when: 'now' } | { readonly when: 'wait'; readonly until?: Instant }
  readonly pauseAt: readonly PausePoint[]
}

export type Outcome =
  | { readonly kind: 'nothing'; readonly recheckAfter?: Instant }
  | { readonly kind: 'confirm'; readonly deployment: string; readonly phase: number; readonly artifact: string }
  | { readonly kind: 'cancel'; readonly deployment: string }
  | Delivery

/** What a device gets when it asks, and why: the same answer drives the gateways and the console's explanation. */
export interface Decision {
  readonly outcome: Outcome
  readonly why: string
  readonly settled: readonly Settlement[]
  /** Every deployment that was looked at, in order, with the reason why it was or was not the one. */
  readonly considered: readonly Consideration[]
}
