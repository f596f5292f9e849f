import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { verifyCheckpoint } from '@holdfast/crypto/checkpoint'
import { leafHash, rootOf } from '@holdfast/crypto/merkle'
import { sha256 } from '@holdfast/crypto/sha256'
import { systemClock } from '@holdfast/kernel'
import { openTestDatabase } from '../../../tests/test-database.ts'
import type { Event } from '../../platform/bus/bus.ts'
import type { Database } from '../../platform/db/index.ts'
import { jobMigrations } from '../../platform/jobs/jobs.ts'
import { createEventFeed } from './event-feed.ts'
import { followJob } from './follower.ts'
import { auditMigrations, record, sequenceJob } from './index.ts'
import { proveInclusion, readLogFile } from './log.ts'
import { findLog, leafBodies } from './store.ts'

const migrations = [...jobMigrations, ...auditMigrations]
const { privateKey } = generateKeyPairSync('ed25519')
const originOf = (organisation: string) => `test/${organisation}`

function sequencer(db: Database, onSequenced = () => {}) {
  return sequenceJob({ db, clock: systemClock, logKey: privateKey, originOf, onSequenced })
}

async function happen(db: Database, organisation: string, count: number, type = 'thing.happened') {
  for (let index = 0; index < count; index += 1) {
    await db.write((tx) =>
      record(tx, {
        organisation,
        type,
        subject: { kind: 'thing', id: String(index) },
        actor: { kind: 'system', id: 'test' },
        at: systemClock.now(),
        detail: { index },
      }),
    )
  }
}

test('each organisation has a log of its own, whose signed head covers exactly its records in order', async () => {
  await using world = await openTestDatabase(migrations)
  const job = sequencer(world.db)
  for (const round of [300, 1, 255]) {
    await happen(world.db, 'a', round)
    await happen(world.db, 'b', 1)
    await job.run()
  }
  for (const [organisation, size] of [
    ['a', 556],
    ['b', 3],
  ] as const) {
    const log = await findLog(world.db.read, organisation)
    assert.equal(log?.size, size)
    const bodies = await leafBodies(world.db.read, organisation, 0, size)
    const hashes = bodies.map((body) => leafHash(Buffer.from(body), sha256))
    const origin = originOf(organisation)
    const head = verifyCheckpoint(log?.checkpoint ?? '', origin, [
      { name: origin, publicKey: createPublicKey(privateKey) },
    ])
    assert.deepEqual(Buffer.from(head.root), Buffer.from(rootOf(hashes, sha256)))
    const proof = await proveInclusion(world.db.read, organisation, size - 1)
    assert.equal(proof.treeSize, size)
  }
})

test('tiles are served at every width that the tree has, and no wider', async () => {
  await using world = await openTestDatabase(migrations)
  await happen(world.db, 'a', 260)
  await sequencer(world.db).run()
  const read = (path: string) => readLogFile(world.db.read, 'a', path)
  assert.equal((await read('tile/0/000')).bytes.length, 256 * 32)
  assert.equal((await read('tile/0/001.p/4')).bytes.length, 4 * 32)
  assert.equal((await read('tile/0/001.p/3')).bytes.length, 3 * 32)
  assert.equal((await read('tile/1/000.p/1')).bytes.length, 32)
  await assert.rejects(read('tile/0/001.p/5'), { kind: 'missing' })
  await assert.rejects(read('tile/0/002'), (thrown: unknown) => thrown instanceof Error)
  assert.ok((await read('tile/entries/001.p/4')).bytes.length > 4)
})

test('the feed of another node sees every event once, in order, and none of a transaction that failed', async () => {
  await using world = await openTestDatabase(migrations)
  const feed = createEventFeed({
    db: world.openAgain(),
    clock: systemClock,
    onFailure: (thrown) => assert.fail(String(thrown)),
  })
  const seen: Event[] = []
  feed.subscribe('thing.', (event) => seen.push(event))
  await feed.start()
  await happen(world.db, 'a', 3)
  await assert.rejects(
    world.db.write(async (tx) => {
      await record(tx, {
        organisation: 'a',
        type: 'thing.never',
        subject: { kind: 'thing', id: 'x' },
        actor: { kind: 'system', id: 'test' },
        at: 1,
      })
      throw new Error('no')
    }),
  )
  await happen(world.db, 'b', 2, 'other.happened')
  await happen(world.db, 'b', 2)
  await sequencer(world.db, () => feed.poke()).run()
  while (seen.length < 5) await new Promise((resolve) => setTimeout(resolve, 10))
  await feed.stop()
  assert.deepEqual(
    seen.map(({ organisation, detail }) => `${organisation}${detail.index}`),
    ['a0', 'a1', 'a2', 'b0', 'b1'],
  )
  assert.ok(seen.every((event, index) => index === 0 || event.position > (seen[index - 1]?.position ?? 0)))
})

test('a follower handles each event exactly once, also when it fails in between', async () => {
  await using world = await openTestDatabase(migrations)
  await happen(world.db, 'a', 5)
  await sequencer(world.db).run()
  const handled: unknown[] = []
  let failing = true
  const job = followJob(world.db, {
    name: 'test.follower',
    prefix: 'thing.',
    async handle(tx, event) {
      if (failing && event.detail.index === 3) throw new Error('not yet')
      await tx
        .insertInto('lease')
        .values({ name: `seen ${event.detail.index}`, holder: 'x', expires_at: 0 })
        .execute()
      handled.push(event.detail.index)
    },
  })
  await assert.rejects(async () => await job.run(), /not yet/)
  assert.equal((await world.db.read.selectFrom('lease').selectAll().execute()).length, 0)
  failing = false
  await job.run()
  await job.run()
  assert.equal((await world.db.read.selectFrom('lease').selectAll().execute()).length, 5)
})
