import { compileOnce, type Reader, type Tx } from '../../../platform/db/index.ts'
import type { KeyRange } from './value.ts'

export interface Posting {
  readonly value: Uint8Array
  readonly block: number
  readonly members: Uint8Array
}

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

interface RangeArguments extends KeyRange {
  readonly attribute: number
  readonly limit: number
}

const selectRange = compileOnce((db, { attribute, from, to, limit }: RangeArguments) =>
  db
    .selectFrom('posting')
    .select(['value', 'block', 'members'])
    .where('attribute', '=', attribute)
    .where('value', '>=', from)
    .where('value', '<', to)
    .orderBy('value')
    .orderBy('block')
    .limit(limit),
)

const selectRangeBackwards = compileOnce((db, { attribute, from, to, limit }: RangeArguments) =>
  db
    .selectFrom('posting')
    .select(['value', 'block', 'members'])
    .where('attribute', '=', attribute)
    .where('value', '>=', from)
    .where('value', '<', to)
    .orderBy('value', 'desc')
    .orderBy('block', 'desc')
    .limit(limit),
)

/** Postings in the order of their keys, or against it. */
export function listPostings(db: Reader, range: RangeArguments, backwards = false): Promise<Posting[]> {
  return backwards ? selectRangeBackwards(db, range) : selectRange(db, range)
}

interface TextArguments extends KeyRange {
  readonly organisation: string
  readonly limit: number
}

// One statement for all attributes: the database seeks once in each.
const selectAnywhere = compileOnce((db, { organisation, from, to, limit }: TextArguments) =>
  db
    .selectFrom('attribute')
    .innerJoin('posting', 'posting.attribute', 'attribute.id')
    .select(['posting.value', 'posting.block', 'posting.members'])
    .where('attribute.organisation', '=', organisation)
    .where('posting.value', '>=', from)
    .where('posting.value', '<', to)
    .limit(limit),
)

/** Postings of any attribute of the organisation, in no particular order. */
export function listPostingsAnywhere(db: Reader, range: TextArguments): Promise<Posting[]> {
  return selectAnywhere(db, range)
}

const selectPosting = compileOnce((db, { attribute, value, block }: PostingKey) =>
  db
    .selectFrom('posting')
    .select('members')
    .where('attribute', '=', attribute)
    .where('value', '=', value)
    .where('block', '=', block),
)

export async function findMembers(db: Reader, key: PostingKey): Promise<Uint8Array | undefined> {
  return (await selectPosting(db, key))[0]?.members
}

const upsertPosting = compileOnce((db, { attribute, value, block, members }: PostingKey & { members: Uint8Array }) =>
  db
    .insertInto('posting')
    .values({ attribute, value, block, members })
    .onConflict((conflict) => conflict.columns(['attribute', 'value', 'block']).doUpdateSet({ members })),
)

export async function putMembers(tx: Tx, key: PostingKey, members: Uint8Array): Promise<void> {
  await upsertPosting(tx, { ...key, members })
}

const deletePosting = compileOnce((db, { attribute, value, block }: PostingKey) =>
  db.deleteFrom('posting').where('attribute', '=', attribute).where('value', '=', value).where('block', '=', block),
)

export async function removeMembers(tx: Tx, key: PostingKey): Promise<void> {
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

const selectChanges = compileOnce((db, { limit }: { limit: number }) =>
  db.selectFrom('posting_change').select(['seq', 'number', 'changes']).orderBy('seq').limit(limit),
)

export function listChanges(db: Reader, limit: number): Promise<PendingChange[]> {
  return selectChanges(db, { limit })
}

const deleteChanges = compileOnce((db, { last }: { last: number }) =>
  db.deleteFrom('posting_change').where('seq', '<=', last),
)

/**
 * Forgets the changes up to `last`. PostgreSQL may commit a smaller `seq` later, but this transaction does not see
 * that row and so does not delete it.
 */
export async function removeChanges(tx: Tx, last: number): Promise<void> {
  await deleteChanges(tx, { last })
}

const selectSpan = compileOnce((db, _: Record<string, never>) =>
  db.selectFrom('posting_change').select(({ fn }) => [fn.min('seq').as('first'), fn.max('seq').as('last')]),
)

/** First and last pending `seq`; undefined when the postings are up to date. */
export async function findPendingSpan(db: Reader): Promise<{ first: number; last: number } | undefined> {
  const [row] = await selectSpan(db, {})
  if (row === undefined || row.first === null || row.last === null) return undefined
  return { first: Number(row.first), last: Number(row.last) }
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

const namesPerQuery = 100

// A list cannot be compiled once, but a hundred single numbers can; the last hundred is filled up by repetition.
const selectNames = compileOnce((db, numbers: Record<string, number>) =>
  db
    .selectFrom('device')
    .select(['number', 'name'])
    .where(
      'number',
      'in',
      Array.from({ length: namesPerQuery }, (_, index) => numbers[`n${index}`] as number),
    ),
)

export async function findNames(db: Reader, numbers: readonly number[]): Promise<Map<number, string>> {
  const names = new Map<number, string>()
  for (let start = 0; start < numbers.length; start += namesPerQuery) {
    const part = Array.from({ length: namesPerQuery }, (_, index) => [
      `n${index}`,
      numbers[start + index] ?? numbers[start],
    ])
    for (const row of await selectNames(db, Object.fromEntries(part))) names.set(row.number, row.name)
  }
  return names
}
