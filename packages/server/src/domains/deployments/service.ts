import { type Clock, day, Fault } from '@holdfast/kernel'
import type { Answer, operations } from '@holdfast/protocol'
import { systemActor } from '../../platform/actor.ts'
import type { Bus } from '../../platform/bus/bus.ts'
import type { Database } from '../../platform/db/index.ts'
import type { Artifacts, JudgedRelease } from '../artifacts/index.ts'
import type { Devices, DeviceView } from '../devices/index.ts'
import { createActiveIndex } from './active-index.ts'
import { createAsking } from './asking.ts'
import { createControlling, requireStored } from './controlling.ts'
import { createCreating } from './creating.ts'
import type { DeploymentState } from './deployment.ts'
import type { DeviceDeployments, LogLine } from './deployments.ts'
import { findRow, listRows, listRowsOfDevice, type StoredRow } from './device-store.ts'
import { createPreview } from './preview.ts'
import { createProgress } from './progress.ts'
import { createReporting } from './reporting.ts'
import type { DeviceStatus } from './status.ts'
import { countStates, listDeployments, type StoredDeployment } from './store.ts'
import { readTally } from './tally.ts'
import type { Populations } from './target.ts'
import * as timeline from './timeline.ts'
import { deploymentView, rowView, time } from './views.ts'

export interface DeploymentsNeeds {
  readonly db: Database
  readonly clock: Clock
  readonly bus: Bus
  readonly artifacts: Artifacts
  readonly devices: Pick<Devices, 'recordProvides' | 'view' | 'findView' | 'readFilter' | 'filterOfGroup'>
  readonly population: Devices['population']
  /** Something failed in the background. */
  readonly onFailure: (thrown: unknown) => void
}

type Wire = typeof operations.deployments
interface Page {
  readonly cursor?: string | undefined
  readonly limit: number
}

export type DeploymentsService = ReturnType<typeof createDeploymentsService>

export function createDeploymentsService(given: DeploymentsNeeds) {
  const { readFilter, filterOfGroup } = given.devices
  const populations: Populations = { readFilter, filterOfGroup, population: given.population }
  const needs = { ...given, populations }
  const { db, clock, artifacts, devices, bus } = needs
  const index = createActiveIndex(needs)
  const progress = createProgress({ ...needs, index })
  const { changed, evaluate } = progress
  const asking = createAsking({ ...needs, index, changed })
  const reporting = createReporting({ ...needs, index, changed, evaluate })
  const control = createControlling({ db, clock, index })
  const creating = createCreating({ ...needs, index })
  const preview = createPreview(needs)
  const gateway: DeviceDeployments = { ask: asking.ask, ...reporting }

  const view = async (stored: StoredDeployment, release?: JudgedRelease): Promise<Answer<Wire['get']>> =>
    deploymentView(
      stored,
      release ?? (await artifacts.find(stored.organisation, stored.release)),
      await readTally(db.read, stored),
    )

  const requireRow = async (stored: StoredDeployment, device: string): Promise<StoredRow> => {
    const row = await findRow(db.read, device, stored.id)
    if (row === undefined) throw new Fault('missing', 'deployments.not_heard', 'the device was not heard of in it yet')
    return row
  }

  const deviceRow = async (row: StoredRow) => {
    const { name } = await devices.view(row.number)
    return { device: { id: row.device, name: name === '' ? row.device : name }, ...rowView(row) }
  }

  return {
    gateway,
    control,
    view,
    preview,
    create: creating.create,
    rollBack: creating.rollBack,
    tick: progress.tick,
    settle: progress.settle,
    require: (organisation: string, id: string) => requireStored(db.read, organisation, id),
    productOf: async (organisation: string, release: string) =>
      (await artifacts.require(organisation, release)).product,

    /** Loads what is active and follows what other nodes do; call once before the first device asks. */
    async start(): Promise<() => void> {
      const onFailure = (work: Promise<unknown>) => void work.catch(needs.onFailure)
      const stops = [
        bus.subscribe('deployment.', ({ type, subject, detail }) => {
          if (subject.kind !== 'deployment') return
          if (type !== 'deployment.device_changed') onFailure(index.refresh(subject.id))
          else if (typeof detail.joined === 'number') index.find(subject.id)?.noteJoined(detail.joined)
        }),
        bus.subscribe('release.withdrawn', ({ organisation, subject, detail }) => {
          const reason = `its release was withdrawn: ${String(detail.reason ?? '')}`
          onFailure(control.haltRelease({ actor: systemActor('deployments'), organisation }, subject.id, reason))
        }),
      ]
      await index.load()
      return () => {
        for (const stop of stops) stop()
      }
    },

    async list(
      organisation: string,
      query: Page & {
        readonly state?: string | undefined
        readonly product?: string | undefined
        readonly release?: string | undefined
        readonly device?: string | undefined
        readonly within?: { products: string[]; groups: string[] } | undefined
      },
    ): Promise<Answer<Wire['list']>> {
      const { cursor, limit, state, ...rest } = query
      const found = await listDeployments(db.read, {
        organisation,
        ...rest,
        ...(state === undefined ? {} : { states: state.split(',') as DeploymentState[] }),
        before: cursor === undefined ? undefined : numberOf(cursor),
        limit: limit + 1,
      })
      const shown = found.slice(0, limit)
      const releases = new Map<string, JudgedRelease | undefined>()
      for (const { release } of shown) {
        if (!releases.has(release)) releases.set(release, await artifacts.find(organisation, release))
      }
      const items = await Promise.all(shown.map((stored) => view(stored, releases.get(stored.release))))
      return { items, ...(found.length > limit ? { next: String(shown.at(-1)?.sequence) } : {}) }
    },

    async listDevices(
      stored: StoredDeployment,
      query: Page & { readonly status?: DeviceStatus | undefined; readonly phase?: number | undefined },
    ): Promise<Answer<Wire['devices']>> {
      const { cursor, limit, status, phase } = query
      const [updatedAt, device] = cursor?.split('_') ?? []
      const before =
        updatedAt === undefined || device === undefined ? undefined : { updatedAt: numberOf(updatedAt), device }
      const found = await listRows(db.read, {
        deployment: stored.id,
        status,
        phase: phase === undefined ? undefined : phase - 1,
        before,
        limit: limit + 1,
      })
      const shown = found.slice(0, limit)
      const last = shown.at(-1)
      const next = found.length > limit && last !== undefined ? { next: `${last.updatedAt}_${last.device}` } : {}
      return { items: await Promise.all(shown.map(deviceRow)), ...next }
    },

    async timeline(stored: StoredDeployment, device: string): Promise<Answer<Wire['timeline']>> {
      const row = await requireRow(stored, device)
      const events = await timeline.listEvents(db.read, stored.id, device)
      return { ...(await deviceRow(row)), events: events.map(({ at, ...event }) => ({ at: time(at), ...event })) }
    },

    async readLog(stored: StoredDeployment, device: string): Promise<LogLine[]> {
      const lines = await timeline.findLog(db.read, stored.id, device)
      if (lines === undefined) throw new Fault('missing', 'deployments.no_log', 'the device has sent no log')
      return lines
    },

    async listOfDevice(device: string, { cursor, limit }: Page): Promise<Answer<Wire['ofDevice']>> {
      const before = cursor === undefined ? undefined : numberOf(cursor)
      const found = await listRowsOfDevice(db.read, device, before, limit + 1)
      const shown = found.slice(0, limit)
      const items = await Promise.all(
        shown.map(async (row) => {
          const { id, name, version } = await requireStored(db.read, row.organisation, row.deployment)
          return { ...rowView(row), deployment: { id, name }, release: version }
        }),
      )
      return { items, ...(found.length > limit ? { next: String(shown.at(-1)?.sequence) } : {}) }
    },

    async requireDevice(organisation: string, id: string): Promise<DeviceView> {
      const device = await devices.findView(organisation, id)
      if (device === undefined) throw new Fault('missing', 'devices.missing', 'there is no such device')
      return device
    },

    /** What the device would get if it asked now. */
    async explain(device: DeviceView): Promise<Answer<Wire['wouldDo']>> {
      const formats = device.gateway === 'hawkbit' ? (['swu'] as const) : (['mender'] as const)
      const { outcome, why, considered, settled } = await asking.explain({
        device,
        formats,
        canWait: true,
        idle: device.gateway === 'mender',
      })
      const [first] = settled
      const id = 'deployment' in outcome ? outcome.deployment : first?.deployment
      const named = considered.find(({ deployment }) => deployment === id)
      const verdict =
        outcome.kind === 'nothing' &&
        first !== undefined &&
        (first.status === 'already_installed' || first.status === 'incompatible')
          ? first.status
          : outcome.kind === 'confirm'
            ? 'nothing'
            : outcome.kind
      return {
        answer: device.state === 'accepted' ? verdict : 'nothing',
        why:
          device.state !== 'accepted' ? `the device is ${device.state}` : verdict === first?.status ? first.why : why,
        ...(named === undefined ? {} : { deployment: { id: named.deployment, name: named.name } }),
        considered: considered.map(({ deployment, name, why: reason }) => ({
          deployment: { id: deployment, name },
          why: reason,
        })),
      }
    },

    /** How many deployments are in each state; of the finished ones, those of the last week. */
    countStates: (organisation: string) => countStates(db.read, organisation, clock.now() - 7 * day),
  }
}

function numberOf(cursor: string): number {
  const value = Number(cursor)
  if (!Number.isSafeInteger(value)) throw new Fault('malformed', 'deployments.bad_cursor', 'this is no cursor of ours')
  return value
}
