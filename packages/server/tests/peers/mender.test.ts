import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateKey, type NewKeyKind, privateKeyPem, publicKeyPem } from '@holdfast/crypto/keys'
import { createAuthority } from '@holdfast/lab/peers/authority'
import { startCuttingProxy } from '@holdfast/lab/peers/cutting-proxy'
import { type MenderClient, type MenderClientOptions, startMenderClient } from '@holdfast/lab/peers/mender-client'
import { type Operator, operatorOf, type ProductUnderTest } from '@holdfast/lab/peers/operator'
import { tail } from '@holdfast/lab/peers/program'
import { whyNotRunnable } from '@holdfast/lab/peers/sandbox'
import { startWorld, type World } from '@holdfast/lab/world'

const missing = whyNotRunnable('mender', 'mender-client')

describe(
  'the unmodified mender-client',
  { concurrency: true, timeout: 300_000 },
  missing === undefined ? tryWithIt : () => test('is tried', { skip: missing }),
)

function tryWithIt() {
  let world: World
  let operator: Operator

  before(async () => {
    world = await startWorld()
    operator = operatorOf(world.client)
  })
  after(() => world[Symbol.asyncDispose]())

  /** A device named after its test. */
  const startDevice = (name: string, product: ProductUnderTest, options: Partial<MenderClientOptions> = {}) =>
    startMenderClient({
      serverUrl: world.deviceUrl,
      caFile: world.caFile,
      dir: join(world.directory, name),
      identity: { serial: name },
      deviceType: product.deviceType,
      verifyKey: product.verifyKey,
      tenantToken: world.organisation.tenantToken,
      settings: { UpdateControlMapExpirationTimeSeconds: 90 },
      ...options,
    })

  const patience = (client: MenderClient, seconds = 120) => ({ seconds, context: () => tail(client.program.output()) })

  /** Accepts a device that waits for it, and waits until the server knows its type. */
  const accept = async (client: MenderClient, name: string, product: ProductUnderTest): Promise<string> => {
    const { id } = await operator.deviceWith('serial', name, patience(client), 'pending')
    await world.client.devices.accept({ body: { devices: [id], product: product.id } })
    return id
  }

  for (const kind of ['rsa-3072', 'p256', 'ed25519'] satisfies NewKeyKind[]) {
    test(`is accepted by an operator, updates and reports, with a key of kind ${kind}`, async () => {
      const name = `accept-${kind}`
      const product = await operator.createProduct(name)
      const key = privateKeyPem((await generateKey(kind)).privateKey)
      await using client = await startDevice(name, product, { key, inventory: { colour: 'red' } })
      const device = await accept(client, name, product)
      const files = { 'app.txt': `made for ${kind}`, fill: randomBytes(200_000) }
      const deployment = await operator.deployMender(product, { version: `${name}-2`, files, devices: [device] })
      await client.waitUntilInstalled('app.txt', `made for ${kind}`, 120)
      await operator.status(deployment, device, 'success', patience(client))
      await operator.running(device, `${name}-2`, patience(client))
      const { inventory } = await world.client.devices.get({ params: { device } })
      assert.ok(inventory.some((item) => item.name === 'colour' && item.value === 'red'))
      await operator.deploymentState(deployment, 'finished', patience(client))
    })
  }

  test('needs nobody when its key was preauthorised, and is never pending', async () => {
    const name = 'preauthorised'
    const product = await operator.createProduct(name)
    const key = await generateKey('p256')
    const { id } = await world.client.devices.preauthorise({
      body: { identity: { serial: name }, publicKey: publicKeyPem(key.publicKey), product: product.id },
    })
    await using client = await startDevice(name, product, { key: privateKeyPem(key.privateKey) })
    const device = await operator.deviceWith('serial', name, patience(client), 'accepted')
    assert.equal(device.id, id)
    const deployment = await operator.deployMender(product, {
      version: `${name}-2`,
      files: { 'app.txt': 'two' },
      devices: [id],
    })
    await operator.status(deployment, id, 'success', patience(client))
  })

  test('is let in by the certificate of a trusted authority, and not by one of any other', async () => {
    const product = await operator.createProduct('mtls')
    const trusted = await createAuthority('Trusted Devices')
    const other = await createAuthority('Other Devices')
    await world.client.devices.trustAuthority({ body: { name: 'line 1', pem: trusted.pem } })
    const [good, bad] = [await trusted.issueClient('mtls'), await other.issueClient('mtls-other')]
    await using client = await startDevice('mtls', product, { tls: { cert: good.pem, key: good.keyPem } })
    await using stranger = await startDevice('mtls-other', product, { tls: { cert: bad.pem, key: bad.keyPem } })
    const { id } = await operator.deviceWith('serial', 'mtls', patience(client), 'accepted')
    const deployment = await operator.deployMender(product, {
      version: 'mtls-2',
      files: { 'app.txt': 'two' },
      devices: [id],
    })
    await operator.status(deployment, id, 'success', patience(client))
    await operator.deviceWith('serial', 'mtls-other', patience(stranger), 'pending')
  })

  test('resumes a download that was cut off where it stopped', async () => {
    const product = await operator.createProduct('resume')
    const target = new URL(world.deviceUrl)
    await using proxy = await startCuttingProxy({ targetPort: Number(target.port), afterBytes: 1_500_000 })
    await using client = await startDevice('resume', product, { serverUrl: `https://localhost:${proxy.port}` })
    const device = await accept(client, 'resume', product)
    const content = randomBytes(3_000_000).toString('base64')
    const deployment = await operator.deployMender(product, {
      version: 'resume-2',
      files: { 'app.txt': content },
      devices: [device],
    })
    await operator.status(deployment, device, 'success', patience(client, 200))
    assert.equal(proxy.cuts(), 1)
    assert.equal(await client.installed('app.txt'), content)
    assert.match(client.program.output(), /bytes=\d+-|[Rr]esum/)
  })

  test('refuses an artifact of a signer that it does not trust, and sends its log', async () => {
    const product = await operator.createProduct('signer')
    const verifyKey = publicKeyPem((await generateKey('p256')).publicKey)
    await using client = await startDevice('signer', product, { verifyKey })
    const device = await accept(client, 'signer', product)
    const deployment = await operator.deployMender(product, {
      version: 'signer-2',
      files: { 'app.txt': 'two' },
      devices: [device],
    })
    await operator.status(deployment, device, 'failure', patience(client))
    assert.equal(await client.installed('app.txt'), undefined)
    const messages = await operator.log(deployment, device, patience(client))
    assert.ok(messages.some(({ message }) => /signature|signer/i.test(message)))
  })

  test('goes back when its deployment is aborted in the middle', async () => {
    const product = await operator.createProduct('abort')
    await using client = await startDevice('abort', product)
    const device = await accept(client, 'abort', product)
    const deployment = await operator.deployMender(product, {
      version: 'abort-2',
      files: { 'app.txt': 'two' },
      module: 'slow',
      devices: [device],
    })
    await operator.status(deployment, device, 'installing', patience(client))
    await world.client.deployments.abort({ params: { deployment }, body: { reason: 'tried in a test' } })
    await client.goOn()
    await operator.status(deployment, device, 'aborted', patience(client))
    assert.ok((await client.states()).includes('ArtifactRollback'))
    assert.ok(!(await client.states()).includes('ArtifactCommit'))
    assert.equal(await client.installed('app.txt'), undefined)
  })

  test('waits before it installs and before it commits until an operator lets it go on', async () => {
    const product = await operator.createProduct('pause')
    await using client = await startDevice('pause', product)
    const device = await accept(client, 'pause', product)
    const deployment = await operator.deployMender(product, {
      version: 'pause-2',
      files: { 'app.txt': 'two' },
      devices: [device],
      policy: { pauseBefore: ['installing', 'committing'] },
    })
    await operator.status(deployment, device, 'paused_before_installing', patience(client))
    assert.equal(await client.installed('app.txt'), undefined)
    await world.client.deployments.continue({ params: { deployment, device } })
    await operator.status(deployment, device, 'paused_before_committing', patience(client))
    assert.equal(await client.installed('app.txt'), 'two')
    assert.ok(!(await client.states()).includes('ArtifactCommit'))
    await world.client.deployments.continue({ params: { deployment, device } })
    await operator.status(deployment, device, 'success', patience(client))
  })

  test('holds a downloaded update back until the operator says install', async () => {
    const product = await operator.createProduct('held')
    await using client = await startDevice('held', product)
    const device = await accept(client, 'held', product)
    const deployment = await operator.deployMender(product, {
      version: 'held-2',
      files: { 'app.txt': 'two' },
      devices: [device],
      policy: { downloadOnly: true },
    })
    await operator.status(deployment, device, 'paused_before_installing', patience(client))
    assert.equal(await client.installed('app.txt'), undefined)
    await world.client.deployments.install({ params: { deployment } })
    await operator.status(deployment, device, 'success', patience(client))
    assert.equal(await client.installed('app.txt'), 'two')
  })

  test('reports a failure with its log and is back where it was', async () => {
    const product = await operator.createProduct('failure')
    await using client = await startDevice('failure', product)
    const device = await accept(client, 'failure', product)
    const deployment = await operator.deployMender(product, {
      version: 'failure-2',
      files: { 'app.txt': 'two' },
      module: 'failing',
      devices: [device],
    })
    await operator.status(deployment, device, 'failure', patience(client))
    const messages = await operator.log(deployment, device, patience(client))
    assert.ok(messages.some(({ message }) => message.includes('the lab module was told to fail')))
    assert.equal(await client.installed('app.txt'), undefined)
    await operator.running(device, 'rel-0', patience(client))
  })

  test('is spared when the phase before it failed: the deployment halts by itself', async () => {
    const product = await operator.createProduct('halt')
    const names = ['halt-1', 'halt-2', 'halt-3']
    await using stack = new AsyncDisposableStack()
    const clients: MenderClient[] = []
    for (const name of names) clients.push(stack.use(await startDevice(name, product)))
    const [first] = clients as [MenderClient]
    const devices = await Promise.all(names.map((name, index) => accept(clients[index] ?? first, name, product)))
    const deployment = await operator.deployMender(product, {
      version: 'halt-2',
      files: { 'app.txt': 'two' },
      module: 'failing',
      devices,
      policy: { phases: [{ count: 1 }, {}], haltAtFailures: 1 },
    })
    const { counts } = await operator.deploymentState(deployment, 'halted', patience(first))
    assert.equal(counts.failure, 1)
    await sleep(6_000)
    const tried = await Promise.all(clients.map((client) => client.states()))
    assert.equal(tried.filter((states) => states.length > 0).length, 1)
  })
}
