import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { generateKey, type KeyPair, publicKeyPem } from '@holdfast/crypto/keys'
import { createAuthority } from '@holdfast/lab/peers/authority'
import { type Operator, operatorOf, type ProductUnderTest } from '@holdfast/lab/peers/operator'
import { createWire, menderAuthRequest, type Wire } from '@holdfast/lab/peers/wire'
import { startWorld, type World } from '@holdfast/lab/world'

const authentication = '/api/devices/v1/authentication/auth_requests'
const next = '/api/devices/v2/deployments/device/deployments/next'
const attributes = '/api/devices/v1/inventory/device/attributes'
const configuration = '/api/devices/v1/deviceconfig/configuration'
const ofDeployment = (id: string, resource: string) =>
  `/api/devices/v1/deployments/device/deployments/${id}/${resource}`

describe('the Mender device interface', () => {
  let world: World
  let operator: Operator
  let wire: Wire
  let product: ProductUnderTest

  before(async () => {
    world = await startWorld()
    operator = operatorOf(world.client)
    wire = createWire(world)
    product = await operator.createProduct('mender-wire')
  })
  after(() => world[Symbol.asyncDispose]())

  interface Device {
    readonly id: string
    readonly bearer: { authorization: string }
    readonly provides: { artifact_name: string; device_type: string }
    ask(): ReturnType<Wire>
    say(id: string, status: string): ReturnType<Wire>
  }

  const enrol = async (serial: string, key?: KeyPair): Promise<Device> => {
    const pair = key ?? (await generateKey('ed25519'))
    const { id } = await world.client.devices.preauthorise({
      body: { identity: { serial }, publicKey: publicKeyPem(pair.publicKey), product: product.id },
    })
    const answer = await wire(authentication, menderAuthRequest(pair, { serial }, world.organisation.tenantToken))
    assert.equal(answer.status, 200)
    const bearer = { authorization: `Bearer ${answer.body.toString()}` }
    const provides = { artifact_name: 'rel-0', device_type: product.deviceType }
    const body = { device_provides: provides, update_control_map: true }
    return {
      id,
      bearer,
      provides,
      ask: () => wire(next, { method: 'POST', headers: bearer, body }),
      say: (deployment, status) =>
        wire(ofDeployment(deployment, 'status'), { method: 'PUT', headers: bearer, body: { status } }),
    }
  }

  const deployTo = (device: Device, version: string, content: Uint8Array | string = 'two') =>
    operator.deployMender(product, { version, files: { 'app.txt': content }, devices: [device.id] })

  const linkOf = (answer: Awaited<ReturnType<Wire>>): string => {
    const { artifact } = answer.json() as { artifact: { source: { uri: string } } }
    return artifact.source.uri
  }

  test('the answer to an accepted device is its bare token, and to everybody else the same refusal', async () => {
    const pair = await generateKey('p256')
    const asked = menderAuthRequest(pair, { serial: 'bare' }, world.organisation.tenantToken)
    const [pending, again] = [await wire(authentication, asked), await wire(authentication, asked)]
    assert.deepEqual([pending.status, again.status], [401, 401])
    const { id } = await operator.deviceWith('serial', 'bare', { seconds: 10 }, 'pending')
    await world.client.devices.accept({ body: { devices: [id] } })
    const accepted = await wire(authentication, { ...asked, headers: { ...asked.headers, authorization: 'Bearer ' } })
    assert.equal(accepted.status, 200)
    assert.equal(accepted.headers['content-type'], 'application/jwt')
    assert.match(accepted.body.toString(), /^[\w-]+\.[\w-]+\.[\w-]+$/)
    await world.client.devices.reject({ params: { device: id } })
    const rejected = await wire(authentication, asked)
    assert.equal(rejected.status, 401)
    assert.equal(rejected.json().error, pending.json().error)
    assert.equal(typeof rejected.json().request_id, 'string')
  })

  test('a signature must be over the very bytes of the body, by the key in it', async () => {
    const pair = await generateKey('p256')
    const asked = menderAuthRequest(pair, { serial: 'forged' }, world.organisation.tenantToken)
    const other = menderAuthRequest(await generateKey('p256'), { serial: 'forged' }, world.organisation.tenantToken)
    assert.equal((await wire(authentication, { ...asked, body: asked.body.trimEnd() })).status, 401)
    assert.equal((await wire(authentication, { ...asked, headers: other.headers })).status, 401)
    assert.equal((await wire(authentication, { method: 'POST', body: asked.body })).status, 400)
    assert.equal((await wire(authentication, { ...asked, body: '{' })).status, 400)
    const { items } = await world.client.devices.list({ query: { filter: 'identity.serial = "forged"' } })
    assert.deepEqual(items, [])
  })

  test('an unknown tenant token finds nobody', async () => {
    const asked = menderAuthRequest(await generateKey('ed25519'), { serial: 'lost' }, 'of nobody')
    assert.equal((await wire(authentication, asked)).status, 401)
  })

  test('a certificate for another key than the one that asks counts for nothing', async () => {
    const authority = await createAuthority('Wire Devices')
    await world.client.devices.trustAuthority({ body: { name: 'wire', pem: authority.pem } })
    const tls = await authority.issueClient('borrowed')
    const asked = menderAuthRequest(await generateKey('p256'), { serial: 'borrowed' }, world.organisation.tenantToken)
    assert.equal((await wire(authentication, { ...asked, tls })).status, 401)
  })

  test('without a token, or with a broken one, every call is answered 401', async () => {
    for (const headers of [{}, { authorization: 'Bearer ' }, { authorization: 'Bearer a.b.c' }] as const) {
      assert.equal((await wire(next, { method: 'POST', headers, body: {} })).status, 401)
      assert.equal((await wire(attributes, { method: 'PUT', headers, body: [] })).status, 401)
      assert.equal((await wire(ofDeployment('x', 'status'), { method: 'PUT', headers, body: {} })).status, 401)
    }
  })

  test('all three ways to ask give the same deployment, and nothing once it is done', async () => {
    const device = await enrol('three-ways')
    assert.equal((await device.ask()).status, 204)
    const deployment = await deployTo(device, 'three-ways-2')
    const v2 = await device.ask()
    const v1 = await wire(next.replace('v2', 'v1'), { method: 'POST', headers: device.bearer, body: device.provides })
    const query = new URLSearchParams(device.provides)
    const get = await wire(`${next.replace('v2', 'v1')}?${query}`, { headers: device.bearer })
    for (const answer of [v2, v1, get]) {
      assert.equal(answer.status, 200)
      assert.equal(answer.json().id, deployment)
      assert.equal(answer.json().update_control_map, undefined)
    }
    for (const status of ['downloading', 'downloading', 'installing', 'installing', 'success', 'success']) {
      assert.equal((await device.say(deployment, status)).status, 204, status)
    }
    assert.equal((await device.say(deployment, 'failure')).status, 409)
    const after = { ...device.provides, artifact_name: 'three-ways-2' }
    const done = await wire(next, { method: 'POST', headers: device.bearer, body: { device_provides: after } })
    assert.equal(done.status, 204)
  })

  test('a download has its length, is never compressed, resumes, and its link cannot be bent', async () => {
    const device = await enrol('download')
    await deployTo(device, 'download-2', randomBytes(300_000))
    const uri = linkOf(await device.ask())
    const whole = await wire(uri, { headers: { 'accept-encoding': 'gzip' } })
    assert.equal(whole.status, 200)
    assert.equal(whole.headers['content-encoding'], undefined)
    assert.equal(Number(whole.headers['content-length']), whole.body.length)
    assert.ok(whole.body.length > 4_096)
    const rest = await wire(uri, { headers: { range: 'bytes=100000-' } })
    assert.equal(rest.status, 206)
    assert.equal(rest.headers['content-range'], `bytes 100000-${whole.body.length - 1}/${whole.body.length}`)
    assert.ok(rest.body.equals(whole.body.subarray(100_000)))
    const head = await wire(uri, { method: 'HEAD' })
    assert.equal(Number(head.headers['content-length']), whole.body.length)
    assert.equal((await wire(uri, { headers: { range: `bytes=${whole.body.length}-` } })).status, 416)
    const other = await enrol('download-other')
    const bent = new URL(uri)
    bent.searchParams.set('device', String(Number(bent.searchParams.get('device')) + 1))
    assert.equal((await wire(bent.href, { headers: other.bearer })).status, 403)
  })

  test('a device that is rejected in the middle can fetch nothing more', async () => {
    const device = await enrol('cut-off')
    await deployTo(device, 'cut-off-2')
    const uri = linkOf(await device.ask())
    assert.equal((await wire(uri)).status, 200)
    await world.client.devices.reject({ params: { device: device.id } })
    assert.equal((await wire(uri)).status, 403)
    assert.equal((await device.ask()).status, 401)
  })

  test('a status in an aborted deployment is answered 409, and in an unknown one 404', async () => {
    const device = await enrol('aborted')
    const deployment = await deployTo(device, 'aborted-2')
    assert.equal((await device.ask()).status, 200)
    assert.equal((await device.say(deployment, 'downloading')).status, 204)
    await world.client.deployments.abort({ params: { deployment }, body: { reason: 'tried' } })
    assert.equal((await device.say(deployment, 'installing')).status, 409)
    assert.equal((await device.say(deployment, 'failure')).status, 204)
    assert.equal((await device.say(world.organisation.id, 'installing')).status, 404)
    const stranger = await enrol('aborted-stranger')
    assert.equal((await stranger.say(deployment, 'success')).status, 404)
  })

  test('the audit log says which device reported, from where, and what changed', async () => {
    const device = await enrol('recorded')
    const id = await deployTo(device, 'recorded-2')
    assert.equal((await device.ask()).status, 200)
    assert.equal((await device.say(id, 'installing')).status, 204)
    const query = { type: 'deployment.device_changed', actor: device.id }
    const [record] = (await world.client.audit.list({ query })).items
    assert.deepEqual(record?.actor, { kind: 'device', id: device.id })
    assert.match(record?.origin ?? '', /127\.0\.0\.1$/)
    assert.deepEqual(record?.subject, { kind: 'deployment', id })
    assert.notEqual(record?.before, record?.after)
    assert.ok(record?.before !== undefined && record.after !== undefined)
  })

  test('a control map bears the id of the deployment and fails what was called off', async () => {
    const device = await enrol('map')
    const deployment = await operator.deployMender(product, {
      version: 'map-2',
      files: { 'app.txt': 'two' },
      devices: [device.id],
      policy: { pauseBefore: ['rebooting'] },
    })
    const map = (await device.ask()).json().update_control_map as { id: string; states: Record<string, object> }
    assert.equal(map.id, deployment)
    assert.deepEqual(Object.keys(map.states), ['ArtifactInstall_Enter', 'ArtifactReboot_Enter', 'ArtifactCommit_Enter'])
    const actionsNow = async () => {
      const path = `/api/devices/v2/deployments/device/deployments/${deployment}/update_control_map`
      const { update_control_map } = (await wire(path, { headers: device.bearer })).json() as {
        update_control_map: { states: Record<string, { action: string }> }
      }
      return Object.values(update_control_map.states).map(({ action }) => action)
    }
    assert.deepEqual(await actionsNow(), ['continue', 'pause', 'continue'])
    await world.client.deployments.abort({ params: { deployment }, body: { reason: 'tried' } })
    assert.deepEqual(await actionsNow(), ['fail', 'fail', 'fail'])
  })

  test('a client that knows no pause points is not asked to wait, and gets nothing it must wait for', async () => {
    const device = await enrol('old')
    await operator.deployMender(product, {
      version: 'old-2',
      files: { 'app.txt': 'two' },
      devices: [device.id],
      policy: { downloadOnly: true },
    })
    const old = await wire(next, { method: 'POST', headers: device.bearer, body: { device_provides: device.provides } })
    assert.equal(old.status, 204)
    assert.equal((await device.ask()).status, 200)
  })

  test('inventory is replaced by PUT and merged by PATCH, both answered 200', async () => {
    const device = await enrol('inventory')
    const send = (method: string, body: object) => wire(attributes, { method, headers: device.bearer, body })
    const names = async () => {
      const { inventory } = await world.client.devices.get({ params: { device: device.id } })
      return inventory
        .filter(({ scope }) => scope === 'inventory')
        .map(({ name }) => name)
        .sort()
    }
    assert.equal(
      (
        await send('PUT', [
          { name: 'a', value: '1' },
          { name: 'b', value: ['x', 'y'] },
        ])
      ).status,
      200,
    )
    assert.deepEqual(await names(), ['a', 'b'])
    assert.equal((await send('PATCH', [{ name: 'c', value: '3' }])).status, 200)
    assert.deepEqual(await names(), ['a', 'b', 'c'])
    assert.equal((await send('PUT', [{ name: 'c', value: '3' }])).status, 200)
    assert.deepEqual(await names(), ['c'])
    assert.equal((await send('PUT', [{ name: '', value: '3' }])).status, 400)
  })

  test('a device reads its configuration and reports the one that it uses', async () => {
    const device = await enrol('configured')
    assert.deepEqual((await wire(configuration, { headers: device.bearer })).json(), {})
    const report = { method: 'PUT', headers: device.bearer, body: { timezone: 'Europe/Berlin' } }
    assert.equal((await wire(configuration, report)).status, 204)
    const { reported } = await world.client.configuration.get({ params: { device: device.id } })
    assert.deepEqual(reported, { timezone: 'Europe/Berlin' })
  })

  test('hostile bodies are refused without an effect', async () => {
    const device = await enrol('hostile')
    const post = (body: string) =>
      wire(next, { method: 'POST', headers: { ...device.bearer, 'content-type': 'application/json' }, body })
    for (const body of [
      '',
      'null',
      '[]',
      '{"device_provides":[]}',
      '{"device_provides":{"a":1}}',
      '{"device_provides":null}',
    ]) {
      assert.equal((await post(body)).status, 400, body)
    }
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`k${index}`, 'v']))
    assert.equal((await post(JSON.stringify({ device_provides: many }))).status, 400)
    assert.equal((await post(JSON.stringify({ device_provides: { a: 'x'.repeat(70_000) } }))).status, 413)
    const polluted = `{"device_provides":{"__proto__":"x","artifact_name":"rel-0","device_type":"${product.deviceType}"}}`
    assert.equal((await post(polluted)).status, 204)
    assert.equal(({} as { x?: string }).x, undefined)
  })
})
