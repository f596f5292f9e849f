import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { generateKey, publicKeyPem } from '@holdfast/crypto/keys'
import { type Operator, operatorOf, type ProductUnderTest } from '@holdfast/lab/peers/operator'
import { waitFor } from '@holdfast/lab/peers/wait'
import { createWire, menderAuthRequest } from '@holdfast/lab/peers/wire'
import { type ServerProcess, startServerProcess } from '@holdfast/lab/server-process'
import { databaseFor } from '@holdfast/lab/world'

const next = '/api/devices/v2/deployments/device/deployments/next'
const skip = process.env.HOLDFAST_TEST_POSTGRES ? false : 'two nodes need PostgreSQL'

describe('two nodes on one database', { skip }, () => {
  let directory: string
  let database: Awaited<ReturnType<typeof databaseFor>>
  let one: ServerProcess
  let other: ServerProcess
  let token: string
  let operator: Operator
  let product: ProductUnderTest

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'holdfast-nodes-'))
    database = await databaseFor(directory)
    const start = () => startServerProcess({ directory, config: { database: database.settings } })
    one = await start()
    token = await one.ownerToken()
    other = await start()
    operator = operatorOf(one.clientFor(token))
    product = await operator.createProduct('two-nodes')
  })
  after(async () => {
    await one?.kill()
    await other?.kill()
    await database?.drop()
    if (directory !== undefined) await rm(directory, { recursive: true, force: true })
  })

  const enrol = async (serial: string) => {
    const pair = await generateKey('ed25519')
    const client = one.clientFor(token)
    const body = { identity: { serial }, publicKey: publicKeyPem(pair.publicKey), product: product.id }
    const { id } = await client.devices.preauthorise({ body })
    const { tenantToken } = await client.people.organisation()
    const asked = menderAuthRequest(pair, { serial }, tenantToken)
    const answer = await createWire(one)('/api/devices/v1/authentication/auth_requests', asked)
    assert.equal(answer.status, 200)
    const headers = { authorization: `Bearer ${answer.body.toString()}` }
    const ask = (node: ServerProcess) => {
      const provides = { artifact_name: 'before', device_type: product.deviceType }
      return createWire(node)(next, { method: 'POST', headers, body: { device_provides: provides } })
    }
    return { id, ask }
  }

  /** Waits for the answer that is wanted and tells how long it took. */
  const took = async (what: string, probe: () => Promise<boolean>): Promise<string> => {
    const begun = performance.now()
    await waitFor(what, probe, { seconds: 5 })
    return `${what}: ${Math.round(performance.now() - begun)} ms`
  }

  test('an API token that is revoked on one node ends on the other', async (t) => {
    const { id, secret } = await makeToken()
    const read = async () => {
      const answer = await other.fetch('/api/v1/devices', { headers: { authorization: `Bearer ${secret}` } })
      await answer.text()
      return answer.status
    }
    assert.equal(await read(), 200)
    await one.clientFor(token).people.revokeToken({ params: { token: id } })
    t.diagnostic(await took('the token is refused', async () => (await read()) === 401))
  })

  test('a session that is ended on one node ends on the other', async (t) => {
    const cookie = await signIn(one)
    const read = async () => {
      const answer = await other.fetch('/api/v1/session', { headers: { cookie } })
      await answer.text()
      return answer.status
    }
    assert.equal(await read(), 200)
    const ended = await one.fetch('/api/v1/session', { method: 'DELETE', headers: { cookie, 'x-holdfast-csrf': '1' } })
    await ended.text()
    assert.equal(ended.status, 204)
    t.diagnostic(await took('the session is refused', async () => (await read()) === 401))
  })

  test('a device’s token that is revoked on one node ends on the other', async (t) => {
    const device = await enrol('revoked')
    assert.equal((await device.ask(other)).status, 204)
    await one.clientFor(token).devices.revokeTokens({ params: { device: device.id } })
    t.diagnostic(await took('the device is refused', async () => (await device.ask(other)).status === 401))
  })

  test('a deployment that is made on one node is handed out by the other, and paused there too', async (t) => {
    const device = await enrol('served')
    const late = await enrol('late')
    assert.equal((await device.ask(other)).status, 204)
    const devices = [device.id, late.id]
    const id = await operator.deployMender(product, { version: '2', files: { file: 'x' }, devices })
    t.diagnostic(await took('it is handed out', async () => (await device.ask(other)).status === 200))
    await one.clientFor(token).deployments.pause({ params: { deployment: id } })
    t.diagnostic(await took('it is no longer handed out', async () => (await late.ask(other)).status === 204))
  })

  test('when a node dies, the other takes over its work', async (t) => {
    const records = async () => (await other.clientFor(token).audit.list({ query: { limit: 5 } })).items
    await one.kill()
    const { id } = await other.clientFor(token).devices.createGroup({ body: { name: 'after the end of one' } })
    const begun = performance.now()
    await waitFor(
      'its record to be in the log',
      async () => (await records()).some(({ subject, position }) => subject.id === id && position !== undefined),
      { seconds: 40 },
    )
    t.diagnostic(`the log went on after ${Math.round(performance.now() - begun)} ms`)
    assert.equal((await other.health('/readyz')).status, 200)
  })

  async function signIn(node: ServerProcess): Promise<string> {
    const body = JSON.stringify({ email: 'owner@example.com', password: 'correct horse battery staple' })
    const answer = await node.fetch('/api/v1/session', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    await answer.text()
    return String(answer.headers['set-cookie'] ?? '').split(';')[0] ?? ''
  }

  async function makeToken() {
    const made = await one.fetch('/api/v1/tokens', {
      method: 'POST',
      headers: { 'content-type': 'application/json', cookie: await signIn(one), 'x-holdfast-csrf': '1' },
      body: JSON.stringify({ name: 'revoked', permissions: ['devices.read'] }),
    })
    const { id, token: secret } = JSON.parse(await made.text()) as { id: string; token: string }
    return { id, secret }
  }
})
