import type { Instant } from '@holdfast/kernel'
import type { Insertable, Selectable } from 'kysely'
import { compileOnce, type Reader, type Tx } from '../../platform/db/index.ts'
import type { KeyOrigin, KeyState } from './device.ts'
import type { DeviceKeyTable } from './schema.ts'
import { keyOrigins, keyStates } from './state.ts'

export interface DeviceKey {
  readonly id: string
  readonly device: number
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array
  readonly state: KeyState
  readonly origin: KeyOrigin
  readonly addedAt: Instant
  readonly decidedAt: Instant | undefined
}

const selectKeys = compileOnce((db, { device }: { device: number }) =>
  db.selectFrom('device_key').selectAll().where('device', '=', device).orderBy('id'),
)

/** Oldest first. */
export async function listKeys(db: Reader, device: number): Promise<DeviceKey[]> {
  return (await selectKeys(db, { device })).map(fromRow)
}

const insertRow = compileOnce((db, row: Insertable<DeviceKeyTable>) =>
  db.insertInto('device_key').values({
    device: row.device,
    id: row.id,
    spki: row.spki,
    state: row.state,
    origin: row.origin,
    added_at: row.added_at,
    decided_at: row.decided_at,
  }),
)

export async function insertKey(tx: Tx, key: DeviceKey): Promise<void> {
  await insertRow(tx, {
    device: key.device,
    id: key.id,
    spki: key.spki,
    state: keyStates.indexOf(key.state),
    origin: keyOrigins.indexOf(key.origin),
    added_at: key.addedAt,
    decided_at: key.decidedAt ?? null,
  })
}

export async function updateKeyState(tx: Tx, device: number, id: string, state: KeyState, at: Instant): Promise<void> {
  await tx
    .updateTable('device_key')
    .set({ state: keyStates.indexOf(state), decided_at: at })
    .where('device', '=', device)
    .where('id', '=', id)
    .execute()
}

function fromRow(row: Selectable<DeviceKeyTable>): DeviceKey {
  return {
    id: row.id,
    device: row.device,
    spki: row.spki,
    state: keyStates[row.state] ?? 'retired',
    origin: keyOrigins[row.origin] ?? 'request',
    addedAt: row.added_at,
    decidedAt: row.decided_at ?? undefined,
  }
}

export interface TokenHolder {
  readonly id: string
  readonly organisation: string
  readonly state: number
  readonly token_epoch: number
  readonly key_state: number
}

/** What decides whether a token still counts, in one look-up. */
export const selectHolder = compileOnce((db, { number, key }: { number: number; key: string }) =>
  db
    .selectFrom('device')
    .innerJoin('device_key', 'device_key.device', 'device.number')
    .select(['device.id', 'device.organisation', 'device.state', 'device.token_epoch', 'device_key.state as key_state'])
    .where('device.number', '=', number)
    .where('device_key.id', '=', key),
)

export async function findCredential(
  db: Reader,
  device: number,
): Promise<{ id: string; hash: Uint8Array; madeAt: Instant } | undefined> {
  const row = await db.selectFrom('device_credential').selectAll().where('device', '=', device).executeTakeFirst()
  return row === undefined ? undefined : { id: row.id, hash: row.hash, madeAt: row.made_at }
}

/** A device has one target token; a new one replaces it. */
export async function putCredential(tx: Tx, device: number, id: string, hash: Uint8Array, at: Instant): Promise<void> {
  await tx
    .insertInto('device_credential')
    .values({ device, id, hash, made_at: at })
    .onConflict((conflict) => conflict.column('device').doUpdateSet({ id, hash, made_at: at }))
    .execute()
}

export async function findGatewayToken(
  db: Reader,
  organisation: string,
): Promise<{ id: string; hash: Uint8Array } | undefined> {
  return db
    .selectFrom('gateway_token')
    .select(['id', 'hash'])
    .where('organisation', '=', organisation)
    .executeTakeFirst()
}

export async function putGatewayToken(tx: Tx, organisation: string, id: string, hash: Uint8Array, at: Instant) {
  await tx
    .insertInto('gateway_token')
    .values({ organisation, id, hash, made_at: at })
    .onConflict((conflict) => conflict.column('organisation').doUpdateSet({ id, hash, made_at: at }))
    .execute()
}
