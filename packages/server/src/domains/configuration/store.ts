import type { Reader, Tx } from '../../platform/db/index.ts'
import type { Settings } from './drift.ts'

export interface StoredConfiguration {
  readonly device: string
  readonly organisation: string
  readonly deployment: string | null
  readonly desired: Settings
  readonly desiredAt: number | null
  readonly reported: Settings
  readonly reportedAt: number | null
}

export interface HistoryEntry {
  readonly seq: number
  readonly at: number
  readonly kind: 'desired' | 'reported'
  readonly settings: Settings
}

/** Changes kept for each device; older ones are in the audit log as hashes. */
const historyLength = 100

export async function findConfiguration(db: Reader, device: string): Promise<StoredConfiguration | undefined> {
  const row = await db.selectFrom('device_configuration').selectAll().where('device', '=', device).executeTakeFirst()
  if (row === undefined) return undefined
  return {
    device: row.device,
    organisation: row.organisation,
    deployment: row.deployment,
    desired: JSON.parse(row.desired),
    desiredAt: row.desired_at,
    reported: JSON.parse(row.reported),
    reportedAt: row.reported_at,
  }
}

export async function putConfiguration(tx: Tx, next: StoredConfiguration): Promise<void> {
  const row = {
    organisation: next.organisation,
    deployment: next.deployment,
    desired: JSON.stringify(next.desired),
    desired_at: next.desiredAt,
    reported: JSON.stringify(next.reported),
    reported_at: next.reportedAt,
  }
  await tx
    .insertInto('device_configuration')
    .values({ device: next.device, ...row })
    .onConflict((conflict) => conflict.column('device').doUpdateSet(row))
    .execute()
}

export async function addHistory(tx: Tx, device: string, entry: Omit<HistoryEntry, 'seq'>): Promise<void> {
  const { at, kind } = entry
  await tx
    .insertInto('configuration_history')
    .values({ device, at, kind, settings: JSON.stringify(entry.settings) })
    .execute()
  const oldest = await tx
    .selectFrom('configuration_history')
    .select('seq')
    .where('device', '=', device)
    .orderBy('seq', 'desc')
    .offset(historyLength)
    .limit(1)
    .executeTakeFirst()
  if (oldest === undefined) return
  await tx.deleteFrom('configuration_history').where('device', '=', device).where('seq', '<=', oldest.seq).execute()
}

export async function listHistory(
  db: Reader,
  device: string,
  before: number | undefined,
  limit: number,
): Promise<HistoryEntry[]> {
  let select = db.selectFrom('configuration_history').selectAll().where('device', '=', device)
  if (before !== undefined) select = select.where('seq', '<', before)
  const rows = await select.orderBy('seq', 'desc').limit(limit).execute()
  return rows.map(({ seq, at, kind, settings }) => ({ seq, at, kind, settings: JSON.parse(settings) }))
}
