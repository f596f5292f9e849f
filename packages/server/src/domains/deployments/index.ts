import type { Route } from '../../platform/http/routes.ts'
import { deploymentRoutes } from './routes.ts'
import { createDeploymentsService, type DeploymentsNeeds } from './service.ts'

export type { PausePoint } from './deployment.ts'
export type {
  Answer,
  Asking,
  Assignment,
  AutoConfirmation,
  DeploymentLabel,
  DeploymentReference,
  DeviceDeployments,
  DeviceReport,
  Handout,
  LogLine,
  Offer,
} from './deployments.ts'
export { deploymentMigrations } from './schema.ts'
export type { DeviceRow, DeviceStatus, Progress, Report } from './status.ts'
export type { Populations } from './target.ts'

export type DeploymentsService = Awaited<ReturnType<typeof createDeployments>>

/** Loads what is active; the bus must not have delivered anything before. */
export async function createDeployments(needs: DeploymentsNeeds) {
  const service = createDeploymentsService(needs)
  const unsubscribe = await service.start()
  const routes: readonly Route[] = deploymentRoutes(service)
  return {
    ...service.gateway,
    findGiven: service.findGiven,
    overview: service.overview,
    create: service.create,
    control: service.control,
    routes,
    jobs: [service.tick],
    async close(): Promise<void> {
      unsubscribe()
      await service.settle()
    },
  }
}
