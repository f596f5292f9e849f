import type { Generated } from 'kysely'
import type { Migration } from '../../platform/db/index.ts'
import type { Deployment } from './deployment.ts'
import type { DeviceRow, DeviceStatus } from './status.ts'

export interface DeploymentTable {
  id: string
  organisation: string
  sequence: number
  name: string
  kind: Deployment['kind']
  release: string
  release_version: string
  product: string
  /** The target as the interface gave it, in JSON; `target_group` repeats a group for the sake of access checks. */
  target: string
  target_group: string | null
  /** The policy as the interface gave it, in JSON. */
  policy: string
  state: Deployment['state']
  reason: string | null
  /** `PhaseProgress[]` in JSON; empty before the start. */
  phases: string
  phase: number
  force: number
  install_released_at: number | null
  /** The devices that it began with: a compressed bitmap of device numbers. */
  population: Uint8Array | null
  devices: number
  created_at: number
  created_by: string
  started_at: number | null
  ended_at: number | null
  rollback_of: string | null
  revision: number
}

/** Exists once a device was given something, or was refused it for good; never made ahead. */
export interface DeploymentDeviceTable {
  deployment: string
  device: string
  organisation: string
  number: number
  sequence: number
  kind: Deployment['kind']
  phase: number
  status: DeviceStatus
  substate: string | null
  progress_done: number | null
  progress_of: number | null
  attempt: number
  artifact: string | null
  previous_release: string | null
  confirmation: DeviceRow['confirmation']
  /** Pause points passed, separated by spaces. */
  passed: string
  since: number
  updated_at: number
  /** Lines of its timeline, which are bounded. */
  events: number
  has_log: number
}

/** How many devices of a phase are where. Sharded, so that reports of many devices do not wait for one row. */
export interface DeploymentTallyTable {
  deployment: string
  phase: number
  shard: number
  /** A device status, `retrying` for a failure with attempts left, or `joined` for who came after the start. */
  figure: string
  devices: number
}

export interface DeploymentEventTable {
  seq: Generated<number>
  deployment: string
  device: string
  at: number
  status: DeviceStatus | null
  substate: string | null
  message: string | null
}

export interface DeploymentLogTable {
  deployment: string
  device: string
  at: number
  /** `{at, level, message}[]` in JSON. */
  messages: string
}

/** Devices that confirm every deployment in advance. */
export interface AutoConfirmationTable {
  device: string
  initiator: string | null
  remark: string | null
  at: number
}

declare module '../../platform/db/tables.ts' {
  interface Tables {
    deployment: DeploymentTable
    deployment_device: DeploymentDeviceTable
    deployment_tally: DeploymentTallyTable
    deployment_event: DeploymentEventTable
    deployment_log: DeploymentLogTable
    auto_confirmation: AutoConfirmationTable
  }
}

export const deploymentMigrations: readonly Migration[] = [
  {
    id: 'deployments.1',
    statements: ({ int, bytes, serial, clustered }) => [
      `create table deployment (id text primary key, organisation text not null, sequence ${int} not null, name text not null,
        kind text not null, release text not null, release_version text not null, product text not null,
        target text not null, target_group text, policy text not null, state text not null, reason text,
        phases text not null, phase ${int} not null, force ${int} not null, install_released_at ${int}, population ${bytes},
        devices ${int} not null, created_at ${int} not null, created_by text not null, started_at ${int}, ended_at ${int},
        rollback_of text, revision ${int} not null)`,
      'create unique index deployment_sequence on deployment (organisation, sequence)',
      `create index deployment_open on deployment (id) where state in ('scheduled', 'running', 'paused')`,
      'create index deployment_release on deployment (release)',
      `create table deployment_device (deployment text not null, device text not null, organisation text not null,
        number ${int} not null, sequence ${int} not null, kind text not null, phase ${int} not null, status text not null,
        substate text, progress_done ${int}, progress_of ${int}, attempt ${int} not null, artifact text,
        previous_release text, confirmation text not null, passed text not null, since ${int} not null,
        updated_at ${int} not null, events ${int} not null, has_log ${int} not null,
        primary key (deployment, device)) ${clustered}`,
      'create index deployment_device_history on deployment_device (device, sequence)',
      'create index deployment_device_latest on deployment_device (deployment, updated_at)',
      `create table deployment_tally (deployment text not null, phase ${int} not null, shard ${int} not null,
        figure text not null, devices ${int} not null, primary key (deployment, phase, shard, figure)) ${clustered}`,
      `create table deployment_event (seq ${serial}, deployment text not null, device text not null, at ${int} not null,
        status text, substate text, message text)`,
      'create index deployment_event_device on deployment_event (deployment, device, seq)',
      `create table deployment_log (deployment text not null, device text not null, at ${int} not null,
        messages text not null, primary key (deployment, device))`,
      `create table auto_confirmation (device text primary key, initiator text, remark text, at ${int} not null)`,
    ],
  },
]
