import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { type Authority, type Credential, createAuthority } from '@holdfast/lab/peers/authority'
import { type Operator, operatorOf, type ProductUnderTest } from '@holdfast/lab/peers/operator'
import { createWire, type Wire, type WireAnswer } from '@holdfast/lab/peers/wire'
import { startWorld, type World } from '@holdfast/lab/world'

describe('the hawkBit device interface', () => {
  let world: World
  let operator: Operator
  let wire: Wire
  let images: Authority
  let signer: Credential
  let product: ProductUnderTest

  before(async () => {
    world = await startWorld({ config: { devices: { pollSeconds: 3_725 }, proxies: { trusted: ['127.0.0.1'] } } })
    operator = operatorOf(world.client)
    wire = createWire(world)
    images = await createAuthority('Images')
    signer = await images.issueSigner('release')
    product = await operator.createProduct('hawkbit-wire', images.pem)
  })
  after(() => world[Symbol.asyncDispose]())

  const baseOf = (id: string) => `/${world.organisation.ddiTenant}/controller/v1/${id}`

  interface Links {
    readonly [name: string]: { readonly href: string } | undefined
  }

  const linksOf = (answer: WireAnswer): Links => (answer.json() as { _links: Links })._links

  /** A device with a target token that has said what it is. */
  const enrol = async (id: string) => {
    const made = await world.client.devices.preauthorise({
      body: { identity: { serial: id }, controllerId: id, targetToken: true, product: product.id },
    })
    const headers = { authorization: `TargetToken ${made.targetToken}` }
    const get = (path: string, more: Record<string, string> = {}) =>
      wire(path.startsWith('https') ? path : baseOf(id) + path, { headers: { ...headers, ...more } })
    const send = (method: string, path: string, body: object) =>
      wire(path.startsWith('https') ? path : baseOf(id) + path, { method, headers, body })
    assert.equal((await get('')).status, 200)
    return { id: made.id, name: id, headers, get, send }
  }

  type Device = Awaited<ReturnType<typeof enrol>>
  let counter = 1

  const deployTo = (device: Device, content: Uint8Array, policy = {}) => {
    counter += 1
    return operator.deploySwu(product, {
      version: `${counter}.0`,
      file: 'app.bin',
      content,
      signer,
      devices: [device.id],
      policy,
    })
  }

  const feedback = (execution: string, finished = 'none', details: string[] = []) => ({
    id: 7,
    time: '20261122T075142',
    status: { execution, result: { finished }, details },
  })

  /** The address of the work that the device is shown, without its query. */
  const workOf = async (device: Device, link = 'deploymentBase'): Promise<string> => {
    const href = linksOf(await device.get(''))[link]?.href
    assert.ok(href !== undefined, `there is no link ${link}`)
    return href.split('?')[0] ?? ''
  }

  interface ArtifactDocument {
    readonly filename: string
    readonly size: number
    readonly hashes: { sha1: string; md5: string; sha256: string }
    readonly _links: { download: { href: string }; md5sum: { href: string } }
  }

  const artifactOf = (document: WireAnswer): ArtifactDocument => {
    const { deployment } = document.json() as { deployment: { chunks: { artifacts: ArtifactDocument[] }[] } }
    const artifact = deployment.chunks[0]?.artifacts[0]
    assert.ok(artifact !== undefined)
    return artifact
  }

  test('polling tells the interval, in the type that the client asks for, whatever the case of the tenant', async () => {
    const device = await enrol('poll')
    const answer = await device.get('')
    assert.deepEqual((answer.json() as { config: object }).config, { polling: { sleep: '01:02:05' } })
    assert.equal(answer.headers['content-type'], 'application/json')
    const hal = await device.get('', { accept: 'application/hal+json' })
    assert.equal(hal.headers['content-type'], 'application/hal+json')
    const upper = baseOf('poll').replace(world.organisation.ddiTenant, world.organisation.ddiTenant.toUpperCase())
    assert.equal((await wire(upper, { headers: device.headers })).status, 200)
    assert.equal((await wire(`/nobody/controller/v1/poll`, { headers: device.headers })).status, 401)
  })

  test('who proves nothing, or speaks for another device, is answered 401', async () => {
    const device = await enrol('proof')
    await enrol('proof-other')
    for (const headers of [{}, { authorization: 'TargetToken wrong' }, { authorization: 'Basic abc' }] as const) {
      assert.equal((await wire(baseOf('proof'), { headers })).status, 401)
    }
    assert.equal((await wire(baseOf('proof-other'), { headers: device.headers })).status, 401)
    assert.equal((await wire(baseOf('proof-unknown'), { headers: device.headers })).status, 401)
  })

  test('a trusted proxy vouches for clients of a trusted authority, in both families of headers', async () => {
    const authority = await createAuthority('Proxy Devices')
    await world.client.devices.trustAuthority({ body: { name: 'Proxy Devices', pem: authority.pem } })
    const fingerprint = createHash('sha256').update(authority.certificate).digest('hex')
    const old = { 'x-ssl-client-cn': 'proxied-1', 'x-ssl-issuer-hash-1': fingerprint.toUpperCase() }
    const current = { 'x-controller-id': 'proxied-2', 'x-authority': `someone; ${fingerprint}` }
    assert.equal((await wire(baseOf('proxied-1'), { headers: old })).status, 200)
    assert.equal((await wire(baseOf('proxied-2'), { headers: current })).status, 200)
    assert.equal((await wire(baseOf('proxied-3'), { headers: current })).status, 401)
    const foreign = { 'x-ssl-client-cn': 'proxied-4', 'x-ssl-issuer-hash-1': '00'.repeat(32) }
    assert.equal((await wire(baseOf('proxied-4'), { headers: foreign })).status, 401)
  })

  test('a deployment goes from the link over the document and the file to the end, and is then gone', async () => {
    const device = await enrol('whole')
    await device.send('PUT', '/configData', { data: { device_type: product.deviceType } })
    const deployment = await deployTo(device, randomBytes(50_000))
    const work = await workOf(device)
    const document = await device.get(work)
    const { id } = document.json() as { id: string }
    assert.ok(Number.isInteger(Number(id)) && Number(id) < 2 ** 31)
    const artifact = artifactOf(document)
    const file = await device.get(artifact._links.download.href)
    assert.equal(file.body.length, artifact.size)
    for (const hash of ['sha1', 'md5', 'sha256'] as const) {
      assert.equal(createHash(hash).update(file.body).digest('hex'), artifact.hashes[hash])
    }
    const sum = await device.get(artifact._links.md5sum.href)
    assert.equal(sum.body.toString(), `${artifact.hashes.md5}  ${artifact.filename}`)
    assert.equal((await device.send('POST', `${work}/feedback`, feedback('proceeding', 'none', ['step']))).status, 200)
    const history = (await device.get(`${work}?actionHistory=5`)).json() as { actionHistory: { status: string } }
    assert.equal(history.actionHistory.status, 'INSTALLING')
    assert.equal((await device.send('POST', `${work}/feedback`, feedback('closed', 'success'))).status, 200)
    assert.equal((await operator.standingOf(deployment, device.id))?.status, 'success')
    assert.equal((await device.send('POST', `${work}/feedback`, feedback('closed', 'failure'))).status, 410)
    assert.equal((await device.get(work)).status, 404)
    const installed = await workOf(device, 'installedBase')
    assert.equal(artifactOf(await device.get(installed)).filename, artifact.filename)
    assert.equal((await device.get(artifact._links.download.href)).status, 404)
  })

  test('a file answers HEAD, one range, many ranges and conditions', async () => {
    const device = await enrol('ranges')
    await deployTo(device, randomBytes(20_000))
    const { _links, hashes } = artifactOf(await device.get(await workOf(device)))
    const file = _links.download.href
    const whole = await device.get(file)
    const size = whole.body.length
    assert.equal(whole.headers.etag, `"${hashes.sha1}"`)
    const head = await wire(file, { method: 'HEAD', headers: device.headers })
    assert.equal(head.status, 200)
    assert.equal(Number(head.headers['content-length']), size)
    assert.equal(head.body.length, 0)
    const part = await device.get(file, { range: 'bytes=100-199' })
    assert.equal(part.status, 206)
    assert.ok(part.body.equals(whole.body.subarray(100, 200)))
    assert.equal(part.headers['content-range'], `bytes 100-199/${size}`)
    const many = await device.get(file, { range: 'bytes=0-9,1000-1019,-5' })
    assert.equal(many.status, 206)
    assert.equal(Number(many.headers['content-length']), many.body.length)
    const boundary = /boundary=(\S+)/.exec(String(many.headers['content-type']))?.[1] ?? ''
    const parts = many.body.toString('latin1').split(`--${boundary}`).slice(1, -1)
    const contents = parts.map((text) => text.slice(text.indexOf('\r\n\r\n') + 4, -2))
    const expected = [whole.body.subarray(0, 10), whole.body.subarray(1_000, 1_020), whole.body.subarray(-5)]
    assert.deepEqual(
      contents,
      expected.map((bytes) => bytes.toString('latin1')),
    )
    const beyond = await device.get(file, { range: `bytes=${size}-` })
    assert.equal(beyond.status, 416)
    assert.equal(beyond.headers['content-range'], `bytes */${size}`)
    const stale = await device.get(file, { range: 'bytes=0-9', 'if-range': '"something else"' })
    assert.equal(stale.status, 200)
    assert.equal((await device.get(file, { range: 'bytes=0-9', 'if-range': `"${hashes.sha1}"` })).status, 206)
    assert.equal((await device.get(file, { 'if-match': '"something else"' })).status, 412)
    const list = await device.get(file.slice(0, file.lastIndexOf('/')))
    assert.equal((JSON.parse(list.body.toString()) as ArtifactDocument[]).length, 1)
  })

  test('nobody fetches a file of a deployment that they have no part in', async () => {
    const [device, stranger] = [await enrol('files'), await enrol('files-stranger')]
    await deployTo(device, randomBytes(5_000))
    const file = artifactOf(await device.get(await workOf(device)))._links.download.href
    const theirs = file.replace(baseOf('files'), baseOf('files-stranger'))
    assert.equal((await wire(theirs, { headers: stranger.headers })).status, 404)
    assert.equal((await wire(file, { headers: stranger.headers })).status, 401)
  })

  test('a cancellation comes before the deployment, and ends when the device has closed it', async () => {
    const device = await enrol('cancel')
    const deployment = await deployTo(device, randomBytes(5_000))
    const work = await workOf(device)
    await device.send('POST', `${work}/feedback`, feedback('proceeding'))
    await world.client.deployments.abort({ params: { deployment }, body: { reason: 'tried' } })
    assert.equal((await device.send('POST', `${work}/feedback`, feedback('proceeding'))).status, 200)
    const links = linksOf(await device.get(''))
    assert.equal(links.deploymentBase, undefined)
    const cancel = links.cancelAction?.href ?? ''
    const { cancelAction } = (await device.get(cancel)).json() as { cancelAction: { stopId: string } }
    assert.equal(cancelAction.stopId, work.split('/').at(-1))
    assert.equal((await device.send('POST', `${cancel}/feedback`, feedback('rejected'))).status, 200)
    assert.ok(linksOf(await device.get('')).cancelAction !== undefined)
    assert.equal((await device.send('POST', `${cancel}/feedback`, feedback('closed', 'success'))).status, 200)
    assert.equal((await operator.standingOf(deployment, device.id))?.status, 'aborted')
    assert.equal(linksOf(await device.get('')).cancelAction, undefined)
  })

  test('an update that must wait is shown only to clients that are known to wait', async () => {
    const device = await enrol('wait')
    const deployment = await deployTo(device, randomBytes(5_000), { downloadOnly: true })
    assert.equal(linksOf(await device.get('')).deploymentBase, undefined)
    const rauc = { 'user-agent': 'rauc-hawkbit-c-agent/1.0' }
    const work = linksOf(await device.get('', rauc)).deploymentBase?.href ?? ''
    const { deployment: held } = (await device.get(work, rauc)).json() as { deployment: { update: string } }
    assert.equal(held.update, 'skip')
    await device.send('POST', `${work.split('?')[0]}/feedback`, feedback('closed', 'success', ['Skipped Update.']))
    assert.notEqual((await operator.standingOf(deployment, device.id))?.status, 'success')
    await world.client.deployments.install({ params: { deployment } })
    const released = linksOf(await device.get('', rauc)).deploymentBase?.href ?? ''
    assert.notEqual(released, work)
    const { deployment: now } = (await device.get(released, rauc)).json() as { deployment: { update: string } }
    assert.equal(now.update, 'forced')
  })

  test('a device confirms, denies and confirms again, or once and for all', async () => {
    const device = await enrol('confirm')
    const deployment = await deployTo(device, randomBytes(5_000), { confirmation: true })
    assert.equal(linksOf(await device.get('')).deploymentBase, undefined)
    const asked = await workOf(device, 'confirmationBase')
    const { confirmation } = (await device.get(asked)).json() as { confirmation: { chunks: object[] } }
    assert.equal(confirmation.chunks.length, 1)
    const say = (word: string) =>
      device.send('POST', `${asked}/feedback`, { confirmation: word, code: 1, details: ['by hand'] })
    assert.equal((await say('denied')).status, 200)
    assert.equal(linksOf(await device.get('')).deploymentBase, undefined)
    assert.equal((await say('confirmed')).status, 200)
    assert.ok((await workOf(device)).length > 0)
    assert.equal((await say('denied')).status, 410)
    assert.notEqual(await operator.standingOf(deployment, device.id), undefined)

    const willing = await enrol('confirm-always')
    const auto = async () =>
      ((await willing.get('/confirmationBase')).json() as { autoConfirm: { active: boolean } }).autoConfirm.active
    assert.equal(await auto(), false)
    const given = { initiator: 'somebody', remark: 'always' }
    assert.equal((await willing.send('POST', '/confirmationBase/activateAutoConfirm', given)).status, 200)
    assert.equal(await auto(), true)
    await deployTo(willing, randomBytes(5_000), { confirmation: true })
    assert.ok((await workOf(willing)).length > 0)
    assert.equal((await willing.send('POST', '/confirmationBase/deactivateAutoConfirm', {})).status, 200)
    assert.equal(await auto(), false)
  })

  test('attributes are merged, replaced or removed as the device says, and asked for until its type is known', async () => {
    const device = await enrol('attributes')
    assert.ok(linksOf(await device.get('')).configData !== undefined)
    const put = (data: object, mode?: string) =>
      device.send('PUT', '/configData', { ...(mode === undefined ? {} : { mode }), data })
    const known = async () => {
      const { inventory } = await world.client.devices.get({ params: { device: device.id } })
      return inventory
        .filter(({ scope }) => scope === 'inventory')
        .map(({ name }) => name)
        .sort()
    }
    assert.equal((await put({ device_type: product.deviceType, a: '1' })).status, 200)
    assert.equal((await put({ b: '2' })).status, 200)
    assert.deepEqual(await known(), ['a', 'b', 'device_type'])
    assert.equal((await put({ a: '' }, 'remove')).status, 200)
    assert.deepEqual(await known(), ['b', 'device_type'])
    assert.equal((await put({ device_type: product.deviceType }, 'replace')).status, 200)
    assert.deepEqual(await known(), ['device_type'])
    assert.equal((await put({ a: '1' }, 'invent')).status, 400)
    assert.equal(linksOf(await device.get('')).configData, undefined)
  })

  test('what a device says that it runs is believed', async () => {
    const device = await enrol('says')
    assert.equal((await device.send('PUT', '/installedBase', { name: '9.0', version: '9.0' })).status, 200)
    assert.equal((await world.client.devices.get({ params: { device: device.id } })).software, '9.0')
  })

  test('unknown actions and broken feedback are refused', async () => {
    const device = await enrol('unknown')
    for (const id of ['999999', 'abc', '-1', '0']) {
      assert.equal((await device.get(`/deploymentBase/${id}`)).status, 404)
      assert.equal((await device.send('POST', `/deploymentBase/${id}/feedback`, feedback('closed'))).status, 404)
      assert.equal((await device.get(`/cancelAction/${id}`)).status, 404)
      assert.equal((await device.get(`/confirmationBase/${id}`)).status, 404)
      assert.equal((await device.get(`/softwaremodules/${id}/artifacts`)).status, 404)
    }
    await deployTo(device, randomBytes(5_000))
    const work = await workOf(device)
    for (const body of [{}, { status: {} }, feedback('dancing'), feedback('closed', 'maybe')]) {
      assert.equal((await device.send('POST', `${work}/feedback`, body)).status, 400)
    }
    const wordy = feedback(
      'proceeding',
      'none',
      Array.from({ length: 51 }, (_, index) => `line ${index}`),
    )
    assert.equal((await device.send('POST', `${work}/feedback`, wordy)).status, 429)
  })
})
