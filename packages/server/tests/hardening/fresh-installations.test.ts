import assert from 'node:assert/strict'
import { chmod, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '@holdfast/kernel'
import { startWorld } from '@holdfast/lab/world'
import { readConfig } from '../../src/config.ts'
import { layFoundation } from '../../src/foundation.ts'

const installations = 100
/** What everybody may read: the certificate that devices must trust. */
const open = new Set(['ca.crt'])

/** Files that others than their owner could read or change, and folders that they could enter. */
async function findExposed(directory: string): Promise<string[]> {
  const exposed: string[] = []
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    const { mode } = await stat(path)
    if ((mode & 0o077) !== 0 && !open.has(entry.name)) exposed.push(`${path} ${(mode & 0o777).toString(8)}`)
  }
  return exposed
}

test(`${installations} fresh installations share no secret, and under umask 000 nobody else can read one`, async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'holdfast-fresh-'))
  const umask = process.umask(0)
  t.after(async () => {
    process.umask(umask)
    await rm(root, { recursive: true, force: true })
  })
  const secrets = new Map<string, Set<string>>()
  for (let number = 0; number < installations; number += 1) {
    const data = join(root, String(number), 'data')
    const foundation = await layFoundation(readConfig({}, { data }), systemClock)
    assert.equal((await foundation.db.read.selectFrom('person').selectAll().execute()).length, 0)
    assert.equal((await foundation.db.read.selectFrom('api_token').selectAll().execute()).length, 0)
    await foundation.db.close()
    assert.deepEqual(await findExposed(data), [])
    assert.equal((await stat(data)).mode & 0o077, 0)
    const names = (await readdir(foundation.secrets.directory)).filter((name) => name.endsWith('.key'))
    assert.ok(names.length >= 5, 'the master key, the token key, the log key and two TLS keys')
    for (const name of names) {
      const seen = secrets.get(name) ?? new Set()
      secrets.set(name, seen.add(await readFile(join(foundation.secrets.directory, name), 'utf8')))
    }
    await rm(join(root, String(number)), { recursive: true, force: true })
  }
  for (const [name, seen] of secrets) assert.equal(seen.size, installations, `${name} is the same somewhere`)
})

test('the search for exposed files finds one', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-exposed-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  await layFoundation(readConfig({}, { data: join(directory, 'data') }), systemClock).then(({ db }) => db.close())
  await chmod(join(directory, 'data', 'secrets', 'token.key'), 0o604)
  assert.equal((await findExposed(join(directory, 'data'))).length, 1)
})

test('a fresh installation knows no log-in, and each prints another one-time link', async () => {
  await using first = await startWorld({ withoutOwner: true })
  await using second = await startWorld({ withoutOwner: true })
  const links = [await first.app.setupLink(), await second.app.setupLink()].map((link) => link?.split('#')[1])
  assert.notEqual(links[0], links[1])
  for (const email of ['admin@example.com', 'root@localhost', 'holdfast@example.com']) {
    for (const password of ['', 'admin', 'holdfast']) {
      const body = JSON.stringify({ email, password })
      const answer = await first.fetch('/api/v1/session', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      })
      assert.ok(answer.status >= 400 && answer.status < 500, `${email} ${password}: ${answer.status}`)
      assert.equal(answer.headers['set-cookie'], undefined)
      await answer.text()
    }
  }
  const stolen = JSON.stringify({
    ...{ secret: links[1], organisation: 'x', name: 'x', email: 'x@example.com', password: 'x'.repeat(12) },
  })
  const answer = await first.fetch('/api/v1/session/setup', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: stolen,
  })
  assert.equal(answer.status, 403)
})
