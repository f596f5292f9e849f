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

/** A continuous target also takes in who matches later, as members of the last phase; otherwise the start decides. */
export type Target =
  | { readonly kind: 'devices'; readonly devices: readonly string[] }
  | { readonly kind: 'group'; readonly group: string; readonly continuous: boolean }
  | { readonly kind: 'filter'; readonly filter: string; readonly continuous: boolean }

export function isContinuous(target: Target): boolean {
  return target.kind !== 'devices' && target.continuous
}

export type Share = { readonly percent: Percent } | { readonly count: number } | 'rest'

export interface Phase {
  readonly share: Share
  /** Milliseconds between the moment the phase before passed and the start of this one. */
  readonly delay: number
  /** Somebody must open it by hand. */
  readonly gated: boolean
}

export interface RetryPolicy {
  /** Attempts in all, the first one included: 1 means no retry. */
  readonly maxAttempts: number
  /** Milliseconds before the second attempt; each further wait is twice as long. */
  readonly backoff: number
  readonly maxBackoff: number
}

export type PausePoint = 'installing' | 'rebooting' | 'committing'

export interface Policy {
  readonly phases: readonly Phase[]
  /** Of a phase's devices that can take the release, how many must have succeeded before the next one opens. */
  readonly successPercent: Percent
  /** The deployment halts itself at this share of failures in an open phase, or at this number of them in all. */
  readonly haltAtFailurePercent?: Percent
  readonly haltAtFailures?: number
  readonly retries: RetryPolicy
  readonly priority: number
  readonly notBefore?: Instant
  readonly expiresAt?: Instant
  /** When devices may install; they may download ahead. None: at any time. */
  readonly windows: readonly MaintenanceWindow[]
  /** Devices download, and install only after the operator's second consent. */
  readonly downloadOnly: boolean
  /** The device, or the person at it, must confirm before the download. */
  readonly confirmation: boolean
  readonly pauseBefore: readonly PausePoint[]
}

/** One phase of a started deployment: positions [first, end) of the permuted population belong to it. */
export interface PhaseProgress {
  readonly first: number
  readonly end: number
  readonly openedAt?: Instant
  /** When it reached its success threshold; the delay of the next phase counts from here. */
  readonly passedAt?: Instant
}

export interface Deployment {
  readonly id: string
  /** Counts creations in one organisation; breaks ties of priority and is unique there. */
  readonly sequence: number
  readonly name: string
  readonly kind: 'update' | 'configuration'
  readonly release: string
  readonly target: Target
  readonly policy: Policy
  readonly state: DeploymentState
  /** Why it is in this state, for people; set when it halted, paused or was aborted. */
  readonly reason?: string
  readonly phases: readonly PhaseProgress[]
  /** Index of the newest open phase; -1 before the start. */
  readonly phase: number
  /** Ignores windows, and installs again what already runs. */
  readonly force: boolean
  /** When the second consent of `downloadOnly` was given. */
  readonly installReleasedAt?: Instant
  readonly createdAt: Instant
  readonly startedAt?: Instant
  readonly endedAt?: Instant
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
  readonly incompatible: number
  readonly aborted: number
}
