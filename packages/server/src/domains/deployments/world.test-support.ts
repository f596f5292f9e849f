import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { publicKeyDer } from '@holdfast/crypto/keys'
import { writeMenderArtifact } from '@holdfast/formats/mender/write'
import { manualClock, newId } from '@holdfast/kernel'
import { operations } from '@holdfast/protocol'
import { openTestDatabase } from '../../../tests/test-database.ts'
import { readConfig } from '../../config.ts'
import { systemActor } from '../../platform/actor.ts'
import { openDirectoryBlobs } from '../../platform/blobs/index.ts'
import type { Bus } from '../../platform/bus/bus.ts'
import { artifactMigrations, createArtifacts } from '../artifacts/index.ts'
import { auditMigrations } from '../audit/index.ts'
import { createDevices, type DevicePrincipal, type DevicesService, deviceMigrations } from '../devices/index.ts'
import { createProducts, productMigrations } from '../products/index.ts'
import type { Asking } from './deployments.ts'
import { createDeploymentsService, deploymentMigrations } from './index.ts'

const begin = Date.UTC(2026, 5, 1, 12)
const { body: newDeployment } = operations.deployments.create
const migrations = [
  ...auditMigrations,
  ...productMigrations,
  ...deviceMigrations,
  ...artifactMigrations,
  ...deploymentMigrations,
]

/** A server up to this domain, on a real database, with accepted devices of one product that run v0. */
export async function startWorld({ devices: size = 10 }: { devices?: number } = {}) {
  const place = await openTestDatabase(migrations)
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-deployments-'))
  const clock = manualClock(begin)
  const { db } = place
  const failures: unknown[] = []
  const onFailure = (thrown: unknown) => failures.push(thrown)
  // Nothing is delivered: what holds without the bus holds with a slow one.
  const bus: Bus = { subscribe: () => () => {}, caughtUpAt: () => clock.now() }
  const organisation = newId(begin)
  const acting = { actor: systemActor('test'), organisation }
  const products = createProducts({ db, clock })
  const artifacts = createArtifacts({ db, blobs: await openDirectoryBlobs(folder), clock, maxBytes: 2 ** 24 })
  const config = readConfig({}, {})
  const registry = createDevices({ db, clock, config, bus, tokenKey: new Uint8Array(32).fill(7), products, onFailure })
  const openNode = async () => {
    const { population } = registry
    const node = createDeploymentsService({ db, clock, artifacts, devices: registry, population, bus, onFailure })
    await node.start()
    return node
  }
  const service = await openNode()
  const product = await products.create(acting.actor, organisation, {
    key: 'board',
    name: 'Board',
    description: '',
    deviceTypes: ['board'],
    signaturesRequired: 0,
  })
  const fleet = new Fleet(registry, organisation)
  await fleet.add(size)

  return {
    db,
    clock,
    artifacts,
    service,
    openNode,
    acting,
    organisation,
    fleet,
    failures,
    async release(version: string): Promise<string> {
      const input = { product: product.id, version, notes: '', tags: [] }
      const id = await artifacts.create(acting.actor, organisation, input)
      const bytes = writeMenderArtifact({
        name: version,
        depends: { deviceTypes: ['board'] },
        payloadType: 'single-file',
        files: [{ name: 'file', content: new TextEncoder().encode(version) }],
      })
      await artifacts.upload(acting.actor, organisation, id, `${version}.mender`, bytes)
      await artifacts.release(acting.actor, organisation, id)
      return id
    },
    async deploy(release: string, policy: object = {}, target: object = { kind: 'filter', filter: '' }) {
      const input = newDeployment.parse({ name: `Deploy ${release.slice(-4)}`, release, target, policy })
      return service.create(acting, input)
    },
    ask: async (device: number) => service.gateway.ask(await fleet.asking(device)),
    report: (device: number, deployment: string, status: 'downloading' | 'installing' | 'success' | 'failure') =>
      service.gateway.report(fleet.principal(device), deployment, { report: { status } }),
    get: async (id: string) => service.view(await service.require(organisation, id)),
    /** Lets everything that is due happen. */
    async tick(): Promise<void> {
      for (let steps = 0; steps < 4; steps += 1) {
        await service.settle()
        await service.tick.run()
      }
    },
    async [Symbol.asyncDispose]() {
      await service.settle()
      await registry.close()
      await place[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
}

/** Devices by the order in which they were added, as their Mender clients show themselves. */
class Fleet {
  readonly #registry: DevicesService
  readonly #organisation: string
  readonly #principals: DevicePrincipal[] = []

  constructor(registry: DevicesService, organisation: string) {
    this.#registry = registry
    this.#organisation = organisation
  }

  /** The place of every device. */
  get all(): number[] {
    return [...this.#principals.keys()]
  }

  /** Devices that ask, are accepted together, and say what they run; answers the place of the first. */
  async add(count = 1): Promise<number> {
    const first = this.#principals.length
    const asked = Array.from({ length: count }, (_, index) => this.#firstQuestion(first + index))
    await Promise.all(asked.map((question) => this.#registry.askAuthorisation(question).catch(() => {})))
    const operator = { actor: systemActor('test'), organisation: this.#organisation, scope: 'everywhere' } as const
    const { items } = await this.#registry.lists.list(operator, { sort: 'newest', limit: count })
    await this.#registry.operate.accept(
      operator,
      items.map(({ id }) => id),
      undefined,
    )
    const principals = await Promise.all(
      asked.map(async (question) => this.#registry.authenticate(await this.#registry.askAuthorisation(question))),
    )
    this.#principals.push(...principals)
    const types = { device_type: 'board' }
    await Promise.all(principals.map((principal) => this.#registry.reportInventory(principal, types, 'replace')))
    await Promise.all(principals.map((_, index) => this.runs(first + index, 'v0')))
    return first
  }

  #firstQuestion(place: number) {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    return {
      organisation: this.#organisation,
      identity: { serial: String(place) },
      publicKey: publicKeyDer(privateKey),
      gateway: 'mender',
      origin: '192.0.2.1',
    } as const
  }

  /** From now on the device says that it runs this. */
  async runs(place: number, software: string): Promise<void> {
    await this.#registry.reportProvides(this.principal(place), { device_type: 'board', artifact_name: software })
  }

  principal(place: number): DevicePrincipal {
    const principal = this.#principals[place]
    if (principal === undefined) throw new RangeError(`there is no device ${place}`)
    return principal
  }

  view = async (place: number) => this.#registry.viewOf(this.principal(place))

  asking = async (place: number): Promise<Asking> => ({
    device: await this.view(place),
    formats: ['mender'],
    canWait: true,
  })
}
