import { sql } from 'kysely'
import { compileOnce, type Reader, type Tx } from '../../../platform/db/index.ts'
import type { RangeArguments } from './packed-postings.ts'

export interface PostingKey {
  readonly attribute: number
  readonly value: Uint8Array
  readonly block: number
}

interface AttributeKey {
  readonly organisation: string
  readonly scope: string
  readonly name: string
}

const selectAttribute = compileOnce((db, { organisation, scope, name }: AttributeKey) =>
  db
    .selectFrom('attribute')
    .select('id')
    .where('organisation', '=', organisation)
    .where('scope', '=', scope)
    .where('name', '=', name),
)

export async function findAttribute(db: Reader, key: AttributeKey): Promise<number | undefined> {
  return (await selectAttribute(db, key))[0]?.id
}

const selectAttributeCount = compileOnce((db, { organisation }: { organisation: string }) =>
  db
    .selectFrom('attribute')
    .select(({ fn }) => fn.countAll().as('count'))
    .where('organisation', '=', organisation),
)

export async function countAttributes(db: Reader, organisation: string): Promise<number> {
  return Number((await selectAttributeCount(db, { organisation }))[0]?.count ?? 0)
}

export async function insertAttribute(tx: Tx, key: AttributeKey): Promise<number> {
  const row = await tx.insertInto('attribute').values(key).returning('id').executeTakeFirstOrThrow()
  return row.id
}

const selectValues = compileOnce((db, { attribute, from, to, limit }: RangeArguments) =>
  db
    .selectFrom('posting')
    .select('value')
    .where('attribute', '=', attribute)
    .where('value', '>=', from)
    .where('value', '<', to)
    .groupBy('value')
    .orderBy('value')
    .limit(limit),
)

/** The distinct values of an attribute, in order. */
export async function listValues(db: Reader, range: RangeArguments): Promise<Uint8Array[]> {
  return (await selectValues(db, range)).map((row) => row.value)
}

// A list cannot be compiled once, but a fixed number of single values can; the last list is filled by repetition.
const listed = 50

const selectContainers = compileOnce((db, keys: Record<string, number | Uint8Array>) =>
  db
    .selectFrom('posting')
    .select(['value', 'members'])
    .where('attribute', '=', keys.attribute as number)
    .where('block', '=', keys.block as number)
    .where(
      'value',
      'in',
      Array.from({ length: listed }, (_, index) => keys[`v${index}`] as Uint8Array),
    ),
)

/** The containers of several values of one attribute in one block, in no particular order. */
export async function listContainers(
  db: Reader,
  attribute: number,
  block: number,
  values: readonly Uint8Array[],
): Promise<{ value: Uint8Array; members: Uint8Array }[]> {
  const found = []
  for (let start = 0; start < values.length; start += listed) {
    const part = Array.from(
      { length: listed },
      (_, index) => [`v${index}`, values[start + index] ?? values[start]] as const,
    )
    const rows = await selectContainers(db, { attribute, block, ...Object.fromEntries(part) } as Record<string, number>)
    found.push(...rows)
  }
  return found
}

const upsertOne = upsertPostings(1)
const upsertMany = upsertPostings(listed)

function upsertPostings(rows: number) {
  return compileOnce((db, cells: Record<string, number | Uint8Array>) =>
    db
      .insertInto('posting')
      .values(
        Array.from({ length: rows }, (_, index) => ({
          attribute: cells[`a${index}`] as number,
          value: cells[`v${index}`] as Uint8Array,
          block: cells[`b${index}`] as number,
          members: cells[`m${index}`] as Uint8Array,
        })),
      )
      .onConflict((conflict) =>
        conflict
          .columns(['attribute', 'value', 'block'])
          .doUpdateSet({ members: ({ ref }) => ref('excluded.members') }),
      ),
  )
}

/** Inserts or replaces postings, whose keys must differ. */
export async function putPostings(
  tx: Tx,
  postings: readonly (PostingKey & { readonly members: Uint8Array })[],
): Promise<void> {
  for (let start = 0; start < postings.length; ) {
    const rows = postings.length - start >= listed ? listed : 1
    const cells: Record<string, number | Uint8Array> = {}
    for (const [index, row] of postings.slice(start, start + rows).entries()) {
      cells[`a${index}`] = row.attribute
      cells[`v${index}`] = row.value
      cells[`b${index}`] = row.block
      cells[`m${index}`] = row.members
    }
    await (rows === 1 ? upsertOne(tx, cells) : upsertMany(tx, cells))
    start += rows
  }
}

const deletePosting = compileOnce((db, { attribute, value, block }: PostingKey) =>
  db.deleteFrom('posting').where('attribute', '=', attribute).where('value', '=', value).where('block', '=', block),
)

export async function removePosting(tx: Tx, key: PostingKey): Promise<void> {
  await deletePosting(tx, key)
}

export interface PendingChange {
  readonly seq: number
  readonly number: number
  readonly changes: Uint8Array
}

const insertChange = compileOnce((db, { number, changes }: { number: number; changes: Uint8Array }) =>
  db.insertInto('posting_change').values({ number, changes }),
)

export async function appendChange(tx: Tx, number: number, changes: Uint8Array): Promise<void> {
  await insertChange(tx, { number, changes })
}

/** Numbers of changes begin behind it: at 0 stands no change, but that the postings are being rebuilt. */
const rebuilding = 0

const selectChanges = compileOnce((db, { limit }: { limit: number }) =>
  db
    .selectFrom('posting_change')
    .select(['seq', 'number', 'changes'])
    .where('seq', '>', sql.lit(rebuilding))
    .orderBy('seq')
    .limit(limit),
)

export function listChanges(db: Reader, limit: number): Promise<PendingChange[]> {
  return selectChanges(db, { limit })
}

const deleteChanges = compileOnce((db, { last }: { last: number }) =>
  db.deleteFrom('posting_change').where('seq', '>', sql.lit(rebuilding)).where('seq', '<=', last),
)

/**
 * Forgets the changes up to `last`. PostgreSQL may commit a smaller `seq` later, but this transaction does not see
 * that row and so does not delete it.
 */
export async function removeChanges(tx: Tx, last: number): Promise<void> {
  await deleteChanges(tx, { last })
}

// Two look-ups: asked for both at once, SQLite would go through the whole table.
const selectFirst = compileOnce((db, _: Record<string, never>) =>
  db.selectFrom('posting_change').select(({ fn }) => fn.min('seq').as('seq')),
)
const selectLast = compileOnce((db, _: Record<string, never>) =>
  db.selectFrom('posting_change').select(({ fn }) => fn.max('seq').as('seq')),
)

/** First and last pending `seq`; undefined when the postings are up to date. */
export async function findPendingSpan(
  db: Reader,
): Promise<{ first: number; last: number; rebuilding: boolean } | undefined> {
  const seq = (await selectFirst(db, {}))[0]?.seq ?? null
  if (seq === null) return undefined
  const first = Number(seq)
  return { first, last: Number((await selectLast(db, {}))[0]?.seq ?? first), rebuilding: first === rebuilding }
}

export async function markRebuilding(tx: Tx): Promise<void> {
  await tx
    .insertInto('posting_change')
    .values({ seq: rebuilding, number: 0, changes: new Uint8Array(0) })
    .onConflict((conflict) => conflict.column('seq').doNothing())
    .execute()
}

export async function unmarkRebuilding(tx: Tx): Promise<void> {
  await tx.deleteFrom('posting_change').where('seq', '=', rebuilding).execute()
}

/** Removes up to `limit` postings; returns how many. */
export async function clearPostings(tx: Tx, limit: number): Promise<number> {
  const some = sql`select attribute, value, block from posting order by attribute, value, block limit ${limit}`
  const cleared = await sql`delete from posting where (attribute, value, block) in (${some})`.execute(tx)
  return Number(cleared.numAffectedRows ?? 0)
}

export async function findLargestNumber(db: Reader): Promise<number> {
  const [row] = await db
    .selectFrom('device')
    .select(({ fn }) => fn.max('number').as('number'))
    .execute()
  return row?.number ?? 0
}

interface IdArguments {
  readonly organisation: string
  readonly from: string
  readonly to: string
  readonly limit: number
}

const selectIds = compileOnce((db, { organisation, from, to, limit }: IdArguments) =>
  db
    .selectFrom('device')
    .select(['number', 'id'])
    .where('id', '>=', from)
    .where('id', '<=', to)
    .where('organisation', '=', organisation)
    .limit(limit),
)

/** Devices whose id lies between two texts, both included. */
export function listIds(db: Reader, range: IdArguments): Promise<{ number: number; id: string }[]> {
  return selectIds(db, range)
}

const selectNames = compileOnce((db, numbers: Record<string, number>) =>
  db
    .selectFrom('device')
    .select(['number', 'name'])
    .where(
      'number',
      'in',
      Array.from({ length: listed }, (_, index) => numbers[`n${index}`] as number),
    ),
)

export async function findNames(db: Reader, numbers: readonly number[]): Promise<Map<number, string>> {
  const names = new Map<number, string>()
  for (let start = 0; start < numbers.length; start += listed) {
    const part = Array.from({ length: listed }, (_, index) => [`n${index}`, numbers[start + index] ?? numbers[start]])
    for (const row of await selectNames(db, Object.fromEntries(part))) names.set(row.number, row.name)
  }
  return names
}
