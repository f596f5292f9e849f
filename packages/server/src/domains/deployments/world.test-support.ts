import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeMenderArtifact } from '@holdfast/formats/mender/write'
import { manualClock, newId } from '@holdfast/kernel'
import { operations } from '@holdfast/protocol'
import { openTestDatabase } from '../../../tests/test-database.ts'
import { systemActor } from '../../platform/actor.ts'
import { openDirectoryBlobs } from '../../platform/blobs/index.ts'
import { artifactMigrations, createArtifacts } from '../artifacts/index.ts'
import { auditMigrations } from '../audit/index.ts'
import {
  Bitmap,
  type DevicePrincipal,
  type DeviceView,
  type Filter,
  matchesFilter,
  parseFilter,
} from '../devices/index.ts'
import { createProducts, productMigrations } from '../products/index.ts'
import type { Asking } from './deployments.ts'
import { createDeploymentsService, deploymentMigrations } from './index.ts'

const start = Date.UTC(2026, 5, 1, 12)
const { body: newDeployment } = operations.deployments.create

/** A server's lower floors on a real database, and a fleet of devices held in memory at the registry's border. */
export async function startWorld({ devices: size = 10 }: { devices?: number } = {}) {
  const place = await openTestDatabase([
    ...auditMigrations,
    ...productMigrations,
    ...artifactMigrations,
    ...deploymentMigrations,
  ])
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-deployments-'))
  const clock = manualClock(start)
  const { db } = place
  const blobs = await openDirectoryBlobs(folder)
  const organisation = newId(start)
  const acting = { actor: systemActor('test'), organisation }
  const products = createProducts({ db, clock })
  const artifacts = createArtifacts({ db, blobs, clock, maxBytes: 2 ** 24 })
  const product = await products.create(acting.actor, organisation, {
    key: 'board',
    name: 'Board',
    description: '',
    deviceTypes: ['board'],
    signaturesRequired: 0,
  })
  const fleet = new Fleet(organisation, product.id, size)
  const failures: unknown[] = []
  const openNode = async () => {
    const service = createDeploymentsService({
      db,
      clock,
      artifacts,
      devices: fleet,
      population: (_, filter) => fleet.population(filter),
      // Nothing is delivered: what holds without the bus holds with a slow one.
      bus: { subscribe: () => () => {}, caughtUpAt: () => clock.now() },
      onFailure: (thrown) => failures.push(thrown),
    })
    await service.start()
    return service
  }
  const service = await openNode()

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
      const id = await artifacts.create(acting.actor, organisation, {
        product: product.id,
        version,
        notes: '',
        tags: [],
      })
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
    ask: async (device: number) => service.gateway.ask(fleet.asking(device)),
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
      await place[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
}

class Fleet {
  readonly views: DeviceView[]

  constructor(organisation: string, product: string, size: number) {
    this.views = Array.from({ length: size }, (_, number) => viewOf(organisation, product, number))
  }

  add(organisation: string, product: string): number {
    this.views.push(viewOf(organisation, product, this.views.length))
    return this.views.length - 1
  }

  /** From now on the device says that it runs this. */
  runs(number: number, software: string): void {
    const before = this.#at(number)
    this.views[number] = { ...before, software, provides: { ...before.provides, artifact_name: software } }
  }

  principal(number: number): DevicePrincipal {
    const { id, organisation } = this.#at(number)
    return { device: id, number, organisation, key: 'key', standing: 'accepted', expires: Number.MAX_SAFE_INTEGER }
  }

  asking(number: number): Asking {
    return { device: this.#at(number), formats: ['mender'], canWait: true }
  }

  view = (number: number): DeviceView => this.#at(number)
  findView = async (_: string, id: string): Promise<DeviceView | undefined> => this.views.find((one) => one.id === id)
  readFilter = async (_: string, text: string): Promise<Filter> => parseFilter(text)
  filterOfGroup = async (_: string, group: string): Promise<Filter> => parseFilter(`group = "${group}"`)
  recordProvides = async (): Promise<void> => {}
  population = async (filter: Filter): Promise<Bitmap> =>
    Bitmap.of(this.views.filter(({ facts }) => matchesFilter(filter, facts, start)).map(({ number }) => number))

  #at(number: number): DeviceView {
    const view = this.views[number]
    if (view === undefined) throw new RangeError(`there is no device ${number}`)
    return view
  }
}

function viewOf(organisation: string, product: string, number: number): DeviceView {
  const id = newId(start)
  const values = new Map([
    ['system.id', [id]],
    ['system.state', ['accepted']],
    ['system.product', [product]],
  ])
  return {
    id,
    number,
    organisation,
    product,
    name: `device ${number}`,
    state: 'accepted',
    gateway: 'mender',
    identity: {},
    tags: [],
    groups: [],
    software: 'v0',
    provides: { device_type: 'board', artifact_name: 'v0' },
    timeZone: undefined,
    revision: 1,
    facts: { values, registered: start, seen: undefined },
  }
}
