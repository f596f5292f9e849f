import type { Instant } from '@holdfast/kernel'
import { compileOnce, type Reader, type Tx } from '../../platform/db/index.ts'
import type { AutoConfirmation, LogLine } from './deployments.ts'
import type { DeviceStatus } from './status.ts'

export interface TimelineEntry {
  readonly at: Instant
  readonly status?: DeviceStatus
  readonly substate?: string
  readonly message?: string
}

/** Lines that one device may add to the timeline of one deployment. */
export const mostEvents = 1_000

const insert = compileOnce(
  (
    db,
    row: {
      deployment: string
      device: string
      at: number
      status: DeviceStatus | null
      substate: string | null
      message: string | null
    },
  ) =>
    db.insertInto('deployment_event').values({
      deployment: row.deployment,
      device: row.device,
      at: row.at,
      status: row.status,
      substate: row.substate,
      message: row.message,
    }),
)

export async function addEvent(tx: Tx, deployment: string, device: string, entry: TimelineEntry): Promise<void> {
  await insert(tx, {
    deployment,
    device,
    at: entry.at,
    status: entry.status ?? null,
    substate: entry.substate ?? null,
    message: entry.message ?? null,
  })
}

export async function listEvents(db: Reader, deployment: string, device: string): Promise<TimelineEntry[]> {
  const rows = await db
    .selectFrom('deployment_event')
    .selectAll()
    .where('deployment', '=', deployment)
    .where('device', '=', device)
    .orderBy('seq')
    .limit(mostEvents + 100)
    .execute()
  return rows.map(({ at, status, substate, message }) => ({
    at,
    ...(status === null ? {} : { status }),
    ...(substate === null ? {} : { substate }),
    ...(message === null ? {} : { message }),
  }))
}

/** The last messages, newest first. */
export async function listMessages(db: Reader, deployment: string, device: string, limit: number): Promise<string[]> {
  const rows = await db
    .selectFrom('deployment_event')
    .select('message')
    .where('deployment', '=', deployment)
    .where('device', '=', device)
    .where('message', 'is not', null)
    .orderBy('seq', 'desc')
    .limit(limit)
    .execute()
  return rows.flatMap(({ message }) => (message === null ? [] : [message]))
}

export async function putLog(
  tx: Tx,
  deployment: string,
  device: string,
  at: Instant,
  lines: readonly LogLine[],
): Promise<void> {
  const messages = JSON.stringify(lines)
  await tx
    .insertInto('deployment_log')
    .values({ deployment, device, at, messages })
    .onConflict((conflict) => conflict.columns(['deployment', 'device']).doUpdateSet({ at, messages }))
    .execute()
}

export async function findLog(db: Reader, deployment: string, device: string): Promise<LogLine[] | undefined> {
  const row = await db
    .selectFrom('deployment_log')
    .select('messages')
    .where('deployment', '=', deployment)
    .where('device', '=', device)
    .executeTakeFirst()
  return row === undefined ? undefined : (JSON.parse(row.messages) as LogLine[])
}

export async function findAutoConfirmation(db: Reader, device: string): Promise<AutoConfirmation | undefined> {
  const row = await db.selectFrom('auto_confirmation').selectAll().where('device', '=', device).executeTakeFirst()
  if (row === undefined) return undefined
  const { initiator, remark, at } = row
  return { at, ...(initiator === null ? {} : { initiator }), ...(remark === null ? {} : { remark }) }
}

export async function putAutoConfirmation(tx: Tx, device: string, wanted: AutoConfirmation | undefined): Promise<void> {
  if (wanted === undefined) {
    await tx.deleteFrom('auto_confirmation').where('device', '=', device).execute()
    return
  }
  const row = { initiator: wanted.initiator ?? null, remark: wanted.remark ?? null, at: wanted.at }
  await tx
    .insertInto('auto_confirmation')
    .values({ device, ...row })
    .onConflict((conflict) => conflict.column('device').doUpdateSet(row))
    .execute()
}
