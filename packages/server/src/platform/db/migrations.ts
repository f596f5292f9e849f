import { createHash } from 'node:crypto'
import { type Clock, Fault } from '@holdfast/kernel'
import { sql } from 'kysely'
import type { Database, Engine, Tx } from './database.ts'

/** The words in which the two engines differ, for static SQL. */
export interface Words {
  readonly engine: Engine
  /** An integer of 64 bits. */
  readonly int: string
  readonly bytes: string
  /** Column type of a dense ascending primary key that the database assigns. */
  readonly serial: string
  /** Ends `create table` where the primary key should be the table. */
  readonly clustered: string
}

const words: Record<Engine, Words> = {
  sqlite: {
    engine: 'sqlite',
    int: 'integer',
    bytes: 'blob',
    serial: 'integer primary key autoincrement',
    clustered: 'without rowid',
  },
  postgres: { engine: 'postgres', int: 'bigint', bytes: 'bytea', serial: 'bigserial primary key', clustered: '' },
}

/**
 * One step of the schema, forward only. Once released it never changes; code of the version before must run on it:
 * add tables and nullable columns, drop a release later.
 */
export interface Migration {
  /** `<domain>.<number>`; applied in the order in which the domains are listed, then by number. */
  readonly id: string
  readonly statements: (words: Words) => readonly string[]
}

export interface PlannedMigration {
  readonly id: string
  readonly statements: readonly string[]
}

/** What `migrate` would do now. Throws `platform.schema_newer` when the database was made by a later version. */
export async function planMigrations(db: Database, migrations: readonly Migration[]): Promise<PlannedMigration[]> {
  const applied = new Map<string, string>()
  if (await hasTable(db, 'migration')) {
    for (const row of await db.read.selectFrom('migration').selectAll().execute()) applied.set(row.id, row.digest)
  }
  const known = new Set(migrations.map((migration) => migration.id))
  const planned: PlannedMigration[] = []
  for (const migration of migrations) {
    const statements = migration.statements(words[db.engine])
    const digest = applied.get(migration.id)
    if (digest === undefined) planned.push({ id: migration.id, statements })
    else if (digest !== digestOf(statements)) {
      throw new Fault(
        'refused',
        'platform.migration_changed',
        `migration ${migration.id} is not the one that was applied`,
      )
    }
  }
  const later = [...applied.keys()].filter((id) => !known.has(id))
  if (later.length > 1) {
    throw new Fault(
      'refused',
      'platform.schema_newer',
      `the database was made by a later version (${later.join(', ')})`,
    )
  }
  return planned
}

/** Applies what is missing, each migration in a transaction of its own; safe to run from several processes at once. */
export async function migrate(db: Database, migrations: readonly Migration[], clock: Clock): Promise<string[]> {
  await db.exclusively(async (tx) => {
    await sql
      .raw(
        `create table if not exists migration (id text primary key, applied_at ${words[db.engine].int} not null, digest text not null)`,
      )
      .execute(tx)
  })
  const planned = await planMigrations(db, migrations)
  for (const step of planned) {
    await db.exclusively(async (tx) => {
      if (db.engine === 'postgres') await sql`lock table migration in exclusive mode`.execute(tx)
      await applyOnce(tx, step, clock)
    })
  }
  return planned.map((step) => step.id)
}

async function applyOnce(tx: Tx, step: PlannedMigration, clock: Clock): Promise<void> {
  const done = await tx.selectFrom('migration').select('id').where('id', '=', step.id).executeTakeFirst()
  if (done !== undefined) return
  for (const statement of step.statements) await sql.raw(statement).execute(tx)
  const row = { id: step.id, applied_at: clock.now(), digest: digestOf(step.statements) }
  await tx.insertInto('migration').values(row).execute()
}

async function hasTable(db: Database, name: string): Promise<boolean> {
  const found =
    db.engine === 'sqlite'
      ? await sql`select 1 from sqlite_master where type = 'table' and name = ${name}`.execute(db.read)
      : await sql`select 1 from information_schema.tables where table_schema = current_schema() and table_name = ${name}`.execute(
          db.read,
        )
  return found.rows.length > 0
}

function digestOf(statements: readonly string[]): string {
  return createHash('sha256').update(statements.join(';\n')).digest('hex')
}
