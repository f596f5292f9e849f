import type { Generated } from 'kysely'
import type { Migration } from '../../platform/db/index.ts'
import { searchTables } from './search/schema.ts'

/**
 * One device, in few bytes: a fleet has millions of them. What the server looks for beyond `number`, `id` and identity is
 * found by the search's postings, so there are no more indexes.
 */
export interface DeviceTable {
  /** Dense and ascending over all organisations; what bitmaps hold. Never given twice. */
  number: Generated<number>
  id: string
  organisation: string
  /** Empty: it has none. */
  name: string
  product: string | null
  /** Index in `deviceStates`. */
  state: Generated<number>
  gateway: string | null
  /** Canonical JSON. */
  identity: Generated<string>
  /** Of the organisation and the part of the identity that is unique there; a retired device keeps it as a tombstone. */
  identity_hash: Uint8Array | null
  /** JSON list. */
  tags: string | null
  time_zone: string | null
  software: string | null
  /** JSON of what it provides beyond `artifact_name`. */
  provides: string | null
  /** `encodeInventory`. */
  inventory: string | null
  revision: Generated<number>
  /** A token made under an older number is void. */
  token_epoch: Generated<number>
  registered_at: Generated<number>
}

/** Keyed by device and id, so that a device's keys lie together and need no further index. */
export interface DeviceKeyTable {
  device: number
  id: string
  /** SubjectPublicKeyInfo, DER. */
  spki: Uint8Array
  /** Index in `keyStates`. */
  state: number
  /** Index in `keyOrigins`. */
  origin: number
  added_at: number
  decided_at: number | null
}

/** The DDI target token of a device, hashed. */
export interface DeviceCredentialTable {
  device: number
  id: string
  hash: Uint8Array
  made_at: number
}

/** The DDI gateway token of an organisation, hashed. */
export interface GatewayTokenTable {
  organisation: string
  id: string
  hash: Uint8Array
  made_at: number
}

/** How many devices of an organisation are in each state: what the limit of devices is held against. */
export interface DeviceTallyTable {
  organisation: string
  state: number
  devices: number
}

export interface DeviceGroupTable {
  id: string
  organisation: string
  name: string
  description: string
  /** Null: a static group. */
  filter: string | null
  created_at: number
}

export interface GroupMemberTable {
  device: number
  group_id: string
}

export interface AcceptRuleTable {
  id: string
  organisation: string
  name: string
  /** DER of the authority that must have issued the device's certificate. */
  issuer: Uint8Array | null
  /** JSON of patterns by identity attribute. */
  identity_pattern: string | null
  product: string | null
  quota_left: number
  accepted: number
  expires_at: number
}

export interface DeviceAuthorityTable {
  id: string
  organisation: string
  name: string
  certificate: Uint8Array
  /** SHA-256 of the certificate, hex. */
  fingerprint: string
}

/** What one report changed; keyed by the revision that it led to, so the order needs no further number. */
export interface InventoryChangeTable {
  device: number
  revision: number
  at: number
  /** JSON list of `[key, before, after]`. */
  changes: string
}

/** Narrow, because it is written all the time. */
export interface PresenceTable {
  device: number
  last_seen: number
}

declare module '../../platform/db/tables.ts' {
  interface Tables {
    device: DeviceTable
    device_key: DeviceKeyTable
    device_credential: DeviceCredentialTable
    gateway_token: GatewayTokenTable
    device_tally: DeviceTallyTable
    device_group: DeviceGroupTable
    group_member: GroupMemberTable
    accept_rule: AcceptRuleTable
    device_authority: DeviceAuthorityTable
    inventory_change: InventoryChangeTable
    presence: PresenceTable
  }
}

export const deviceMigrations: readonly Migration[] = [
  {
    id: 'devices.1',
    statements: (words) => {
      const { int, bytes, serial, clustered } = words
      const sortedText = words.engine === 'postgres' ? 'text collate "C"' : 'text'
      const key = words.engine === 'postgres' ? 'bigint primary key' : 'integer primary key'
      return [
        `create table device (number ${serial}, id ${sortedText} not null unique, organisation text not null, name text not null, product text,
          state ${int} not null default 0, gateway text, identity text not null default '{}', identity_hash ${bytes} unique, tags text,
          time_zone text, software text, provides text, inventory text, revision ${int} not null default 0,
          token_epoch ${int} not null default 0, registered_at ${int} not null default 0)`,
        `create table device_key (device ${int} not null, id text not null, spki ${bytes} not null, state ${int} not null,
          origin ${int} not null, added_at ${int} not null, decided_at ${int}, primary key (device, id)) ${clustered}`,
        `create table device_credential (device ${key}, id text not null, hash ${bytes} not null, made_at ${int} not null)`,
        `create table gateway_token (organisation text primary key, id text not null, hash ${bytes} not null, made_at ${int} not null)`,
        `create table device_tally (organisation text not null, state ${int} not null, devices ${int} not null,
          primary key (organisation, state)) ${clustered}`,
        `create table device_group (id text primary key, organisation text not null, name text not null, description text not null,
          filter text, created_at ${int} not null)`,
        'create unique index device_group_name on device_group (organisation, name)',
        `create table group_member (device ${int} not null, group_id text not null references device_group (id),
          primary key (device, group_id)) ${clustered}`,
        'create index group_member_group on group_member (group_id)',
        `create table accept_rule (id text primary key, organisation text not null, name text not null, issuer ${bytes}, identity_pattern text,
          product text, quota_left ${int} not null, accepted ${int} not null, expires_at ${int} not null)`,
        'create index accept_rule_organisation on accept_rule (organisation)',
        `create table device_authority (id text primary key, organisation text not null, name text not null, certificate ${bytes} not null,
          fingerprint text not null)`,
        'create unique index device_authority_fingerprint on device_authority (organisation, fingerprint)',
        `create table inventory_change (device ${int} not null, revision ${int} not null, at ${int} not null, changes text not null,
          primary key (device, revision)) ${clustered}`,
        `create table presence (device ${key}, last_seen ${int} not null)`,
        ...searchTables(words),
      ]
    },
  },
]
