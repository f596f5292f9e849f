import { type Clock, systemClock } from '@holdfast/kernel'
import type { Config } from './config.ts'
import { artifactRoutes, createArtifacts, sweepJob } from './domains/artifacts/index.ts'
import { auditRoutes, createEventFeed, followJob, logIdentity, sequenceJob } from './domains/audit/index.ts'
import { configurationRoutes, createConfiguration } from './domains/configuration/index.ts'
import { createDeploymentsService, deploymentRoutes } from './domains/deployments/index.ts'
import { createDevices } from './domains/devices/index.ts'
import { createProducts } from './domains/products/index.ts'
import { createTenancy } from './domains/tenancy/index.ts'
import { type Foundation, layFoundation } from './foundation.ts'
import { hawkbitRoutes } from './gateways/hawkbit/index.ts'
import { createDownloadLinks } from './gateways/links.ts'
import { menderRoutes } from './gateways/mender/index.ts'
import { startListeners } from './listeners.ts'
import { createJobs } from './platform/jobs/jobs.ts'
import type { Log } from './platform/log/log.ts'
import { createMetrics } from './platform/metrics/metrics.ts'
import { eventRoute, overviewRoute } from './system-routes.ts'

export const version = '0.1.0'

export interface AppNeeds {
  readonly config: Config
  readonly log: Log
  readonly clock?: Clock
}

export type App = Awaited<ReturnType<typeof startApp>>

/** Builds the whole server out of its parts and opens its listeners. The only place that knows all of them. */
export async function startApp({ config, log, clock = systemClock }: AppNeeds) {
  const foundation = await layFoundation(config, clock)
  const metrics = createMetrics()
  const logFailure = (part: string) => (thrown: unknown) => log.error({ part, err: thrown }, 'a background task failed')
  const bus = createEventFeed({ db: foundation.db, clock, onFailure: logFailure('events') })
  const jobs = createJobs({ db: foundation.db, clock, onFailure: (job, thrown) => logFailure(job)(thrown) })
  const house = await buildDomains(config, foundation, clock, bus, logFailure('deployments'))
  await bus.start()
  jobs.add(
    sequenceJob({
      db: foundation.db,
      clock,
      logKey: foundation.secrets.logKey,
      originOf,
      onSequenced: () => bus.poke(),
    }),
  )
  for (const job of house.jobs) jobs.add(job)

  const { apiRoutes, deviceRoutes } = house
  const { authenticate } = house.tenancy
  const listeners = await startListeners({
    config,
    foundation,
    metrics,
    log,
    clock,
    bus,
    version,
    authenticate,
    apiRoutes,
    deviceRoutes,
  }).catch(async (thrown: unknown) => {
    await stopWork()
    throw thrown
  })
  log.info({ api: listeners.apiUrl, devices: listeners.deviceUrl }, 'ready')
  return {
    ...house,
    ...listeners,
    config,
    foundation,
    bus,
    setupLink: () => house.tenancy.setupLink(listeners.apiUrl),
    /** Lets what is under way finish, within 30 s, then closes everything. */
    async stop() {
      await listeners.drain(30_000)
      await stopWork()
      log.info('stopped')
    },
  }

  async function stopWork() {
    await jobs.stop()
    await bus.stop()
    await house.close()
    await foundation.db.close()
  }
}

export type House = Awaited<ReturnType<typeof buildDomains>>

async function buildDomains(
  config: Config,
  { db, blobs, secrets }: Foundation,
  clock: Clock,
  bus: ReturnType<typeof createEventFeed>,
  onFailure: (thrown: unknown) => void,
) {
  const tenancy = createTenancy({ db, clock, config, bus, secrets: secrets.sealed })
  const products = createProducts({ db, clock })
  const devices = createDevices({ db, clock, config, bus, tokenKey: secrets.tokenKey, products, onFailure })
  const artifacts = createArtifacts({ db, blobs, clock, maxBytes: config.blobs.maxArtifactBytes })
  const { population } = devices
  const deployments = createDeploymentsService({ db, clock, bus, artifacts, devices, population, onFailure })
  const stopDeployments = await deployments.start()
  const configuration = createConfiguration({ db, clock, findGiven: deployments.gateway.findAssignment })
  const gatewayNeeds = {
    devices,
    deployments: deployments.gateway,
    configuration,
    organisations: {
      findByTenantToken: async (token: string) => (await tenancy.findOrganisationByTenantToken(token))?.id,
      findByDdiTenant: async (tenant: string) => (await tenancy.findOrganisationByDdiTenant(tenant))?.id,
    },
    openArtifact: artifacts.openBytes,
    publicUrl: config.publicDeviceUrl,
    links: createDownloadLinks({
      secret: secrets.tokenKey,
      clock,
      lifetime: config.devices.downloadLinkHours * 3_600_000,
    }),
  }
  return {
    tenancy,
    products,
    devices,
    artifacts,
    deployments,
    configuration,
    jobs: [...devices.jobs, deployments.tick, followJob(db, configuration.follower), sweepJob({ db, blobs, clock })],
    deviceRoutes: [
      ...menderRoutes(gatewayNeeds),
      ...hawkbitRoutes({
        ...gatewayNeeds,
        clock,
        pollSeconds: config.devices.pollSeconds,
        trustedProxies: config.proxies.trusted,
      }),
    ],
    apiRoutes: [
      ...tenancy.routes,
      ...products.routes,
      ...devices.routes,
      ...artifactRoutes(artifacts),
      ...deploymentRoutes(deployments),
      ...configurationRoutes(configuration, devices.requireVisible),
      ...auditRoutes(db, (organisation) => logIdentity(originOf(organisation), secrets.logKey)),
      eventRoute(bus, tenancy.renew),
      overviewRoute({ devices, deployments, artifacts }),
    ],
    async close() {
      stopDeployments()
      await deployments.settle()
      await devices.close()
      await tenancy.close()
    },
  }
}

function originOf(organisation: string): string {
  return `holdfast/${organisation}`
}
