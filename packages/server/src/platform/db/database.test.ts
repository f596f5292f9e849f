import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '@holdfast/kernel'
import { sql } from 'kysely'
import { openTestDatabase } from '../../../tests/test-database.ts'
import { compileOnce, type Migration, migrate, planMigrations } from './index.ts'

declare module './tables.ts' {
  interface Tables {
    note: { id: number; text: string }
  }
}

const notes: readonly Migration[] = [
  { id: 'notes.1', statements: ({ int }) => [`create table note (id ${int} primary key, text text not null unique)`] },
]
const later: Migration = { id: 'notes.2', statements: () => ['alter table note add column author text'] }

test('what one transaction wrote is visible to readers only after it was acknowledged', async () => {
  await using world = await openTestDatabase(notes)
  const { db } = world
  await db.write(async (tx) => {
    await tx.insertInto('note').values({ id: 1, text: 'one' }).execute()
    assert.equal((await db.read.selectFrom('note').selectAll().execute()).length, 0)
    assert.equal((await tx.selectFrom('note').selectAll().execute()).length, 1)
  })
  assert.equal((await db.read.selectFrom('note').selectAll().execute()).length, 1)
})

test('a transaction that fails takes nothing else of its batch with it', async () => {
  await using world = await openTestDatabase(notes)
  const { db } = world
  const results = await Promise.allSettled(
    Array.from({ length: 20 }, (_, id) =>
      db.write(async (tx) => {
        await tx
          .insertInto('note')
          .values({ id, text: `note ${id}` })
          .execute()
        if (id % 3 === 0) throw new Error('no')
      }),
    ),
  )
  assert.equal(results.filter(({ status }) => status === 'rejected').length, 7)
  const kept = await db.read.selectFrom('note').select('id').orderBy('id').execute()
  assert.deepEqual(
    kept.map(({ id }) => id),
    Array.from({ length: 20 }, (_, id) => id).filter((id) => id % 3 !== 0),
  )
})

test('transactions that read and then write the same row do not lose each other’s change', async () => {
  await using world = await openTestDatabase(notes)
  const { db } = world
  await db.write((tx) => tx.insertInto('note').values({ id: 1, text: '0' }).execute())
  await Promise.all(
    Array.from({ length: 12 }, () =>
      db.write(async (tx) => {
        const { text } = await tx.selectFrom('note').select('text').where('id', '=', 1).executeTakeFirstOrThrow()
        await tx
          .updateTable('note')
          .set({ text: String(Number(text) + 1) })
          .where('id', '=', 1)
          .execute()
      }),
    ),
  )
  assert.equal((await db.read.selectFrom('note').select('text').executeTakeFirstOrThrow()).text, '12')
})

test('a compiled query binds its arguments each time and keeps its constants', async () => {
  await using world = await openTestDatabase(notes)
  const { db } = world
  const find = compileOnce((reader, { id }: { id: number }) =>
    reader.selectFrom('note').select('text').where('id', '=', id).where('text', '!=', 'hidden'),
  )
  await db.write((tx) =>
    tx
      .insertInto('note')
      .values([
        { id: 1, text: 'one' },
        { id: 2, text: 'hidden' },
      ])
      .execute(),
  )
  assert.deepEqual(
    (await find(db.read, { id: 1 })).map((row) => row.text),
    ['one'],
  )
  assert.equal((await find(db.read, { id: 2 })).length, 0)
  assert.equal((await find(db.read, { id: 1 })).length, 1)
})

test('migrations run once, in order, also when several processes start together', async () => {
  await using world = await openTestDatabase(notes)
  const others = [world.openAgain(), world.openAgain()]
  const all = [...notes, later]
  assert.deepEqual(
    (await planMigrations(world.db, all)).map(({ id }) => id),
    ['notes.2'],
  )
  const applied = await Promise.all([world.db, ...others].map((db) => migrate(db, all, systemClock)))
  assert.ok(applied.flat().length >= 1)
  assert.deepEqual(await planMigrations(world.db, all), [])
  await sql`select author from note`.execute(world.db.read)
})

test('a migration that was changed after it was applied is refused', async () => {
  await using world = await openTestDatabase(notes)
  const changed: Migration = { id: 'notes.1', statements: () => ['create table note (id integer primary key)'] }
  await assert.rejects(planMigrations(world.db, [changed]), { code: 'platform.migration_changed' })
})

test('code of the version before runs on the schema of one more migration, and not of two', async () => {
  await using world = await openTestDatabase([...notes, later])
  assert.deepEqual(await planMigrations(world.db, notes), [])
  const third: Migration = { id: 'notes.3', statements: () => ['alter table note add column place text'] }
  await migrate(world.db, [...notes, later, third], systemClock)
  await assert.rejects(planMigrations(world.db, notes), { code: 'platform.schema_newer' })
})
