import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { day, manualClock } from '@holdfast/kernel'
import { openTls } from './tls.ts'

async function installation(t: { after(work: () => Promise<void>): void }) {
  const data = await mkdtemp(join(tmpdir(), 'holdfast-tls-'))
  t.after(() => rm(data, { recursive: true, force: true }))
  const directory = join(data, 'secrets')
  await mkdir(directory)
  return { request: { directory, names: ['localhost'], given: {} }, published: join(data, 'ca.crt') }
}

test('the authority lies beside the data, also after a restore that brought the secrets alone', async (t) => {
  const { request, published } = await installation(t)
  const clock = manualClock(Date.UTC(2026, 0, 1))
  const made = await openTls(request, clock)
  await rm(published)
  const opened = await openTls(request, clock)
  assert.equal(opened.cert, made.cert)
  assert.equal(await readFile(published, 'utf8'), made.authority)
})

test('a certificate is made anew before it ends, and when it begins in the future because the clock was wrong', async (t) => {
  const { request } = await installation(t)
  const clock = manualClock(Date.UTC(2026, 0, 1))
  const first = await openTls(request, clock)
  clock.advance(300 * day)
  assert.equal((await openTls(request, clock)).cert, first.cert)
  clock.advance(50 * day)
  const second = await openTls(request, clock)
  assert.notEqual(second.cert, first.cert)
  assert.equal(second.authority, first.authority)
  clock.advance(-40 * day)
  const third = await openTls(request, clock)
  assert.notEqual(third.cert, second.cert)
  assert.equal(third.authority, first.authority)
})
