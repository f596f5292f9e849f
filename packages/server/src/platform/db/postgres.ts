import { Fault } from '@holdfast/kernel'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import type { Database, Tx } from './database.ts'
import type { Tables } from './tables.ts'

const attempts = 12
const int8 = 20
const numeric = 1700

/** The engine for fleets that outgrow one machine. Every integer of the schema stays below 2^53. */
export function openPostgres(url: string, options: { connections: number }): Database {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.connections,
    application_name: 'holdfast',
    types: {
      getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
        oid === int8 || oid === numeric ? Number : pg.types.getTypeParser(oid, format as 'text')) as never,
    },
  })
  // A connection that breaks while idle is replaced by the pool; the next query reports what matters.
  pool.on('error', () => {})
  const read = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  const listeners: (() => void)[] = []
  const write = async <T>(work: (tx: Tx) => Promise<T>): Promise<T> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const result = await read
          .transaction()
          .setIsolationLevel('serializable')
          .execute((tx) => work(tx as unknown as Tx))
        for (const listener of listeners) listener()
        return result
      } catch (thrown) {
        if (!isConflict(thrown)) throw postgresFault(thrown) ?? thrown
        if (attempt === attempts) {
          throw new Fault('unavailable', 'platform.busy', 'too many writers at once', { cause: thrown, retryAfter: 1 })
        }
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 2 ** Math.min(attempt, 8)))
      }
    }
  }
  return {
    engine: 'postgres',
    read,
    write,
    exclusively: write,
    onCommit: (listener) => listeners.push(listener),
    close: () => read.destroy(),
  }
}

function sqlState(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined
}

function isConflict(thrown: unknown): boolean {
  const state = sqlState(thrown)
  return state === '40001' || state === '40P01'
}

const messages = {
  away: 'the database does not answer',
  full: 'the database cannot be written',
  text: 'a text has a character that cannot be stored, such as NUL',
}

/** What the database said, as a Fault where it is not our own mistake: it is away or full, or a text cannot be stored. */
export function postgresFault(thrown: unknown): Fault | undefined {
  const state = sqlState(thrown)
  if (state === '53100' || state === '25006') {
    return new Fault('unavailable', 'platform.disk_full', messages.full, { cause: thrown, retryAfter: 30 })
  }
  if (state === '22021' || state === '22P05') {
    return new Fault('malformed', 'platform.text', messages.text, { cause: thrown })
  }
  if (isAway(thrown, state)) {
    return new Fault('unavailable', 'platform.database_away', messages.away, { cause: thrown, retryAfter: 5 })
  }
  return undefined
}

function isAway(thrown: unknown, state: string | undefined): boolean {
  if (thrown instanceof pg.DatabaseError) return state !== undefined && /^(08|57P|53300)/.test(state)
  // The driver has no class for a connection that breaks under a query or cannot be made.
  const connecting = thrown instanceof Error && 'syscall' in thrown && thrown.syscall === 'connect'
  return connecting || (thrown instanceof Error && /^Connection terminated/.test(thrown.message))
}
