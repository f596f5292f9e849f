import { sql } from 'kysely'
import { compileOnce, type Reader, type Tx } from '../../platform/db/index.ts'
import type { DeviceState } from './device.ts'
import { type DeviceDraft, type DeviceRecord, fromRow, toChangeableRow, toRow } from './device-record.ts'
import { deviceStates } from './state.ts'

type Row = ReturnType<typeof toRow>

const insertRow = compileOnce((db, row: Row) =>
  db
    .insertInto('device')
    .values({
      id: row.id,
      organisation: row.organisation,
      identity: row.identity,
      identity_hash: row.identity_hash,
      registered_at: row.registered_at,
      name: row.name,
      product: row.product,
      state: row.state,
      gateway: row.gateway,
      tags: row.tags,
      time_zone: row.time_zone,
      software: row.software,
      provides: row.provides,
      inventory: row.inventory,
      revision: row.revision,
      token_epoch: row.token_epoch,
    })
    .returning('number'),
)

export async function insertDevice(tx: Tx, draft: DeviceDraft): Promise<DeviceRecord> {
  const [{ number }] = (await insertRow(tx, toRow(draft))) as [{ number: number }]
  return { ...draft, number }
}

type ChangeableRow = ReturnType<typeof toChangeableRow>

const updateRow = compileOnce((db, row: ChangeableRow & { number: number }) =>
  db
    .updateTable('device')
    .set({
      name: row.name,
      product: row.product,
      state: row.state,
      gateway: row.gateway,
      tags: row.tags,
      time_zone: row.time_zone,
      software: row.software,
      provides: row.provides,
      inventory: row.inventory,
      revision: row.revision,
      token_epoch: row.token_epoch,
    })
    .where('number', '=', row.number),
)

export async function updateDevice(tx: Tx, device: DeviceRecord): Promise<void> {
  await updateRow(tx, { ...toChangeableRow(device), number: device.number })
}

const selectByNumber = compileOnce((db, { number }: { number: number }) =>
  db.selectFrom('device').selectAll().where('number', '=', number),
)

export async function findByNumber(db: Reader, number: number): Promise<DeviceRecord | undefined> {
  const [row] = await selectByNumber(db, { number })
  return row === undefined ? undefined : fromRow(row)
}

const selectById = compileOnce((db, { id }: { id: string }) => db.selectFrom('device').selectAll().where('id', '=', id))

/** Undefined for a device of another organisation too. */
export async function findById(db: Reader, organisation: string, id: string): Promise<DeviceRecord | undefined> {
  const [row] = await selectById(db, { id })
  return row === undefined || row.organisation !== organisation ? undefined : fromRow(row)
}

const selectByIdentity = compileOnce((db, { hash }: { hash: Uint8Array }) =>
  db.selectFrom('device').selectAll().where('identity_hash', '=', hash),
)

export async function findByIdentity(db: Reader, hash: Uint8Array): Promise<DeviceRecord | undefined> {
  const [row] = await selectByIdentity(db, { hash })
  return row === undefined ? undefined : fromRow(row)
}

export async function listByNumbers(db: Reader, numbers: readonly number[]): Promise<Map<number, DeviceRecord>> {
  const found = new Map<number, DeviceRecord>()
  if (numbers.length === 0) return found
  const rows = await db.selectFrom('device').selectAll().where('number', 'in', numbers).execute()
  for (const row of rows) found.set(row.number, fromRow(row))
  return found
}

const selectBetween = compileOnce((db, { from, to, limit }: { from: number; to: number; limit: number }) =>
  db
    .selectFrom('device')
    .selectAll()
    .where('number', '>=', from)
    .where('number', '<', to)
    .orderBy('number')
    .limit(limit),
)

/** At most `limit` devices of any organisation with numbers in [from, to), ascending. */
export async function listBetween(db: Reader, from: number, to: number, limit: number): Promise<DeviceRecord[]> {
  return (await selectBetween(db, { from, to, limit })).map(fromRow)
}

/** The revisions of all devices with numbers in [from, to). */
export async function listRevisions(db: Reader, from: number, to: number): Promise<Map<number, number>> {
  const rows = await db
    .selectFrom('device')
    .select(['number', 'revision'])
    .where('number', '>=', from)
    .where('number', '<', to)
    .execute()
  return new Map(rows.map(({ number, revision }) => [number, revision]))
}

/** Keeps others from changing the device until the transaction ends, on either engine. */
export async function lockDevice(tx: Tx, number: number): Promise<void> {
  await tx
    .updateTable('device')
    .set(({ ref }) => ({ revision: ref('revision') }))
    .where('number', '=', number)
    .execute()
}

/** The numbers of those of an organisation's devices that exist, by id. */
export async function listNumbers(
  db: Reader,
  organisation: string,
  ids: readonly string[],
): Promise<Map<string, number>> {
  const found = new Map<string, number>()
  for (let start = 0; start < ids.length; start += 500) {
    const rows = await db
      .selectFrom('device')
      .select(['id', 'number'])
      .where('id', 'in', ids.slice(start, start + 500))
      .where('organisation', '=', organisation)
      .execute()
    for (const row of rows) found.set(row.id, row.number)
  }
  return found
}

const addToTally = compileOnce((db, row: { organisation: string; state: number; more: number }) =>
  db
    .insertInto('device_tally')
    .values({ organisation: row.organisation, state: row.state, devices: row.more })
    .onConflict((conflict) =>
      conflict
        .columns(['organisation', 'state'])
        .doUpdateSet({ devices: sql<number>`device_tally.devices + ${row.more}` }),
    ),
)

/** Changes the number of an organisation's devices in a state. */
export async function adjustTally(tx: Tx, organisation: string, state: DeviceState, more: number): Promise<void> {
  await addToTally(tx, { organisation, state: deviceStates.indexOf(state), more })
}

const selectTally = compileOnce((db, { organisation }: { organisation: string }) =>
  db.selectFrom('device_tally').selectAll().where('organisation', '=', organisation),
)

export async function tallyOf(db: Reader, organisation: string): Promise<ReadonlyMap<DeviceState, number>> {
  const tally = new Map<DeviceState, number>()
  for (const row of await selectTally(db, { organisation })) {
    const state = deviceStates[row.state]
    if (state !== undefined) tally.set(state, row.devices)
  }
  return tally
}
