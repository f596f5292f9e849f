import type { Instant } from '@holdfast/kernel'
import type { MaintenanceWindow } from './window.ts'

/** Percent with at most two decimals; compared in whole basis points, so that no rounding of floats decides. */
export type Percent = number

export function basisPoints(percent: Percent): number {
  return Math.round(percent * 100)
}

export type DeploymentState = 'scheduled' | 'running' | 'paused' | 'finished' | 'halted' | 'aborted' | 'expired'

const endedStates: readonly DeploymentState[] = ['finished', 'halted', 'aborted', 'expired']

/** True when the deployment hands out nothing and never will again. */
export function hasEnded({ state }: { readonly state: DeploymentState }): boolean {
  return endedStates.includes(state)
}

export type Target =
  | { readonly kind: 'devices'; readonly devices: readonly string[] }
  | { readonly kind: 'group'; readonly group: string }
  | { readonly kind: 'filter'; readonly filter: string }

/** `static`: who matched at the start. `continuous`: also who matches later, as members of the last phase. */
export type Membership = 'static' | 'continuous'

export type Share = { readonly percent: Percent } | { readonly count: number } | 'rest'

export interface FailureThreshold {
  /** Of the phase's devices that can take the release. */
  readonly percent?: Percent
  /** Devices. */
  readonly count?: number
}

export interface Phase {
  readonly share: Share
  /** Milliseconds between the end of the phase before and the start of this one. */
  readonly delay: number
  readonly gate: 'automatic' | 'manual'
  /** Share of the phase's devices that must have succeeded before the next phase may start. */
  readonly successThreshold: Percent
  /** The deployment halts itself when a started phase reaches either limit. */
  readonly failureThreshold?: FailureThreshold
}

export interface RetryPolicy {
  /** Attempts in all, the first one included: 1 means no retry. */
  readonly maxAttempts: number
  /** Milliseconds before the second attempt; each further wait is twice as long. */
  readonly backoff: number
  readonly maxBackoff: number
}

export type PausePoint = 'installing' | 'rebooting' | 'committing'

export interface WindowPolicy {
  readonly windows: readonly MaintenanceWindow[]
  /** `install`: devices may download ahead of the window. `everything`: they do not even see the deployment. */
  readonly covers: 'install' | 'everything'
}

export interface Policy {
  readonly phases: readonly Phase[]
  readonly retries: RetryPolicy
  readonly priority: number
  readonly notBefore?: Instant
  readonly expiresAt?: Instant
  readonly windows?: WindowPolicy
  /** `held`: devices download, and install only after the operator's second consent. */
  readonly install: 'at_once' | 'held'
  /** The device, or the person at it, must confirm before the download. */
  readonly confirmation: boolean
  readonly pauseAt: readonly PausePoint[]
}

/** One phase of a started deployment: positions [first, end) of the permuted population belong to it. */
export interface PhaseProgress {
  readonly first: number
  readonly end: number
  readonly startedAt?: Instant
  /** When its success threshold was reached; the delay of the next phase counts from here. */
  readonly finishedAt?: Instant
  /** When an operator opened the gate in front of this phase. */
  readonly approvedAt?: Instant
}

export interface Force {
  readonly ignoreWindows: boolean
  readonly reinstall: boolean
}

export interface Deployment {
  readonly id: string
  /** Counts creations in one organisation; breaks ties of priority and is unique there. */
  readonly sequence: number
  readonly name: string
  readonly kind: 'software' | 'configuration'
  readonly release: string
  readonly target: Target
  readonly membership: Membership
  readonly policy: Policy
  readonly state: DeploymentState
  /** Why it is in this state, for people; set when it halted, paused or was aborted. */
  readonly reason?: string
  readonly phases: readonly PhaseProgress[]
  /** Index of the newest started phase; -1 before the start. */
  readonly phase: number
  readonly force: Force
  /** When the second consent of `install: 'held'` was given. */
  readonly installReleasedAt?: Instant
  /** Pause points that an operator has let every device pass. */
  readonly passed: readonly PausePoint[]
  readonly createdAt: Instant
  readonly startedAt?: Instant
  readonly endedAt?: Instant
  readonly rollsBack?: string
}

/** What the devices of one phase have come to; kept incrementally, never counted on demand. */
export interface PhaseHealth {
  /** Devices of the phase: its range, and for the last phase also those who joined later. */
  readonly size: number
  readonly active: number
  readonly retrying: number
  readonly succeeded: number
  readonly alreadyInstalled: number
  readonly failed: number
  readonly noArtifact: number
  readonly aborted: number
}
