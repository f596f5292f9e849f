import type { Selectable } from 'kysely'
import { compileOnce, type Reader, type Tx } from '../../platform/db/index.ts'
import type { AuditLogTable, AuditRecordTable } from './schema.ts'

export type RecordRow = Selectable<AuditRecordTable>
export type LogRow = Selectable<AuditLogTable>

const selectWaiting = compileOnce((db, { limit }: { limit: number }) =>
  db
    .selectFrom('audit_record')
    .select(['seq', 'organisation', 'body'])
    .where('position', 'is', null)
    .orderBy('seq')
    .limit(limit),
)

/** Records that have no place in a log yet, oldest first. */
export function waitingRecords(
  db: Reader,
  limit: number,
): Promise<{ seq: number; organisation: string; body: string }[]> {
  return selectWaiting(db, { limit })
}

const selectLastPosition = compileOnce((db) =>
  db.selectFrom('audit_record').select((value) => value.fn.max('position').as('last')),
)

/** The position given last; -1 in a new installation. */
export async function lastPosition(db: Reader): Promise<number> {
  const [row] = await selectLastPosition(db, {})
  return row?.last ?? -1
}

const updatePlace = compileOnce((db, place: { seq: number; position: number; leaf: number }) =>
  db.updateTable('audit_record').set({ position: place.position, leaf: place.leaf }).where('seq', '=', place.seq),
)

export async function setPlace(tx: Tx, place: { seq: number; position: number; leaf: number }): Promise<void> {
  await updatePlace(tx, place)
}

const selectAfter = compileOnce((db, { position, limit }: { position: number; limit: number }) =>
  db.selectFrom('audit_record').selectAll().where('position', '>', position).orderBy('position').limit(limit),
)

export function recordsAfter(db: Reader, position: number, limit: number): Promise<RecordRow[]> {
  return selectAfter(db, { position, limit })
}

const selectOldestWaiting = compileOnce((db, _: Record<string, never>) =>
  db.selectFrom('audit_record').select('at').where('position', 'is', null).orderBy('seq').limit(1),
)

/** When the oldest record was written that has no place in the order yet; undefined when every one has. */
export async function oldestWaiting(db: Reader): Promise<number | undefined> {
  return (await selectOldestWaiting(db, {}))[0]?.at
}

const selectLog = compileOnce((db, { organisation }: { organisation: string }) =>
  db.selectFrom('audit_log').selectAll().where('organisation', '=', organisation),
)

export async function findLog(db: Reader, organisation: string): Promise<LogRow | undefined> {
  return (await selectLog(db, { organisation }))[0]
}

export async function putLog(tx: Tx, { organisation, ...head }: LogRow): Promise<void> {
  await tx
    .insertInto('audit_log')
    .values({ organisation, ...head })
    .onConflict((conflict) => conflict.column('organisation').doUpdateSet(head))
    .execute()
}

const selectTile = compileOnce((db, key: { organisation: string; level: number; index: number }) =>
  db
    .selectFrom('audit_tile')
    .select('hashes')
    .where('organisation', '=', key.organisation)
    .where('level', '=', key.level)
    .where('idx', '=', key.index),
)

export async function findTile(
  db: Reader,
  organisation: string,
  level: number,
  index: number,
): Promise<Uint8Array | undefined> {
  return (await selectTile(db, { organisation, level, index }))[0]?.hashes
}

export async function putTile(
  tx: Tx,
  organisation: string,
  level: number,
  index: number,
  hashes: Uint8Array,
): Promise<void> {
  await tx
    .insertInto('audit_tile')
    .values({ organisation, level, idx: index, hashes })
    .onConflict((conflict) => conflict.columns(['organisation', 'level', 'idx']).doUpdateSet({ hashes }))
    .execute()
}

const selectLeaves = compileOnce((db, range: { organisation: string; from: number; to: number }) =>
  db
    .selectFrom('audit_record')
    .select(['leaf', 'body'])
    .where('organisation', '=', range.organisation)
    .where('leaf', '>=', range.from)
    .where('leaf', '<', range.to)
    .orderBy('leaf'),
)

/** The bodies of the leaves [from, to) of a log, in order. */
export async function leafBodies(db: Reader, organisation: string, from: number, to: number): Promise<string[]> {
  return (await selectLeaves(db, { organisation, from, to })).map((row) => row.body)
}

export async function findRecord(db: Reader, organisation: string, id: string): Promise<RecordRow | undefined> {
  return db
    .selectFrom('audit_record')
    .selectAll()
    .where('organisation', '=', organisation)
    .where('id', '=', id)
    .executeTakeFirst()
}

export interface RecordQuery {
  readonly organisation: string
  /** A type, or a prefix that ends in a dot. */
  readonly type?: string | undefined
  readonly subject?: string | undefined
  readonly actor?: string | undefined
  readonly from?: number | undefined
  readonly to?: number | undefined
  /** Records written before this one. */
  readonly before?: number | undefined
  readonly limit: number
}

export async function listRecords(db: Reader, query: RecordQuery): Promise<RecordRow[]> {
  let select = db.selectFrom('audit_record').selectAll().where('organisation', '=', query.organisation)
  if (query.type?.endsWith('.'))
    select = select.where('type', '>=', query.type).where('type', '<', `${query.type}\u{ffff}`)
  else if (query.type !== undefined) select = select.where('type', '=', query.type)
  if (query.subject !== undefined) select = select.where('subject', '=', query.subject)
  if (query.actor !== undefined) select = select.where('actor', '=', query.actor)
  if (query.from !== undefined) select = select.where('at', '>=', query.from)
  if (query.to !== undefined) select = select.where('at', '<', query.to)
  if (query.before !== undefined) select = select.where('seq', '<', query.before)
  return select.orderBy('seq', 'desc').limit(query.limit).execute()
}

/** The position that a follower has handled last; -1 before the first. */
export async function findCursor(db: Reader, follower: string): Promise<number> {
  const row = await db.selectFrom('audit_cursor').select('position').where('follower', '=', follower).executeTakeFirst()
  return row?.position ?? -1
}

export async function putCursor(tx: Tx, follower: string, position: number): Promise<void> {
  await tx
    .insertInto('audit_cursor')
    .values({ follower, position })
    .onConflict((conflict) => conflict.column('follower').doUpdateSet({ position }))
    .execute()
}
