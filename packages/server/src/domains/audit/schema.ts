import type { Generated } from 'kysely'
import type { Migration } from '../../platform/db/index.ts'

/** `position` and `leaf` stay null until the sequencer makes the record a leaf of its organisation's log. */
export interface AuditRecordTable {
  seq: Generated<number>
  id: string
  organisation: string
  at: number
  type: string
  actor: string
  subject: string
  /** The canonical JSON that is hashed into the log. */
  body: string
  /** Order over all organisations in this installation, gapless: what consumers of events follow. */
  position: number | null
  /** Index of the leaf in the organisation's log. */
  leaf: number | null
}

/** The head of an organisation's log. */
export interface AuditLogTable {
  organisation: string
  size: number
  /** A signed note (C2SP tlog-checkpoint). */
  checkpoint: string
  signed_at: number
}

/** The widest form of each tile of hashes so far; narrower forms are its prefixes. */
export interface AuditTileTable {
  organisation: string
  level: number
  idx: number
  hashes: Uint8Array
}

/** How far each durable follower of the log has come. */
export interface AuditCursorTable {
  follower: string
  position: number
}

declare module '../../platform/db/tables.ts' {
  interface Tables {
    audit_record: AuditRecordTable
    audit_log: AuditLogTable
    audit_tile: AuditTileTable
    audit_cursor: AuditCursorTable
  }
}

export const auditMigrations: readonly Migration[] = [
  {
    id: 'audit.1',
    statements: ({ int, serial, bytes, clustered }) => [
      `create table audit_record (seq ${serial}, id text not null unique, organisation text not null, at ${int} not null, type text not null,
        actor text not null, subject text not null, body text not null, position ${int} unique, leaf ${int})`,
      'create unique index audit_record_leaf on audit_record (organisation, leaf)',
      'create index audit_record_waiting on audit_record (seq) where position is null',
      'create index audit_record_newest on audit_record (organisation, seq)',
      'create index audit_record_subject on audit_record (organisation, subject, seq)',
      'create index audit_record_type on audit_record (organisation, type, seq)',
      `create table audit_log (organisation text primary key, size ${int} not null, checkpoint text not null, signed_at ${int} not null)`,
      `create table audit_tile (organisation text not null, level ${int} not null, idx ${int} not null, hashes ${bytes} not null,
        primary key (organisation, level, idx)) ${clustered}`,
      `create table audit_cursor (follower text primary key, position ${int} not null)`,
    ],
  },
]
