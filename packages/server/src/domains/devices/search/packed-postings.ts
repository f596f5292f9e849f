import { type Kysely, PostgresAdapter, sql } from 'kysely'
import { compileOnce, type Reader, type Tables } from '../../../platform/db/index.ts'
import type { KeyRange } from './value.ts'

/** What a posting holds. */
export interface Posting {
  /** Hexadecimal. */
  readonly value: string
  readonly block: number
  readonly members: Uint8Array
}

export type Members = Omit<Posting, 'value'>

export interface RangeArguments extends KeyRange {
  readonly attribute: number
  readonly limit: number
}

export interface TextArguments extends KeyRange {
  readonly organisation: string
  readonly limit: number
}

// A search reads thousands of tiny rows, and handing over each costs far more than finding it. So the database joins
// them to one text, which was measured to be four times as fast.

function hex(db: Kysely<Tables>, column: 'value' | 'members') {
  return isPostgres(db) ? sql<string>`encode(${sql.ref(column)}, 'hex')` : sql<string>`lower(hex(${sql.ref(column)}))`
}

function isPostgres(db: Kysely<Tables>): boolean {
  return db.getExecutor().adapter instanceof PostgresAdapter
}

const selectMembers = compileOnce((db, { attribute, from, to, limit }: RangeArguments) =>
  db
    .selectFrom(
      db
        .selectFrom('posting')
        .select(['block', 'members'])
        .where('attribute', '=', attribute)
        .where('value', '>=', from)
        .where('value', '<', to)
        .limit(limit)
        .as('found'),
    )
    .select(['block', joined(db, hex(db, 'members')).as('packed')])
    .groupBy('block'),
)

/** The containers of a range, in no particular order. */
export async function listMembers(db: Reader, range: RangeArguments): Promise<Members[]> {
  return unpackMembers(await selectMembers(db, range))
}

const selectFewMembers = compileOnce((db, { attribute, from, to, limit }: RangeArguments) =>
  db
    .selectFrom('posting')
    .select(['block', 'members'])
    .where('attribute', '=', attribute)
    .where('value', '>=', from)
    .where('value', '<', to)
    .limit(limit),
)

/** The same, for a range of few but large containers, which are not worth joining. */
export function listFewMembers(db: Reader, range: RangeArguments): Promise<Members[]> {
  return selectFewMembers(db, range)
}

const selectMembersAnywhere = compileOnce((db, { organisation, from, to, limit }: TextArguments) =>
  db
    .selectFrom(
      db
        .selectFrom('attribute')
        .innerJoin('posting', 'posting.attribute', 'attribute.id')
        .select(['posting.block', 'posting.members'])
        .where('attribute.organisation', '=', organisation)
        .where('posting.value', '>=', from)
        .where('posting.value', '<', to)
        .limit(limit)
        .as('found'),
    )
    .select(['block', joined(db, hex(db, 'members')).as('packed')])
    .groupBy('block'),
)

/** The same over all attributes of an organisation: the database seeks once in each. */
export async function listMembersAnywhere(db: Reader, range: TextArguments): Promise<Members[]> {
  return unpackMembers(await selectMembersAnywhere(db, range))
}

const selectPostings = ordered('asc')
const selectPostingsBackwards = ordered('desc')

function ordered(direction: 'asc' | 'desc') {
  return compileOnce((db, { attribute, from, to, limit }: RangeArguments) => {
    const text = sql<string>`${hex(db, 'value')} || ' ' || block || ' ' || ${hex(db, 'members')}`
    const order = sql`order by value ${sql.raw(direction)}, block ${sql.raw(direction)}`
    return db
      .selectFrom(
        db
          .selectFrom('posting')
          .select(['value', 'block', 'members'])
          .where('attribute', '=', attribute)
          .where('value', '>=', from)
          .where('value', '<', to)
          .orderBy('value', direction)
          .orderBy('block', direction)
          .limit(limit)
          .as('found'),
      )
      .select(joined(db, text, order).as('packed'))
  })
}

/** The postings of a range in the order of their keys, or against it. */
export async function listPostings(db: Reader, range: RangeArguments, backwards = false): Promise<Posting[]> {
  const [row] = await (backwards ? selectPostingsBackwards(db, range) : selectPostings(db, range))
  if (!row?.packed) return []
  return row.packed.split(',').map((text) => {
    const first = text.indexOf(' ')
    const second = text.indexOf(' ', first + 1)
    const members = Buffer.from(text.slice(second + 1), 'hex')
    return { value: text.slice(0, first), block: Number(text.slice(first + 1, second)), members }
  })
}

function joined(db: Kysely<Tables>, text: ReturnType<typeof sql<string>>, order = sql``) {
  const join = sql.raw(isPostgres(db) ? 'string_agg' : 'group_concat')
  return sql<string | null>`${join}(${text}, ',' ${order})`
}

function unpackMembers(rows: readonly { block: number; packed: string | null }[]): Members[] {
  return rows.flatMap(({ block, packed }) =>
    (packed ?? '').split(',').map((text) => ({ block, members: Buffer.from(text, 'hex') })),
  )
}
