import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '@holdfast/client'
import { writeMenderArtifact } from '@holdfast/formats/mender/write'
import { Fault } from '@holdfast/kernel'
import { waitFor } from '@holdfast/lab/peers/wait'
import { type ServerProcess, startServerProcess } from '@holdfast/lab/server-process'
import { type FileSystem, freeBytes, mountSmallDisk } from '@holdfast/lab/small-disk'

const mebibyte = 1024 * 1024
const kinds: readonly FileSystem[] = ['tmpfs', 'ext4 with blocks of 1 KiB']

for (const kind of kinds) {
  test(`on a full disk (${kind}) changes are refused, reading works, a restart serves, and room heals it`, async (t) => {
    if (process.env.HOLDFAST_TEST_POSTGRES) return t.skip('the database does not lie on this disk')
    await using disk = await mountSmallDisk(kind, 256)
    if (disk === undefined) return t.skip(`${kind} cannot be mounted here`)
    const start = () => startServerProcess({ directory: disk.directory, config: { limits: { minFreeDiskMiB: 32 } } })
    const writers = { made: new Map<string, string>(), refusals: new Map<string, number>() }
    let server = await start()
    try {
      const token = await server.ownerToken()
      const release = await prepareRelease(server.clientFor(token))
      await writeFor(server.clientFor(token), 500, writers)
      assert.deepEqual([...writers.refusals], [], 'with room nothing is refused')

      disk.fill()
      // Longer than the server believes its last look at the disk: it meets the full disk both unawares and warned.
      await writeFor(server.clientFor(token), 4_000, writers)
      await assert.rejects(upload(server.clientFor(token), release), {
        kind: 'unavailable',
        code: 'platform.disk_full',
      })
      await checkReads(server, token, writers.made)
      assert.deepEqual([...writers.refusals.keys()], ['503 platform.disk_full'])
      const { status, text } = await server.health('/readyz')
      assert.equal(status, 503)
      assert.match(text, /disk/)

      await server.kill()
      disk.fill()
      server = await start()
      await checkReads(server, token, writers.made)
      disk.fill()
      await writeFor(server.clientFor(token), 500, writers)
      await checkReads(server, token, writers.made)
      assert.deepEqual([...writers.refusals.keys()], ['503 platform.disk_full'])

      await disk.empty()
      assert.ok(freeBytes(disk.directory) > 64 * mebibyte)
      const { status: healed } = await waitFor(
        'the server to be ready again',
        async () => {
          const health = await server.health('/readyz')
          return health.status === 200 && health
        },
        { seconds: 20, context: server.output },
      )
      assert.equal(healed, 200)
      const before = writers.made.size
      await writeFor(server.clientFor(token), 300, writers)
      assert.ok(writers.made.size > before, 'with room again, changes are taken again')
      await upload(server.clientFor(token), release)
      await checkReads(server, token, writers.made)
      assert.equal(await server.terminate(), 0)

      // Right after a clean start the database's shared memory is still full of holes: a page of it that finds no block
      // when it is first touched would end the process by SIGBUS.
      server = await start()
      disk.fill()
      await writeFor(server.clientFor(token), 1_500, writers)
      await checkReads(server, token, writers.made)
      await disk.empty()
      assert.equal(await server.terminate(), 0)
    } finally {
      await server.kill()
    }
  })
}

async function prepareRelease(client: Client): Promise<string> {
  const body = { key: 'full', name: 'Full', deviceTypes: ['full'], signaturesRequired: 0 }
  const { id: product } = await client.products.create({ body })
  return (await client.releases.create({ body: { product, version: '1' } })).id
}

function upload(client: Client, release: string) {
  const body = writeMenderArtifact({
    name: 'content',
    depends: { deviceTypes: ['full'] },
    payloadType: 'single-file',
    files: [{ name: 'content', content: randomBytes(8 * mebibyte) }],
  })
  return client.releases.uploadArtifact({ params: { release, fileName: 'content.mender' }, body })
}

interface Writers {
  readonly made: Map<string, string>
  readonly refusals: Map<string, number>
}

/** Several at once, so that commits are shared; notes what was acknowledged, and how the rest was refused. */
async function writeFor(client: Client, milliseconds: number, { made, refusals }: Writers): Promise<void> {
  const end = Date.now() + milliseconds
  const write = async () => {
    while (Date.now() < end) {
      const name = `group ${randomBytes(8).toString('hex')}`
      try {
        // Long texts, so that no room left in a page lets some through.
        const description = randomBytes(3_000).toString('hex')
        made.set((await client.devices.createGroup({ body: { name, description } })).id, name)
      } catch (thrown) {
        const how =
          thrown instanceof Fault ? `${thrown.kind === 'unavailable' ? 503 : thrown.kind} ${thrown.code}` : `${thrown}`
        refusals.set(how, (refusals.get(how) ?? 0) + 1)
        await sleep(20)
      }
    }
  }
  await Promise.all(Array.from({ length: 8 }, write))
}

async function checkReads(server: ServerProcess, token: string, made: ReadonlyMap<string, string>): Promise<void> {
  assert.equal(server.ended(), undefined, `the server ended: ${server.output()}`)
  const client = server.clientFor(token)
  const { items } = await client.devices.groups()
  const there = new Map(items.map((group) => [group.id, group.name]))
  for (const [id, name] of made) assert.equal(there.get(id), name)
  await client.devices.list()
  await client.audit.list()
}
