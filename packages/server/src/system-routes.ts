import { operations, type Permission } from '@holdfast/protocol'
import type { Config } from './config.ts'
import type { Artifacts } from './domains/artifacts/index.ts'
import type { DeploymentsService } from './domains/deployments/index.ts'
import type { DevicesService } from './domains/devices/index.ts'
import type { Bus, Event } from './platform/bus/bus.ts'
import type { Caller } from './platform/http/caller.ts'
import { type Route, route } from './platform/http/routes.ts'

const { system } = operations

/** Which permission lets somebody see that something happened, by the first word of the event's type. */
const readers: Readonly<Record<string, Permission>> = {
  device: 'devices.read',
  group: 'devices.read',
  rule: 'devices.read',
  product: 'products.read',
  release: 'releases.read',
  deployment: 'deployments.read',
  configuration: 'configuration.read',
  people: 'people.read',
  organisation: 'organisation.read',
}

const heartbeatMilliseconds = 15_000
const maxWaiting = 1_000

/** The live stream: what changed, never what it changed to; who is interested asks for that with their own rights. */
export function eventRoute(bus: Bus, renew: Renew): Route {
  return route(system.events, async (_, { caller, signal }) => eventsFor(bus, renew, caller, signal))
}

/** The caller as they are now; undefined: their session or token has ended. */
type Renew = (caller: Caller) => Promise<Caller | undefined>

async function* eventsFor(bus: Bus, renew: Renew, caller: Caller, signal: AbortSignal): AsyncGenerator<object> {
  let waiting: Event[] = []
  let wake: () => void = () => {}
  const stop = bus.subscribe('', (event) => {
    if (event.organisation !== caller.organisation) return
    if (waiting.length < maxWaiting) waiting.push(event)
    wake()
  })
  signal.addEventListener('abort', () => wake())
  try {
    while (!signal.aborted) {
      if (waiting.length === 0)
        await new Promise<void>((resolve) =>
          waitOrBeat(resolve, (woken) => {
            wake = woken
          }),
        )
      const batch = waiting
      waiting = []
      // The stream outlives the request that began it, but not the right to it.
      const current = await renew(caller)
      if (current === undefined) return
      if (batch.length === 0) yield {}
      for (const event of batch) {
        const seen = asSeenBy(current, event)
        if (seen !== undefined) yield seen
      }
    }
  } finally {
    stop()
  }
}

function waitOrBeat(resolve: () => void, setWake: (wake: () => void) => void): void {
  const timer = setTimeout(resolve, heartbeatMilliseconds)
  setWake(() => {
    clearTimeout(timer)
    resolve()
  })
}

/** Who may read only a part of the organisation learns that something of a kind changed, and not which. */
function asSeenBy(caller: Caller, { type, subject, at }: Event): object | undefined {
  const scope = caller.scopeOf(readers[type.split('.')[0] ?? ''] ?? 'audit.read')
  if (scope === undefined) return undefined
  const id = scope === 'everywhere' ? subject.id : ''
  return { type, subject: { kind: subject.kind, id }, at: new Date(at).toISOString() }
}

export interface ServerFacts {
  readonly version: string
  /** Known once the listeners are open. */
  readonly urls: { readonly api: string; readonly device: string }
  readonly authority: string
  readonly config: Pick<Config, 'database' | 'blobs'>
}

/** Where devices connect to and what they must trust. */
export function serverRoute({ version, urls, authority, config }: ServerFacts): Route {
  return route(system.server, async () => ({
    version,
    deviceUrl: urls.device,
    ddiUrl: urls.device,
    authority,
    database: config.database.url === undefined ? ('sqlite' as const) : ('postgres' as const),
    blobs: config.blobs.s3 === undefined ? ('directory' as const) : ('s3' as const),
  }))
}

export interface OverviewNeeds {
  readonly devices: Pick<DevicesService, 'overview'>
  readonly deployments: Pick<DeploymentsService, 'countStates'>
  readonly artifacts: Pick<Artifacts, 'count'>
}

/** The numbers of the first page, within what the caller may see. */
export function overviewRoute({ devices, deployments, artifacts }: OverviewNeeds): Route {
  return route(system.overview, async (_, context) => {
    const { organisation } = context.caller
    const [fleet, rollouts, releases] = await Promise.all([
      devices.overview(organisation, context.scope),
      deployments.countStates(organisation),
      artifacts.count(organisation),
    ])
    const { software, ...numbers } = fleet
    const { running = 0, scheduled = 0, halted = 0, finished = 0 } = rollouts
    return {
      devices: numbers,
      software,
      deployments: { running, scheduled, halted, finishedLastWeek: finished },
      releases,
    }
  })
}
