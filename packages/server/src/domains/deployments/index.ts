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
export { deploymentRoutes } from './routes.ts'
export { deploymentMigrations } from './schema.ts'
export { createDeploymentsService, type DeploymentsNeeds, type DeploymentsService } from './service.ts'
export type { DeviceRow, DeviceStatus, Progress, Report } from './status.ts'
export type { Populations } from './target.ts'
