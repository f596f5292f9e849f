import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateKey, publicKeyPem } from '@holdfast/crypto/keys'
import { operatorOf } from '@holdfast/lab/peers/operator'
import { createWire, menderAuthRequest } from '@holdfast/lab/peers/wire'
import { type ServerProcess, startServerProcess } from '@holdfast/lab/server-process'
import { databaseFor } from '@holdfast/lab/world'
import { verifyEvidence } from '@holdfast/trust/evidence'
import { compare, countUp, type Found, type Ledger, newLedger } from './ledger.ts'

const cycles = Number(process.env.HOLDFAST_TEST_CYCLES ?? 15)
const makers = 6
const renamers = 4
const base = '/api/devices/v1'

interface Scene {
  readonly token: string
  /** Devices that people rename. */
  readonly renamed: readonly string[]
  /** A device that reports: inventory, and how its deployment goes. */
  readonly reporting: { readonly id: string; readonly deployment: string; readonly bearer: { authorization: string } }
}

test(`in ${cycles} kills at random moments under load nothing acknowledged is lost, and the audit log stays one log`, async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-kill-'))
  const database = await databaseFor(directory)
  t.after(async () => {
    await database.drop()
    await rm(directory, { recursive: true, force: true })
  })
  const start = () => startServerProcess({ directory, config: { database: database.settings } })
  const ledger = newLedger()
  const startTimes: number[] = []
  let server = await start()
  const scene = await prepare(server)
  let checkpoint: string | undefined
  let acknowledged = 0
  for (let cycle = 0; cycle < cycles; cycle += 1) {
    const load = writeUntilKilled(server, scene, ledger, cycle)
    await sleep(100 + Math.random() * 900)
    await server.kill()
    await load
    acknowledged =
      ledger.made.size + [...ledger.counters.values()].reduce((sum, counter) => sum + counter.acknowledged, 0)
    server = await start()
    startTimes.push(Math.round(server.readyMilliseconds))
    assert.deepEqual(compare(ledger, await findAll(server, scene, ledger)), [], `after kill ${cycle + 1}`)
    checkpoint = await verifyLog(server, scene.token, checkpoint)
  }
  assert.equal(await server.terminate(), 0)
  t.diagnostic(
    `${acknowledged} acknowledged writes; ready after ${Math.min(...startTimes)} to ${Math.max(...startTimes)} ms`,
  )
  assert.ok(acknowledged > cycles * 10, 'the load must have written something')
})

test('the checker finds an acknowledged write that is not there, an older one, and one that nobody sent', () => {
  const ledger: Ledger = {
    made: new Map([['a', 'name a']]),
    counters: new Map([['c', { acknowledged: 5, tried: 6 }]]),
  }
  const found = (made: [string, string][], counters: [string, number][]): Found => ({
    made: new Map(made),
    counters: new Map(counters),
  })
  assert.deepEqual(compare(ledger, found([['a', 'name a']], [['c', 5]])), [])
  assert.deepEqual(compare(ledger, found([['a', 'name a']], [['c', 6]])), [])
  assert.equal(compare(ledger, found([], [['c', 5]])).length, 1)
  assert.equal(compare(ledger, found([['a', 'other']], [['c', 5]])).length, 1)
  assert.equal(compare(ledger, found([['a', 'name a']], [['c', 4]])).length, 1)
  assert.equal(compare(ledger, found([['a', 'name a']], [])).length, 1)
  assert.equal(compare(ledger, found([['a', 'name a']], [['c', 7]])).length, 1)
})

async function prepare(server: ServerProcess): Promise<Scene> {
  const token = await server.ownerToken()
  const client = server.clientFor(token)
  const operator = operatorOf(client)
  const product = await operator.createProduct('killed')
  const renamed: string[] = []
  for (let number = 0; number < renamers; number += 1) {
    const body = { identity: { serial: `renamed-${number}` }, product: product.id }
    renamed.push((await client.devices.preauthorise({ body })).id)
  }
  const pair = await generateKey('ed25519')
  const identity = { serial: 'reporting' }
  const { id } = await client.devices.preauthorise({
    body: { identity, publicKey: publicKeyPem(pair.publicKey), product: product.id },
  })
  const wire = createWire(server)
  const { tenantToken } = await client.people.organisation()
  const answer = await wire(`${base}/authentication/auth_requests`, menderAuthRequest(pair, identity, tenantToken))
  assert.equal(answer.status, 200)
  const bearer = { authorization: `Bearer ${answer.body.toString()}` }
  const deployment = await operator.deployMender(product, { version: '2', files: { file: 'x' }, devices: [id] })
  const provides = { artifact_name: 'before', device_type: product.deviceType }
  const body = { device_provides: provides }
  const next = await wire('/api/devices/v2/deployments/device/deployments/next', {
    method: 'POST',
    headers: bearer,
    body,
  })
  assert.equal(next.status, 200)
  return { token, renamed, reporting: { id, deployment, bearer } }
}

async function writeUntilKilled(server: ServerProcess, scene: Scene, ledger: Ledger, cycle: number): Promise<void> {
  const client = server.clientFor(scene.token)
  const wire = createWire(server)
  const { deployment, bearer } = scene.reporting
  const make = async (maker: number) => {
    for (let number = 0; ; number += 1) {
      const name = `group ${cycle} ${maker} ${number}`
      try {
        ledger.made.set((await client.devices.createGroup({ body: { name } })).id, name)
      } catch {
        return
      }
    }
  }
  const rename = (device: string) =>
    countUp(ledger, device, async (value) => {
      await client.devices.change({ params: { device }, body: { name: `name ${value}` } })
      return true
    })
  const inventory = countUp(ledger, 'inventory', async (value) => {
    const body = [{ name: 'counter', value }]
    return (
      (await wire(`${base}/inventory/device/attributes`, { method: 'PATCH', headers: bearer, body })).status === 200
    )
  })
  const status = countUp(ledger, 'status', async (value) => {
    const path = `${base}/deployments/device/deployments/${deployment}/status`
    const body = { status: 'downloading', substate: `step ${value}` }
    return (await wire(path, { method: 'PUT', headers: bearer, body })).status === 204
  })
  await Promise.all([
    ...Array.from({ length: makers }, (_, maker) => make(maker)),
    ...scene.renamed.map(rename),
    inventory,
    status,
  ])
}

async function findAll(server: ServerProcess, scene: Scene, ledger: Ledger): Promise<Found> {
  const client = server.clientFor(scene.token)
  const { items } = await client.devices.groups()
  const counters = new Map<string, number>()
  const numberIn = (text: string | undefined) => Number(/\d+/.exec(text ?? '')?.[0])
  for (const device of scene.renamed) {
    const { name } = await client.devices.get({ params: { device } })
    if (name.startsWith('name ')) counters.set(device, numberIn(name))
  }
  const { id, deployment } = scene.reporting
  const { inventory } = await client.devices.get({ params: { device: id } })
  const counter = inventory.find(({ name }) => name === 'counter')?.value
  if (counter !== undefined) counters.set('inventory', Number(counter))
  const { substate } = await client.deployments.timeline({ params: { deployment, device: id } })
  if (substate !== undefined) counters.set('status', numberIn(substate))
  assert.ok(items.length >= ledger.made.size)
  return { made: new Map(items.map((group) => [group.id, group.name])), counters }
}

/** Verifies the whole log, and that it continues the one that was signed before; answers its checkpoint. */
async function verifyLog(server: ServerProcess, token: string, since: string | undefined): Promise<string> {
  const content = await server.clientFor(token).audit.export()
  const lines = createInterface({ input: Readable.from(content, { objectMode: false }) })
  let head = ''
  const seen = (async function* () {
    for await (const line of lines) {
      if (head === '') head = line
      yield line
    }
  })()
  await verifyEvidence(seen, { since })
  return (JSON.parse(head) as { checkpoint: string }).checkpoint
}
