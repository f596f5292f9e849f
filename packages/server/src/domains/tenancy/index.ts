export type { Organisation } from './organisation-store.ts'
export { tenancyMigrations } from './schema.ts'
export type { Secrets } from './secrets.ts'
export { createTenancy, type Tenancy, type TenancyNeeds } from './service.ts'
