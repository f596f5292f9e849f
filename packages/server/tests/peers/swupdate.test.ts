import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Authority, type Credential, createAuthority } from '@holdfast/lab/peers/authority'
import { startCuttingProxy } from '@holdfast/lab/peers/cutting-proxy'
import { type Operator, operatorOf, type ProductUnderTest } from '@holdfast/lab/peers/operator'
import { tail } from '@holdfast/lab/peers/program'
import { whyNotRunnable } from '@holdfast/lab/peers/sandbox'
import { type Swupdate, type SwupdateOptions, startSwupdate } from '@holdfast/lab/peers/swupdate'
import { startWorld, type World } from '@holdfast/lab/world'

const missing = whyNotRunnable('swupdate')

describe(
  'the unmodified swupdate',
  { concurrency: 4, timeout: 300_000 },
  missing === undefined ? tryWithIt : () => test('is tried', { skip: missing }),
)

function tryWithIt() {
  let world: World
  let operator: Operator
  let images: Authority
  let signer: Credential
  let gatewayToken: string

  before(async () => {
    world = await startWorld({ config: { devices: { pollSeconds: 5 } } })
    operator = operatorOf(world.client)
    images = await createAuthority('Images')
    signer = await images.issueSigner('release')
    gatewayToken = (await world.client.devices.gatewayToken()).token
  })
  after(() => world[Symbol.asyncDispose]())

  const startDevice = (id: string, auth: SwupdateOptions['auth'], options: Partial<SwupdateOptions> = {}) =>
    startSwupdate({
      serverUrl: world.deviceUrl,
      caFile: world.caFile,
      dir: join(world.directory, id),
      tenant: world.organisation.ddiTenant.toUpperCase(),
      id,
      auth,
      signerCa: images.pem,
      identify: { device_type: id, serial: `SN-${id}` },
      ...options,
    })

  const patience = (client: Swupdate, seconds = 120) => ({ seconds, context: () => tail(client.program.output()) })

  /** A product and a device of it that has a target token. */
  const preauthorise = async (id: string): Promise<{ product: ProductUnderTest; device: string; token: string }> => {
    const product = await operator.createProduct(id, images.pem)
    const made = await world.client.devices.preauthorise({
      body: { identity: { serial: `SN-${id}` }, controllerId: id, targetToken: true, product: product.id },
    })
    assert.ok(made.targetToken !== undefined)
    return { product, device: made.id, token: made.targetToken }
  }

  test('installs a signed and encrypted image with its target token, and confirms it after its restart', async () => {
    const { product, device, token } = await preauthorise('encrypted')
    const [key, iv, content] = [randomBytes(32), randomBytes(16), randomBytes(500_000)]
    const aes = { key: key.toString('hex'), iv: iv.toString('hex') }
    await using client = await startDevice('encrypted', { target: token }, { aes })
    const deployment = await operator.deploySwu(product, {
      version: '2.0',
      file: 'app.bin',
      content,
      signer,
      encrypt: { key, iv },
      devices: [device],
    })
    await client.waitUntilInstalled('app.bin', content, 120)
    await client.program.said(/installed update is pending testing/, 120)
    await client.restart('success')
    await operator.status(deployment, device, 'success', patience(client))
    const { inventory } = await world.client.devices.get({ params: { device } })
    assert.ok(inventory.some((item) => item.name === 'serial' && item.value === 'SN-encrypted'))
  })

  test('is taken in by a gateway token, whatever it calls itself', async () => {
    const product = await operator.createProduct('gateway', images.pem)
    await using client = await startDevice('gateway', { gateway: gatewayToken })
    const { id } = await operator.deviceWith('controllerId', 'gateway', patience(client), 'accepted')
    const content = randomBytes(100_000)
    await operator.deploySwu(product, { version: '2.0', file: 'app.bin', content, signer, devices: [id] })
    await client.waitUntilInstalled('app.bin', content, 120)
  })

  test('is let in by the certificate of a trusted authority, and not by one of any other', async () => {
    const product = await operator.createProduct('certificate', images.pem)
    const [trusted, other] = [await createAuthority('Trusted Devices'), await createAuthority('Other Devices')]
    await world.client.devices.trustAuthority({ body: { name: 'line 1', pem: trusted.pem } })
    const [good, bad] = [await trusted.issueClient('certificate'), await other.issueClient('certificate-other')]
    await using client = await startDevice('certificate', { cert: good.pem, key: good.keyPem })
    await using stranger = await startDevice('certificate-other', { cert: bad.pem, key: bad.keyPem })
    const { id } = await operator.deviceWith('controllerId', 'certificate', patience(client), 'accepted')
    const content = randomBytes(100_000)
    await operator.deploySwu(product, { version: '2.0', file: 'app.bin', content, signer, devices: [id] })
    await client.waitUntilInstalled('app.bin', content, 120)
    await stranger.program.said(/401|[Uu]nauthori[sz]ed|[Aa]uthentication/, 30)
    const { items } = await world.client.devices.list({
      query: { filter: 'identity.controllerId = "certificate-other" and state = accepted' },
    })
    assert.deepEqual(items, [])
  })

  test('resumes a download that was cut off where it stopped', async () => {
    const { product, device, token } = await preauthorise('resume')
    const target = new URL(world.deviceUrl)
    await using proxy = await startCuttingProxy({ targetPort: Number(target.port), afterBytes: 1_000_000 })
    await using client = await startDevice(
      'resume',
      { target: token },
      { serverUrl: `https://localhost:${proxy.port}` },
    )
    const content = randomBytes(3_000_000)
    await operator.deploySwu(product, { version: '2.0', file: 'app.bin', content, signer, devices: [device] })
    await client.waitUntilInstalled('app.bin', content, 120)
    assert.equal(proxy.cuts(), 1)
  })

  test('refuses an image of a signer that it does not trust, and says so', async () => {
    const { product, device, token } = await preauthorise('signer')
    const others = await createAuthority('Other Images')
    await using client = await startDevice('signer', { target: token }, { signerCa: others.pem })
    const content = randomBytes(100_000)
    const deployment = await operator.deploySwu(product, {
      version: '2.0',
      file: 'app.bin',
      content,
      signer,
      devices: [device],
    })
    await operator.status(deployment, device, 'failure', patience(client))
    assert.equal(await client.installed('app.bin'), undefined)
  })

  test('stops a download that is called off', async () => {
    const { product, device, token } = await preauthorise('cancel')
    await using client = await startDevice('cancel', { target: token }, { bytesPerSecond: 50_000 })
    const content = randomBytes(3_000_000)
    const deployment = await operator.deploySwu(product, {
      version: '2.0',
      file: 'app.bin',
      content,
      signer,
      devices: [device],
    })
    await operator.status(deployment, device, 'downloading', patience(client))
    await world.client.deployments.abort({ params: { deployment }, body: { reason: 'tried in a test' } })
    await operator.status(deployment, device, 'aborted', patience(client))
    assert.notDeepEqual(await client.installed('app.bin'), content)
  })

  test('does not see what it may not install yet, because it would take it for done', async () => {
    const { product, device, token } = await preauthorise('held')
    await using client = await startDevice('held', { target: token })
    const content = randomBytes(100_000)
    const deployment = await operator.deploySwu(product, {
      version: '2.0',
      file: 'app.bin',
      content,
      signer,
      devices: [device],
      policy: { downloadOnly: true },
    })
    await client.program.said(/No pending action on server/, 120)
    await sleep(12_000)
    assert.equal(await operator.standingOf(deployment, device), undefined)
    assert.doesNotMatch(client.program.output(), /Skipped Update/)
    await world.client.deployments.install({ params: { deployment } })
    await client.waitUntilInstalled('app.bin', content, 120)
  })
}
