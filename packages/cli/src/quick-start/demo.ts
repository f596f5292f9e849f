import { createReadStream } from 'node:fs'
import { mkdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '@holdfast/client'
import { Fault } from '@holdfast/kernel'
import type { DeviceEvent } from '@holdfast/lab/virtual-device'
import type { DeviceProcess } from '@holdfast/lab/virtual-device-file'
import type { App } from '@holdfast/server/app'
import { systemActor } from '@holdfast/server/platform/actor'
import { signRelease } from '../commands/release-artifacts.ts'
import { summaryLine } from '../view/deployment-view.ts'
import { demoDevices, deviceDirectory, startDemoDevices } from './demo-devices.ts'
import { demoArtifact, demoProduct, demoVersion, makeDemoArtifact, openDemoKey } from './demo-release.ts'
import { type DemoState, readDemoState, writeDemoState } from './demo-state.ts'
import { createInProcessClient } from './in-process-client.ts'

export interface Demo {
  readonly devices: readonly DeviceProcess[]
  /** Resolves when the demo's update has finished; at once when it had before. */
  readonly finished: Promise<void>
}

export interface DemoNeeds {
  readonly app: App
  readonly directory: string
  readonly say: (line: string) => void
  readonly signal: AbortSignal
}

const updatePatience = 120_000

/** Whether this data directory has, or may have, a demo: it is never put into an installation that people use. */
export async function mayDemo(app: App, directory: string): Promise<boolean> {
  if ((await readDemoState(directory)).organisation !== undefined) return true
  return (await app.tenancy.organisationIds()).length === 0
}

/** Makes the demo, or resumes it: its devices always run, its update happens once. */
export async function startDemo({ app, directory, say, signal }: DemoNeeds): Promise<Demo> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  let state = await readDemoState(directory)
  const remember = async (more: DemoState) => {
    state = { ...state, ...more }
    await writeDemoState(directory, state)
  }
  if (state.organisation === undefined) {
    const { id } = await app.tenancy.prepareOrganisation(systemActor('quick-start'), 'Demo')
    await remember({ organisation: id })
  }
  const organisation = state.organisation ?? ''
  const client = createInProcessClient(app.apiRoutes, organisation)
  const key = await openDemoKey(directory)
  const first = state.finished !== true
  if (state.product === undefined) {
    await remember({ product: await makeProduct(client, key.publicPem) })
    say(`Made the product “${demoProduct.name}”; it trusts releases signed by ${key.file}`)
  }
  const product = state.product ?? ''
  if (state.release === undefined) {
    await remember({ release: await makeRelease(client, product, directory, key.file) })
    say(`Signed release ${demoVersion} with that key, which the server never sees, and released it`)
  }
  const { tenantToken } = await organisationOf(app, organisation)
  const server = { url: app.deviceUrl, authority: app.foundation.tls.authority, tenantToken, verifyKey: key.publicPem }
  const devices = await startDemoDevices(directory, server, (name, event) => {
    if (first) sayEvent(say, name, event)
    else if (event.kind === 'failed') say(`${name}: ${event.why}`)
  })
  say(`${first ? 'Started' : 'Resumed'} ${devices.length} virtual devices in ${join(directory, 'devices')}`)
  if (!first) return { devices, finished: Promise.resolve() }
  const finished = runUpdate({ client, state, product, remember, say, directory, signal })
  return { devices, finished }
}

async function makeProduct(client: Client, publicPem: string): Promise<string> {
  const { items } = await client.products.list()
  const present = items.find((item) => item.key === demoProduct.key)
  if (present !== undefined) return present.id
  const { key, name, deviceType } = demoProduct
  const description = 'Three stations that measure the weather, as processes on this machine.'
  const { id } = await client.products.create({ body: { key, name, description, deviceTypes: [deviceType] } })
  await client.products.trustKey({ params: { product: id }, body: { name: 'Demo release key', pem: publicPem } })
  return id
}

async function makeRelease(client: Client, product: string, directory: string, keyFile: string): Promise<string> {
  const { items } = await client.releases.list({ query: { product, version: demoVersion } })
  const id =
    items[0]?.id ??
    (await client.releases.create({ body: { product, version: demoVersion, notes: 'Forecasts for tomorrow.' } })).id
  if (items[0] === undefined || items[0].artifacts.length === 0) {
    const { file, fileName } = await makeDemoArtifact(directory)
    await client.releases.uploadArtifact({ params: { release: id, fileName }, body: createReadStream(file) })
  }
  const release = await client.releases.get({ params: { release: id } })
  if (release.signatures.trusted === 0) await signRelease({ client }, release, { key: keyFile })
  if (release.state !== 'released') await client.releases.release({ params: { release: id } })
  return id
}

async function organisationOf(app: App, id: string): Promise<{ tenantToken: string }> {
  const row = await app.foundation.db.read
    .selectFrom('organisation')
    .select('tenant_token')
    .where('id', '=', id)
    .executeTakeFirst()
  if (row === undefined) throw new Fault('missing', 'demo.no_organisation', 'the organisation of the demo is gone')
  return { tenantToken: row.tenant_token }
}

interface Update {
  readonly client: Client
  readonly state: DemoState
  readonly product: string
  readonly remember: (more: DemoState) => Promise<void>
  readonly say: (line: string) => void
  readonly directory: string
  readonly signal: AbortSignal
}

async function runUpdate({ client, state, product, remember, say, directory, signal }: Update): Promise<void> {
  const deadline = Date.now() + updatePatience
  const mine = 'identity.serial like "WS-100*"'
  const pending = await until(deadline, signal, 'the devices to ask for admission', async () => {
    const { items } = await client.devices.list({ query: { filter: mine } })
    return items.length === demoDevices.length ? items : undefined
  })
  const ids = pending.map((device) => device.id)
  const { accepted } = await client.devices.accept({ body: { devices: ids, product } })
  if (accepted > 0) say(`Accepted ${accepted} devices; each proved to hold its own key`)
  for (const device of pending) {
    const name = demoDevices[Number(String(device.identity.serial).slice(-1)) - 1]
    if (name !== undefined)
      await client.devices.change({ params: { device: device.id }, body: { name, tags: ['demo'] } })
  }
  let id = state.deployment
  if (id === undefined) {
    const made = await client.deployments.create({
      body: {
        name: `${demoProduct.name} ${demoVersion}`,
        release: (await released(client, product)).id,
        target: { kind: 'devices', devices: ids },
        policy: { phases: [{ count: 1 }, {}], successPercent: 100, haltAtFailures: 1 },
      },
    })
    id = made.id
    await remember({ deployment: id })
    say('Deploying it in two phases: one device first, the other two when that one has succeeded')
  }
  await followDeployment(client, id, deadline, signal, say)
  await until(deadline, signal, 'the devices to report what they run', async () => {
    const { items } = await client.devices.list({ query: { filter: mine } })
    return items.every((device) => device.software === demoArtifact) ? items : undefined
  })
  const running = await countRunning(directory)
  await remember({ finished: true })
  say(`Demo update finished: ${running} of ${demoDevices.length} devices run ${demoArtifact}`)
}

async function released(client: Client, product: string): Promise<{ id: string }> {
  const { items } = await client.releases.list({ query: { product, version: demoVersion } })
  const [release] = items
  if (release === undefined) throw new Fault('missing', 'demo.no_release', 'the release of the demo is gone')
  return release
}

async function followDeployment(
  client: Client,
  deployment: string,
  deadline: number,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<void> {
  let opened = 0
  await until(deadline, signal, 'the deployment to finish', async () => {
    const now = await client.deployments.get({ params: { deployment } })
    for (const phase of now.phases) {
      if (phase.openedAt === undefined || phase.number <= opened) continue
      opened = phase.number
      say(`Phase ${phase.number} is open: ${phase.devices} of ${now.devices} devices`)
    }
    if (now.state === 'finished') return now
    if (now.state === 'running' || now.state === 'scheduled') return undefined
    throw new Fault('refused', 'demo.stopped', `the demo’s deployment did not finish: ${summaryLine(now)}`)
  })
}

/** Looked up on the devices themselves: what their directories hold, not what they said. */
async function countRunning(directory: string): Promise<number> {
  let running = 0
  for (const name of demoDevices) {
    const root = join(deviceDirectory(directory, name), 'root')
    const slot = await readlink(join(root, 'current'))
    const { artifact_name } = JSON.parse(await readFile(join(root, slot, 'provides.json'), 'utf8')) as Record<
      string,
      string
    >
    if (artifact_name === demoArtifact) running += 1
  }
  return running
}

async function until<T>(
  deadline: number,
  signal: AbortSignal,
  what: string,
  look: () => Promise<T | undefined>,
): Promise<T> {
  while (Date.now() < deadline) {
    signal.throwIfAborted()
    const found = await look()
    if (found !== undefined) return found
    await sleep(100, undefined, { signal })
  }
  throw new Fault('unavailable', 'demo.timeout', `the demo waited too long for ${what}`)
}

function sayEvent(say: (line: string) => void, name: string, event: DeviceEvent): void {
  if (event.kind === 'updating') say(`  ${name}: downloads and verifies ${event.to}`)
  else if (event.kind === 'installed') say(`  ${name}: switched its slot and runs ${event.runs}`)
  else if (event.kind === 'failed') say(`  ${name}: ${event.why}`)
}
