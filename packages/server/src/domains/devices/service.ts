import type { Clock } from '@holdfast/kernel'
import type { Config } from '../../config.ts'
import type { Bus } from '../../platform/bus/bus.ts'
import type { Database } from '../../platform/db/index.ts'
import type { AccessScope } from '../../platform/http/caller.ts'
import type { SignedInContext } from '../../platform/http/routes.ts'
import type { Job } from '../../platform/jobs/jobs.ts'
import type { Products } from '../products/index.ts'
import { createControllers } from './controllers.ts'
import type { DevicePrincipal } from './device.ts'
import type { Devices } from './devices.ts'
import { createInventoryFields } from './field-names.ts'
import { createFilters } from './filters.ts'
import { createGatekeeper } from './gatekeeper.ts'
import { createGroups } from './groups.ts'
import { createHistory } from './history.ts'
import { createImport } from './import-file.ts'
import { createLists } from './lists.ts'
import { createOperate } from './operate.ts'
import { createPreauthorise } from './preauthorise.ts'
import { createPresence } from './presence.ts'
import { PrincipalCache } from './principal-cache.ts'
import { createReports } from './reports.ts'
import { deviceRoutes, groupRoutes, operatorOf, trustRoutes } from './routes.ts'
import { createDeviceSearch } from './search/engine.ts'
import { LastSeen } from './search/last-seen.ts'
import { createSessions } from './sessions.ts'
import { createTokens } from './tokens.ts'
import { createTrust, trustEvents } from './trust.ts'
import { createViews } from './views.ts'
import { createDeviceWriter } from './writer.ts'

/** Proofs kept in memory of each kind: a fleet of this size on one node needs no look-up to check in. */
const cachedProofs = 131_072

export interface DevicesNeeds {
  readonly db: Database
  readonly clock: Clock
  readonly config: Pick<Config, 'devices'>
  readonly bus: Bus
  /** At least 32 random bytes, the same on every node. */
  readonly tokenKey: Uint8Array
  readonly products: Products
  /** Something failed in the background; it is tried again. */
  readonly onFailure?: (thrown: unknown) => void
}

export type DevicesService = ReturnType<typeof createDevices>

/** The registry of devices. */
export function createDevices(needs: DevicesNeeds) {
  const { db, clock, bus, products, onFailure = () => {} } = needs
  const { tokenMinutes, maxPerOrganisation: maxDevices } = needs.config.devices
  const lastSeen = new LastSeen()
  const search = createDeviceSearch({ db, lastSeen, now: () => clock.now() })
  const filters = createFilters({ db, products, clock })
  const fields = createInventoryFields({ db })
  const views = createViews({ db, clock, bus, filters, fields, lastSeen })
  const writer = createDeviceWriter({ clock, search, views, products })
  const tokenCache = new PrincipalCache({ bus, clock, size: cachedProofs })
  const proofCache = new PrincipalCache({ bus, clock, size: cachedProofs })
  const rightsChanged = ({ id }: { readonly id: string }) => {
    tokenCache.drop(id)
    proofCache.drop(id)
  }
  const admitted = ({ id, number }: { readonly id: string; readonly number: number }) => {
    views.drop(number)
    rightsChanged({ id })
  }
  const trustChanged = () => proofCache.dropAll()

  const gatekeeper = createGatekeeper({ db, clock, writer, products, maxDevices, admitted })
  const tokens = createTokens(needs.tokenKey)
  const sessions = createSessions({ db, clock, tokens, cache: tokenCache, gatekeeper, tokenMinutes })
  const controllers = createControllers({ db, clock, cache: proofCache, gatekeeper, writer, maxDevices, admitted })
  const reports = createReports({ db, clock, fields, writer, views, products })
  const presence = createPresence({ db, clock, lastSeen, logDefect: onFailure })
  const operate = createOperate({ db, clock, writer, views, products, rightsChanged })
  const preauthorise = createPreauthorise({ db, clock, writer, products, maxDevices })
  const importFile = createImport({ db, products, preauthorise })
  const groups = createGroups({ db, clock, writer, filters, views, operate })
  const trust = createTrust({ db, clock, products, trustChanged })
  const lists = createLists({ db, search, filters, fields, views, lastSeen, operate })
  const history = createHistory({ db, fields, operate })

  const stops = [
    bus.subscribe('device.', ({ type, subject, detail }) => {
      if (trustEvents.includes(type)) return trustChanged()
      if (typeof detail.number === 'number') views.drop(detail.number)
      if (subject.kind === 'device' && !reportEvents.includes(type)) rightsChanged(subject)
    }),
    bus.subscribe('group.', ({ organisation }) => {
      filters.forget(organisation)
      views.dropAll()
    }),
    bus.subscribe('product.', ({ organisation }) => filters.forget(organisation)),
  ]
  const loading = presence.load().catch(onFailure)

  const gateway: Devices = {
    ...sessions,
    ...controllers,
    ...reports,
    seen: presence.seen,
    view: views.view,
    viewOf: (principal: DevicePrincipal) => views.view(principal.number),
    findView: views.find,
    readFilter: (organisation, text) => filters.read(organisation, text),
    filterOfGroup: (organisation, group) => filters.ofGroup(organisation, group),
    population: (organisation, filter) => search.population({ organisation, filter }),
  }
  const indexJob: Job = {
    name: 'devices.index',
    everyMilliseconds: 250,
    run: async () => (await search.catchUp()) > 0,
  }
  return {
    ...gateway,
    jobs: [indexJob],
    routes: [
      ...deviceRoutes({ lists, history, operate, preauthorise, importFile }),
      ...groupRoutes({ groups, filters, lists }),
      ...trustRoutes(trust),
    ],

    operate,
    preauthorise: preauthorise.preauthorise,
    importFile,
    groups,
    trust,
    lists,

    overview: (organisation: string, scope: AccessScope) => lists.overview(organisation, scope),
    /** Throws `missing` unless the device is the organisation's and within what the caller may see. */
    requireVisible: (context: SignedInContext, device: string) => operate.requireVisible(operatorOf(context), device),

    /** Resolves once it is known when every device was last seen. */
    ready: () => loading,

    /** Writes what is only in memory. */
    async close(): Promise<void> {
      for (const stop of stops) stop()
      await presence.close()
      await loading
    },
  }
}

/** What devices say about themselves changes nobody's rights. */
const reportEvents: readonly string[] = ['device.inventory_changed', 'device.provides_changed', 'device.changed']
