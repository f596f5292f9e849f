import type { Artifact, Deployment, DeviceState, DeviceStatus, Release } from '../api/client.ts'
import type { Part } from './progress.tsx'
import type { Tone } from './tone.ts'

export interface Look {
  readonly label: string
  readonly tone: Tone
  /** Something is going on. */
  readonly moving?: boolean
}

export const deviceStates: Readonly<Record<DeviceState, Look>> = {
  pending: { label: 'Pending', tone: 'unproven' },
  preauthorised: { label: 'Preauthorised', tone: 'live' },
  accepted: { label: 'Accepted', tone: 'holds' },
  rejected: { label: 'Rejected', tone: 'idle' },
  quarantined: { label: 'Quarantined', tone: 'failing' },
  retired: { label: 'Retired', tone: 'idle' },
}

export const deploymentStates: Readonly<Record<Deployment['state'], Look>> = {
  scheduled: { label: 'Scheduled', tone: 'idle' },
  running: { label: 'Running', tone: 'live', moving: true },
  paused: { label: 'Paused', tone: 'stale' },
  finished: { label: 'Finished', tone: 'holds' },
  halted: { label: 'Halted', tone: 'failing' },
  aborted: { label: 'Aborted', tone: 'idle' },
  expired: { label: 'Expired', tone: 'idle' },
}

export const phaseStates: Readonly<Record<Deployment['phases'][number]['state'], Look>> = {
  waiting: { label: 'Waiting', tone: 'idle' },
  gated: { label: 'Waits for you', tone: 'unproven' },
  open: { label: 'Open', tone: 'live', moving: true },
  passed: { label: 'Passed', tone: 'holds' },
  failed: { label: 'Failed', tone: 'failing' },
}

export const deviceStatuses: Readonly<Record<DeviceStatus, Look>> = {
  pending: { label: 'Not yet asked', tone: 'idle' },
  downloading: { label: 'Downloading', tone: 'live', moving: true },
  downloaded: { label: 'Downloaded', tone: 'live' },
  paused_before_installing: { label: 'Waits before installing', tone: 'stale' },
  installing: { label: 'Installing', tone: 'live', moving: true },
  paused_before_rebooting: { label: 'Waits before rebooting', tone: 'stale' },
  rebooting: { label: 'Rebooting', tone: 'live', moving: true },
  paused_before_committing: { label: 'Waits before committing', tone: 'stale' },
  success: { label: 'Succeeded', tone: 'holds' },
  failure: { label: 'Failed', tone: 'failing' },
  already_installed: { label: 'Already installed', tone: 'holds' },
  aborted: { label: 'Aborted', tone: 'idle' },
  incompatible: { label: 'Incompatible', tone: 'unproven' },
}

export const releaseStates: Readonly<Record<Release['state'], Look>> = {
  draft: { label: 'Draft', tone: 'idle' },
  signed: { label: 'Signed', tone: 'live' },
  released: { label: 'Released', tone: 'holds' },
  withdrawn: { label: 'Withdrawn', tone: 'failing' },
}

export const signatureVerdicts: Readonly<Record<Artifact['signature']['verdict'], Look>> = {
  trusted: { label: 'Trusted signature', tone: 'holds' },
  untrusted_signer: { label: 'Signer not trusted', tone: 'failing' },
  revoked_signer: { label: 'Signer revoked', tone: 'failing' },
  none: { label: 'Not signed', tone: 'unproven' },
}

const order: readonly (readonly [DeviceStatus, light: boolean])[] = [
  ['success', false],
  ['already_installed', true],
  ['failure', false],
  ['incompatible', false],
  ['paused_before_installing', false],
  ['paused_before_rebooting', false],
  ['paused_before_committing', false],
  ['rebooting', false],
  ['installing', false],
  ['downloaded', true],
  ['downloading', true],
  ['aborted', false],
]

/** A deployment's or phase's counts as parts of a bar, in one fixed order. Devices that were not heard of stay empty ground. */
export function partsOf(counts: Deployment['counts']): Part[] {
  return order.map(([status, light]) => ({
    label: deviceStatuses[status].label,
    value: counts[status] ?? 0,
    tone: deviceStatuses[status].tone,
    light,
  }))
}

const final: readonly DeviceStatus[] = ['success', 'failure', 'already_installed', 'aborted', 'incompatible']

export function finishedOf(counts: Deployment['counts']): number {
  return final.reduce((sum, status) => sum + (counts[status] ?? 0), 0)
}

/** Whether anything can still happen in a deployment. */
export function isOver(state: Deployment['state']): boolean {
  return state === 'finished' || state === 'aborted' || state === 'expired'
}
