/**
 * Every table of the schema by name. Each room adds its own through declaration merging in its `schema.ts`:
 * `declare module '…/platform/db/tables.ts' { interface Tables { device: DeviceTable } }`.
 */
export interface Tables {
  migration: { id: string; applied_at: number; digest: string }
}
