import type { Migration } from '../../platform/db/index.ts'
import type { ArtifactFormat } from './inspect.ts'
import type { StoredState } from './release.ts'

export interface ReleaseTable {
  id: string
  organisation: string
  product: string
  version: string
  state: StoredState
  notes: string
  tags: string
  created_at: number
  released_at: number | null
  withdrawn_at: number | null
  withdrawn_reason: string | null
}

export interface ArtifactTable {
  id: string
  organisation: string
  release: string
  format: ArtifactFormat
  file_name: string
  name: string
  size: number
  sha256: string
  sha1: string | null
  md5: string | null
  payload_type: string
  /** JSON: device types, provides, depends, clears, files, scripts. */
  description: string
  /** JSON of a configuration artifact's settings. */
  settings: string | null
  /** The bytes that signatures cover. */
  signed: Uint8Array
  uploaded_at: number
}

export interface ArtifactSignatureTable {
  artifact: string
  ordinal: number
  signature: Uint8Array
}

declare module '../../platform/db/tables.ts' {
  interface Tables {
    release: ReleaseTable
    artifact: ArtifactTable
    artifact_signature: ArtifactSignatureTable
  }
}

export const artifactMigrations: readonly Migration[] = [
  {
    id: 'artifacts.1',
    statements: ({ int, bytes }) => [
      `create table release (id text primary key, organisation text not null, product text not null, version text not null,
        state text not null, notes text not null, tags text not null, created_at ${int} not null, released_at ${int},
        withdrawn_at ${int}, withdrawn_reason text, unique (organisation, product, version))`,
      'create index release_newest on release (organisation, id)',
      `create table artifact (id text primary key, organisation text not null, release text not null references release (id),
        format text not null, file_name text not null, name text not null, size ${int} not null, sha256 text not null,
        sha1 text, md5 text, payload_type text not null, description text not null, settings text, signed ${bytes} not null,
        uploaded_at ${int} not null, unique (release, file_name))`,
      'create index artifact_blob on artifact (sha256)',
      `create table artifact_signature (artifact text not null references artifact (id) on delete cascade,
        ordinal ${int} not null, signature ${bytes} not null, primary key (artifact, ordinal))`,
    ],
  },
]
