import type { Generated } from 'kysely'
import type { Migration } from '../../platform/db/index.ts'

export interface DeviceConfigurationTable {
  device: string
  organisation: string
  /** The deployment that brought what is desired. */
  deployment: string | null
  desired: string
  desired_at: number | null
  reported: string
  reported_at: number | null
}

export interface ConfigurationHistoryTable {
  seq: Generated<number>
  device: string
  at: number
  kind: 'desired' | 'reported'
  settings: string
}

declare module '../../platform/db/tables.ts' {
  interface Tables {
    device_configuration: DeviceConfigurationTable
    configuration_history: ConfigurationHistoryTable
  }
}

export const configurationMigrations: readonly Migration[] = [
  {
    id: 'configuration.1',
    statements: ({ int, serial }) => [
      `create table device_configuration (device text primary key, organisation text not null, deployment text, desired text not null,
        desired_at ${int}, reported text not null, reported_at ${int})`,
      `create table configuration_history (seq ${serial}, device text not null, at ${int} not null, kind text not null,
        settings text not null)`,
      'create index configuration_history_device on configuration_history (device, seq)',
    ],
  },
]
