import { Fault, type Instant } from '@holdfast/kernel'
import type { DeploymentState, PausePoint, PhaseHealth, RetryPolicy } from './deployment.ts'

export const activeStatuses = [
  'pending',
  'downloading',
  'downloaded',
  'paused_before_installing',
  'installing',
  'paused_before_rebooting',
  'rebooting',
  'paused_before_committing',
] as const
export const finalStatuses = ['success', 'failure', 'already_installed', 'aborted', 'incompatible'] as const

const earlyStatuses: readonly DeviceStatus[] = ['pending', 'downloading', 'downloaded', 'paused_before_installing']

export type ActiveStatus = (typeof activeStatuses)[number]
export type FinalStatus = (typeof finalStatuses)[number]
export type DeviceStatus = ActiveStatus | FinalStatus

/** How far the present step is, as the device counts. */
export interface Progress {
  readonly done: number
  readonly of: number
}

/** One device in one deployment; it exists only once the device has asked and was given, or refused, something. */
export interface DeviceRow {
  readonly deployment: string
  readonly device: string
  readonly phase: number
  readonly status: DeviceStatus
  readonly substate?: string
  readonly progress?: Progress
  readonly attempt: number
  readonly artifact?: string
  /** The release that the device ran before; a rollback returns to it. */
  readonly previousRelease?: string
  /** `open` and `denied` rows are pending, and hold nothing up. */
  readonly confirmation: 'none' | 'open' | 'confirmed' | 'denied'
  /** Pause points that an operator has let this device pass. */
  readonly passed: readonly PausePoint[]
  /** When the present status was first reported. */
  readonly since: Instant
}

export interface Report {
  readonly status: Exclude<DeviceStatus, 'pending' | 'incompatible'>
  readonly substate?: string
  readonly progress?: Progress
}

export function isActive(status: DeviceStatus): status is ActiveStatus {
  return (activeStatuses as readonly DeviceStatus[]).includes(status)
}

/** A row as the audit log hashes it. */
export function stateOf({ status, attempt, confirmation }: DeviceRow): Readonly<Record<string, string | number>> {
  return { status, attempt, confirmation }
}

/** True while the device has something in hand: it was given the deployment and has not come to an end. */
export function isAtWork({ status, confirmation }: DeviceRow): boolean {
  return isActive(status) && confirmation !== 'open' && confirmation !== 'denied'
}

/** True while nothing on the device has changed yet, so that calling it off costs nothing. */
export function isBeforeInstalling(status: DeviceStatus): boolean {
  return earlyStatuses.includes(status)
}

/**
 * Takes a device's report into its row; a repetition changes nothing and returns the same row. Final is final: a
 * later, different report is a conflict, and so is a step forward in a deployment that was called off. What a
 * device says about its own end counts even then: a success is a success, and a failure is what was asked for.
 */
export function takeReport<R extends DeviceRow>(row: R, report: Report, state: DeploymentState, now: Instant): R {
  if (!isActive(row.status)) {
    if (row.status === report.status || (row.status === 'aborted' && report.status === 'failure')) return row
    throw new Fault('conflict', 'deployments.settled', `the device has already ended with ${row.status}`)
  }
  const calledOff = mustCancel(row.status, state) || mustCancel(report.status, state)
  if (calledOff && isActive(report.status)) {
    throw new Fault('conflict', 'deployments.called_off', `the deployment is ${state}; stop and go back`)
  }
  const status = calledOff && report.status === 'failure' ? 'aborted' : report.status
  const { substate: _, progress: __, ...kept } = row
  const next = {
    ...kept,
    status,
    ...(report.substate === undefined ? {} : { substate: report.substate }),
    ...(report.progress === undefined ? {} : { progress: report.progress }),
    since: status === row.status ? row.since : now,
  } as R
  return next.status === row.status && next.substate === row.substate && sameProgress(next.progress, row.progress)
    ? row
    : next
}

/** An aborted deployment calls off every device in progress; a halted or expired one those before installing. */
export function mustCancel(status: DeviceStatus, state: DeploymentState): boolean {
  if (!isActive(status)) return false
  return state === 'aborted' || ((state === 'halted' || state === 'expired') && isBeforeInstalling(status))
}

function sameProgress(one: Progress | undefined, other: Progress | undefined): boolean {
  return one?.done === other?.done && one?.of === other?.of
}

export type HealthKey = Exclude<keyof PhaseHealth, 'size'>

/** The count of a phase's health that a device in this state belongs to. */
export function healthKeyOf(row: Pick<DeviceRow, 'status' | 'attempt'>, retries: RetryPolicy): HealthKey {
  switch (row.status) {
    case 'success':
      return 'succeeded'
    case 'failure':
      return row.attempt < retries.maxAttempts ? 'retrying' : 'failed'
    case 'already_installed':
      return 'alreadyInstalled'
    case 'incompatible':
      return 'incompatible'
    case 'aborted':
      return 'aborted'
    default:
      return 'active'
  }
}
