import type { Instant } from '@holdfast/kernel'
import type { ArtifactFormat, StoredArtifact } from '../artifacts/index.ts'
import type { DevicePrincipal, DeviceView, Provides } from '../devices/index.ts'
import type { PausePoint } from './deployment.ts'
import type { DeviceRow, DeviceStatus, Report } from './status.ts'

/** A device that asks for work, and what its client can do. */
export interface Asking {
  readonly device: DeviceView
  /** What it says that it runs in this very request; otherwise what is on record counts. */
  readonly provides?: Provides
  /** Artifact formats that its client reads. */
  readonly formats: readonly ArtifactFormat[]
  /** Whether the client can download now and install later when told so. One that cannot is served only when it may install. */
  readonly canWait: boolean
  /** Such a client asks only when it has nothing in hand; so what was called off has come to its end. */
  readonly idle?: boolean
}

/** The deployment in the terms of a wire: protocols with numeric ids use `number`, which is unique in an organisation. */
export interface DeploymentLabel {
  readonly id: string
  readonly number: number
  readonly name: string
  readonly kind: 'update' | 'configuration'
  readonly version: string
}

export interface Offer {
  readonly deployment: DeploymentLabel
  readonly artifact: StoredArtifact
}

export interface Handout extends Offer {
  readonly kind: 'deliver'
  readonly attempt: number
  readonly status: DeviceStatus
  /** `wait`: download now; install when asked again and told `now`. */
  readonly install: { readonly when: 'now' } | { readonly when: 'wait'; readonly until?: Instant }
  /** Before which steps a client that can has to wait; shrinks as the operator lets it go on. */
  readonly pauseAt: readonly PausePoint[]
}

export type Answer =
  | { readonly kind: 'nothing'; readonly why: string; readonly recheckAfter?: Instant }
  | Handout
  /** The device must confirm before it gets anything. */
  | ({ readonly kind: 'confirm'; readonly state: 'open' | 'denied' } & Offer)
  /** The device must stop what it is doing and say how it ended. */
  | { readonly kind: 'cancel'; readonly deployment: DeploymentLabel }

/** A step in a device's life with a deployment. Lines of `messages` go to its timeline. */
export interface DeviceReport {
  readonly report?: Report
  readonly messages?: readonly string[]
}

export interface LogLine {
  readonly at: string
  readonly level: string
  readonly message: string
}

/** What a device was given: by the deployment's id, or by its number. */
export type DeploymentReference = string | number

export interface Assignment extends DeploymentLabel {
  readonly row: DeviceRow
  /** True when the device must stop. */
  readonly calledOff: boolean
  readonly artifact: StoredArtifact | undefined
  readonly messages: readonly string[]
}

export interface AutoConfirmation {
  readonly initiator?: string
  readonly remark?: string
  readonly at: Instant
}

/** What the device gateways ask of this domain. */
export interface DeviceDeployments {
  /**
   * What the device gets now. Takes down that it was given; asking again gives the same. Synchronous, and without a
   * query, when no active deployment can concern the device.
   */
  ask(asking: Asking): Answer | Promise<Answer>
  /**
   * Takes down how it goes on; a repetition changes nothing. Throws `missing` for what the device was never given,
   * `conflict` `deployments.called_off` when it must stop, `conflict` `deployments.settled` after the end, and `limited`
   * `deployments.too_many_messages`.
   */
  report(device: DevicePrincipal, deployment: DeploymentReference, report: DeviceReport): Promise<void>
  /** Keeps the log that a device sent after a failure; a later one replaces it. */
  log(device: DevicePrincipal, deployment: DeploymentReference, lines: readonly LogLine[]): Promise<void>
  confirm(
    device: DevicePrincipal,
    deployment: DeploymentReference,
    verdict: 'confirmed' | 'denied',
    message?: string,
  ): Promise<void>
  findAutoConfirmation(device: DevicePrincipal): Promise<AutoConfirmation | undefined>
  /** From now on the device confirms in advance; undefined: no longer. */
  setAutoConfirmation(
    device: DevicePrincipal,
    wanted: { readonly initiator?: string; readonly remark?: string } | undefined,
  ): Promise<void>
  /** What the device was given and where it stands, with its last messages, newest first. */
  findAssignment(
    device: Pick<DevicePrincipal, 'organisation' | 'device'>,
    deployment: DeploymentReference,
  ): Promise<Assignment | undefined>
  /** The last deployment that the device completed. */
  findInstalled(device: DevicePrincipal): Promise<Assignment | undefined>
  /** Whether an artifact belongs to something that the device has been given and not yet completed or refused. */
  mayDownload(device: DevicePrincipal, artifact: string): Promise<boolean>
}
