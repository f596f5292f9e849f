import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '@holdfast/kernel'
import pg from 'pg'
import { type Database, type Migration, migrate, openPostgres, openSqlite } from '../src/platform/db/index.ts'

export interface TestDatabase extends AsyncDisposable {
  readonly db: Database
  /** Another connection to the same data, as a second server process has it. */
  openAgain(): Database
}

/** A database of its own for one test: a file in a temporary directory, or a schema where HOLDFAST_TEST_POSTGRES points. */
export async function openTestDatabase(migrations: readonly Migration[]): Promise<TestDatabase> {
  const url = process.env.HOLDFAST_TEST_POSTGRES
  const place = url === undefined || url === '' ? inDirectory() : await inSchema(url)
  const opened = [place.open()]
  const [db] = opened as [Database]
  await migrate(db, migrations, systemClock)
  return {
    db,
    openAgain() {
      const again = place.open()
      opened.push(again)
      return again
    },
    async [Symbol.asyncDispose]() {
      for (const one of opened.reverse()) await one.close()
      await place.remove()
    },
  }
}

function inDirectory() {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-test-'))
  return {
    open: () => openSqlite(join(directory, 'holdfast.db')),
    remove: async () => rmSync(directory, { recursive: true, force: true }),
  }
}

async function inSchema(url: string) {
  const schema = `test_${randomBytes(8).toString('hex')}`
  const run = async (statement: string) => {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    try {
      await client.query(statement)
    } finally {
      await client.end()
    }
  }
  await run(`create schema ${schema}`)
  const own = new URL(url)
  own.searchParams.set('options', `-c search_path=${schema}`)
  return {
    open: () => openPostgres(own.href, { connections: 4 }),
    remove: () => run(`drop schema ${schema} cascade`),
  }
}
