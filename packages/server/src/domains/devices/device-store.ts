import { sql } from 'kysely'
import { compileOnce, type Reader, type Tx } from '../../platform/db/index.ts'
import type { DeviceState } from './device.ts'
import { type DeviceDraft, type DeviceRecord, fromRow, toChangeableRow, toRow } from './device-record.ts'
import { deviceStates } from './state.ts'

export async function insertDevice(tx: Tx, draft: DeviceDraft): Promise<DeviceRecord> {
  const { number } = await tx.insertInto('device').values(toRow(draft)).returning('number').executeTakeFirstOrThrow()
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

/** Changes the number of an organisation's devices in a state. */
export async function adjustTally(tx: Tx, organisation: string, state: DeviceState, more: number): Promise<void> {
  await tx
    .insertInto('device_tally')
    .values({ organisation, state: deviceStates.indexOf(state), devices: more })
    .onConflict((conflict) =>
      conflict.columns(['organisation', 'state']).doUpdateSet({ devices: sql<number>`device_tally.devices + ${more}` }),
    )
    .execute()
}

export async function tallyOf(db: Reader, organisation: string): Promise<ReadonlyMap<DeviceState, number>> {
  const rows = await db.selectFrom('device_tally').selectAll().where('organisation', '=', organisation).execute()
  const tally = new Map<DeviceState, number>()
  for (const row of rows) {
    const state = deviceStates[row.state]
    if (state !== undefined) tally.set(state, row.devices)
  }
  return tally
}
