import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createAuthority } from '@holdfast/lab/peers/authority'
import { createWire } from '@holdfast/lab/peers/wire'
import { type ServerProcess, startServerProcess } from '@holdfast/lab/server-process'
import { raiseStorm } from '@holdfast/lab/storm'
import { databaseFor } from '@holdfast/lab/world'

const clients = Number(process.env.HOLDFAST_TEST_STORM ?? 1_000)
const devices = 20

async function startStormed(t: { after(done: () => Promise<void>): void }, limits: Record<string, number>) {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-storm-'))
  const database = await databaseFor(directory)
  const server = await startServerProcess({
    directory,
    config: { database: database.settings, limits: { minFreeDiskMiB: 1, ...limits } },
  })
  t.after(async () => {
    await server.kill()
    await database.drop()
    await rm(directory, { recursive: true, force: true })
  })
  return server
}

/** Devices with target tokens, and how they ask. */
async function enrol(server: ServerProcess) {
  const client = server.clientFor(await server.ownerToken())
  const { ddiTenant } = await client.people.organisation()
  const body = { key: 'storm', name: 'Storm', deviceTypes: ['storm'] }
  const { id: product } = await client.products.create({ body })
  const targets = []
  for (let number = 0; number < devices; number += 1) {
    const controllerId = `storm-${number}`
    const { targetToken } = await client.devices.preauthorise({
      body: { identity: { serial: controllerId }, controllerId, targetToken: true, product },
    })
    const headers = { authorization: `TargetToken ${targetToken}`, accept: 'application/json' }
    targets.push({ path: `/${ddiTenant}/controller/v1/${controllerId}`, headers })
  }
  return targets
}

test(`${clients} devices that connect at once with certificates are all served; in between they hear 503 with Retry-After only`, async (t) => {
  const server = await startStormed(t, { inFlight: 100 })
  const targets = await enrol(server)
  const { pem: certificate, keyPem: key } = await (await createAuthority('Storm')).issueClient('storm')
  const before = await server.memoryMiB()
  const seconds = Math.max(60, clients / 50)
  const storm = { url: server.deviceUrl, authority: server.authority, certificate, key, clients, targets, seconds }
  const outcome = await raiseStorm(storm)
  const after = await server.memoryMiB()
  t.diagnostic(`${JSON.stringify(outcome)}; memory ${Math.round(before)} MiB before, ${Math.round(after)} MiB after`)
  assert.equal(server.ended(), undefined, server.output())
  assert.equal(outcome.served, clients)
  assert.equal(outcome.withoutRetryAfter, 0)
  assert.deepEqual(outcome.broken, {})
  for (const status of Object.keys(outcome.answers)) assert.ok(['200', '503'].includes(status), `an answer ${status}`)
  assert.ok(after < 1_024, 'memory stays below 1 GiB')
  assert.equal((await server.health('/readyz')).status, 200)
})

test('connections that say nothing, or half a greeting, keep nobody from their handshake', async (t) => {
  const server = await startStormed(t, { handshakes: 8 })
  const [target] = await enrol(server)
  const { port } = new URL(server.deviceUrl)
  const held: Socket[] = []
  t.after(() => {
    for (const socket of held) socket.destroy()
  })
  for (let number = 0; number < 200; number += 1) {
    const socket = connect(Number(port), '127.0.0.1')
    socket.on('error', () => {})
    await new Promise((resolve) => socket.once('connect', resolve))
    // The beginning of a TLS record that promises more than ever comes.
    if (number % 10 === 0) socket.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00]))
    held.push(socket)
  }
  const begun = performance.now()
  const answer = await createWire(server)(target?.path ?? '', { headers: target?.headers ?? {} })
  assert.equal(answer.status, 200)
  t.diagnostic(`served after ${Math.round(performance.now() - begun)} ms beside ${held.length} idle connections`)
})
