import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { startWorld } from '@holdfast/lab/world'
import pg from 'pg'
import { openCommandLine } from './command-line.ts'

const url = process.env.HOLDFAST_TEST_POSTGRES ?? ''
const skip =
  url === ''
    ? 'there is no PostgreSQL in this run'
    : spawnSync('pg_dump', ['--version']).error === undefined
      ? false
      : 'pg_dump is not installed'

test('A backup of PostgreSQL is restored into an empty database with everything in it', { skip }, async () => {
  await using cli = await openCommandLine()
  await using world = await startWorld()
  await world.client.products.create({ body: { key: 'sensor', name: 'Sensor', deviceTypes: ['s'] } })
  const env = { HOLDFAST_DATABASE_URL: world.config.database.url ?? '' }
  const made = await cli.run(['backup', 'backup.tar', '--data', world.config.data], { env })
  assert.equal(made.code, 0, made.err)
  const verified = await cli.run(['restore', 'backup.tar', '--verify'])
  assert.equal(verified.code, 0, verified.err)
  assert.equal((await cli.run(['restore', 'backup.tar', '--into', 'without'])).code, 3, 'it must know where to')

  const name = `restored_${process.pid}`
  const admin = new pg.Client({ connectionString: url })
  await admin.connect()
  await admin.query(`create database ${name}`)
  const target = new URL(url)
  target.pathname = `/${name}`
  try {
    const restored = await cli.run(['restore', 'backup.tar', '--into', 'restored', '--database', target.href])
    assert.equal(restored.code, 0, restored.err)
    const [schema] = /world_\w+/.exec(env.HOLDFAST_DATABASE_URL) ?? ['public']
    target.searchParams.set('options', `-c search_path=${schema}`)
    const list = ['organisation', 'list', '--json', '--data', join(cli.directory, 'restored')]
    const listed = await cli.run(list, { env: { HOLDFAST_DATABASE_URL: target.href } })
    assert.equal(listed.code, 0, listed.err)
    assert.match(listed.out, /"Example"/)
  } finally {
    await admin.query(`drop database if exists ${name} with (force)`)
    await admin.end()
  }
})
