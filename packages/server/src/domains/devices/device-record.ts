import { type Instant, newId } from '@holdfast/kernel'
import type { Selectable } from 'kysely'
import type { DeviceState, GatewayName, Identity, Provides } from './device.ts'
import { canonicalIdentity, identityHash } from './identity.ts'
import type { DeviceTable } from './schema.ts'
import { deviceStates } from './state.ts'

/** A device as it is stored; the inventory stays packed until somebody asks. */
export interface DeviceRecord {
  readonly number: number
  readonly id: string
  readonly organisation: string
  readonly name: string
  readonly product: string | undefined
  readonly state: DeviceState
  readonly gateway: GatewayName | undefined
  readonly identity: Identity
  readonly tags: readonly string[]
  readonly timeZone: string | undefined
  readonly software: string | undefined
  /** Beyond `artifact_name`. */
  readonly provides: Provides
  /** `encodeInventory`. */
  readonly inventory: string | null
  readonly revision: number
  readonly tokenEpoch: number
  readonly registeredAt: Instant
}

export type DeviceDraft = Omit<DeviceRecord, 'number'>

/** A device as it first becomes known. */
export function newDevice(
  given: Pick<DeviceDraft, 'organisation' | 'identity' | 'state' | 'gateway'> &
    Partial<Pick<DeviceDraft, 'name' | 'product' | 'tags'>>,
  now: Instant,
): DeviceDraft {
  return {
    id: newId(now),
    name: '',
    product: undefined,
    tags: [],
    timeZone: undefined,
    software: undefined,
    provides: {},
    inventory: null,
    revision: 0,
    tokenEpoch: 0,
    registeredAt: now,
    ...given,
  }
}

export function toRow(device: DeviceDraft) {
  return {
    id: device.id,
    organisation: device.organisation,
    identity: canonicalIdentity(device.identity),
    identity_hash: identityHash(device.organisation, device.identity),
    registered_at: device.registeredAt,
    ...toChangeableRow(device),
  }
}

/** The columns that change after the registration. */
export function toChangeableRow(device: DeviceDraft) {
  return {
    name: device.name,
    product: device.product ?? null,
    state: deviceStates.indexOf(device.state),
    gateway: device.gateway ?? null,
    tags: device.tags.length === 0 ? null : JSON.stringify(device.tags),
    time_zone: device.timeZone ?? null,
    software: device.software ?? null,
    provides: Object.keys(device.provides).length === 0 ? null : JSON.stringify(device.provides),
    inventory: device.inventory,
    revision: device.revision,
    token_epoch: device.tokenEpoch,
  }
}

export function fromRow(row: Selectable<DeviceTable>): DeviceRecord {
  return {
    number: row.number,
    id: row.id,
    organisation: row.organisation,
    name: row.name,
    product: row.product ?? undefined,
    state: deviceStates[row.state] ?? 'retired',
    gateway: (row.gateway ?? undefined) as GatewayName | undefined,
    identity: JSON.parse(row.identity) as Identity,
    tags: row.tags === null ? [] : (JSON.parse(row.tags) as string[]),
    timeZone: row.time_zone ?? undefined,
    software: row.software ?? undefined,
    provides: row.provides === null ? {} : (JSON.parse(row.provides) as Provides),
    inventory: row.inventory,
    revision: row.revision,
    tokenEpoch: row.token_epoch,
    registeredAt: row.registered_at,
  }
}
