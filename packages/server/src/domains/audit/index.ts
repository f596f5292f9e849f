export { type AuditEntry, record } from './record.ts'
export { auditMigrations } from './schema.ts'
