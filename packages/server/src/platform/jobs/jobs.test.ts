import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { manualClock, systemClock } from '@holdfast/kernel'
import { openTestDatabase } from '../../../tests/test-database.ts'
import { createJobs, jobMigrations } from './jobs.ts'

test('of two nodes only one runs a job, and the other takes over when the first stops', async () => {
  await using world = await openTestDatabase(jobMigrations)
  const ran = { first: 0, second: 0 }
  const node = (name: 'first' | 'second') => {
    const jobs = createJobs({ db: world.db, clock: systemClock, onFailure: (_, thrown) => assert.fail(String(thrown)) })
    jobs.add({
      name: 'count',
      everyMilliseconds: 10,
      run: async () => {
        ran[name] += 1
      },
    })
    return jobs
  }
  const first = node('first')
  while (ran.first === 0) await wait(5)
  const second = node('second')
  await wait(100)
  assert.equal(ran.second, 0)
  await first.stop()
  const stoppedAt = ran.first
  while (ran.second === 0) await wait(5)
  assert.equal(ran.first, stoppedAt)
  await second.stop()
})

test('the lease of a node that died runs out', async () => {
  await using world = await openTestDatabase(jobMigrations)
  const clock = manualClock(1_000_000)
  await world.db.write((tx) =>
    tx
      .insertInto('lease')
      .values({ name: 'work', holder: 'dead', expires_at: clock.now() + 15_000 })
      .execute(),
  )
  let ran = 0
  const jobs = createJobs({ db: world.db, clock, onFailure: (_, thrown) => assert.fail(String(thrown)) })
  jobs.add({
    name: 'work',
    everyMilliseconds: 5,
    run: async () => {
      ran += 1
    },
  })
  await wait(50)
  assert.equal(ran, 0)
  clock.advance(15_001)
  while (ran === 0) await wait(5)
  await jobs.stop()
})

test('a job that fails is reported and runs again', async () => {
  await using world = await openTestDatabase(jobMigrations)
  const failures: string[] = []
  let ran = 0
  const jobs = createJobs({ db: world.db, clock: systemClock, onFailure: (name) => failures.push(name) })
  jobs.add({
    name: 'frail',
    everyMilliseconds: 5,
    run: async () => {
      ran += 1
      if (ran === 1) throw new Error('first time')
    },
  })
  while (ran < 3) await wait(5)
  await jobs.stop()
  assert.deepEqual(failures, ['frail'])
})
