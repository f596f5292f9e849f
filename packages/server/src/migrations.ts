import { artifactMigrations } from './domains/artifacts/index.ts'
import { auditMigrations } from './domains/audit/index.ts'
import { configurationMigrations } from './domains/configuration/index.ts'
import { deploymentMigrations } from './domains/deployments/index.ts'
import { deviceMigrations } from './domains/devices/index.ts'
import { productMigrations } from './domains/products/index.ts'
import { tenancyMigrations } from './domains/tenancy/index.ts'
import type { Migration } from './platform/db/index.ts'
import { jobMigrations } from './platform/jobs/jobs.ts'

/** The whole schema, floor by floor. */
export const migrations: readonly Migration[] = [
  ...jobMigrations,
  ...auditMigrations,
  ...tenancyMigrations,
  ...productMigrations,
  ...deviceMigrations,
  ...artifactMigrations,
  ...deploymentMigrations,
  ...configurationMigrations,
]
