import { type Selectable, sql } from 'kysely'
import { compileOnce, type Reader, type Tx } from '../../platform/db/index.ts'
import type { Deployment, PausePoint } from './deployment.ts'
import type { DeploymentDeviceTable } from './schema.ts'
import { activeStatuses, type DeviceRow, type DeviceStatus } from './status.ts'

/** A device's row with what the store keeps beside the rules' own view. */
export interface StoredRow extends DeviceRow {
  readonly organisation: string
  readonly number: number
  readonly sequence: number
  readonly kind: Deployment['kind']
  readonly updatedAt: number
  readonly events: number
  readonly hasLog: boolean
}

type Row = Selectable<DeploymentDeviceTable>

/** Rows of one device that are read at once; nearly always all that it has. */
export const historyLength = 50

const selectHistory = compileOnce((db, { device }: { device: string }) =>
  db
    .selectFrom('deployment_device')
    .selectAll()
    .where('device', '=', device)
    .orderBy('sequence', 'desc')
    .limit(sql.lit(historyLength)),
)

/** The device's rows, newest deployment first. */
export async function listHistory(db: Reader, device: string): Promise<StoredRow[]> {
  return (await selectHistory(db, { device })).map(fromRow)
}

const selectById = compileOnce((db, key: { device: string; deployment: string }) =>
  db
    .selectFrom('deployment_device')
    .selectAll()
    .where('deployment', '=', key.deployment)
    .where('device', '=', key.device),
)
const selectByNumber = compileOnce((db, key: { device: string; sequence: number }) =>
  db.selectFrom('deployment_device').selectAll().where('device', '=', key.device).where('sequence', '=', key.sequence),
)

/** Looks a row up by the deployment's id, or by its number. */
export async function findRow(db: Reader, device: string, deployment: string | number): Promise<StoredRow | undefined> {
  const [row] =
    typeof deployment === 'number'
      ? await selectByNumber(db, { device, sequence: deployment })
      : await selectById(db, { device, deployment })
  return row === undefined ? undefined : fromRow(row)
}

/** A row of placeholders has no keys of its own, so each column is named. */
function placeholdersOf(row: Row): Row {
  return {
    deployment: row.deployment,
    device: row.device,
    organisation: row.organisation,
    number: row.number,
    sequence: row.sequence,
    kind: row.kind,
    phase: row.phase,
    status: row.status,
    substate: row.substate,
    progress_done: row.progress_done,
    progress_of: row.progress_of,
    attempt: row.attempt,
    artifact: row.artifact,
    previous_release: row.previous_release,
    confirmation: row.confirmation,
    passed: row.passed,
    since: row.since,
    updated_at: row.updated_at,
    events: row.events,
    has_log: row.has_log,
  }
}

const upsertRow = compileOnce((db, row: Row) =>
  db
    .insertInto('deployment_device')
    .values(placeholdersOf(row))
    .onConflict((conflict) =>
      conflict.columns(['deployment', 'device']).doUpdateSet((set) => ({
        phase: set.ref('excluded.phase'),
        status: set.ref('excluded.status'),
        substate: set.ref('excluded.substate'),
        progress_done: set.ref('excluded.progress_done'),
        progress_of: set.ref('excluded.progress_of'),
        attempt: set.ref('excluded.attempt'),
        artifact: set.ref('excluded.artifact'),
        previous_release: set.ref('excluded.previous_release'),
        confirmation: set.ref('excluded.confirmation'),
        passed: set.ref('excluded.passed'),
        since: set.ref('excluded.since'),
        updated_at: set.ref('excluded.updated_at'),
        events: set.ref('excluded.events'),
        has_log: set.ref('excluded.has_log'),
      })),
    ),
)

export async function putRow(tx: Tx, row: StoredRow): Promise<void> {
  await upsertRow(tx, toRow(row))
}

const insertOnly = compileOnce((db, row: Row) =>
  db
    .insertInto('deployment_device')
    .values(placeholdersOf(row))
    .onConflict((conflict) => conflict.columns(['deployment', 'device']).doNothing())
    .returning('device'),
)

/** Writes a row that must not exist yet; false when it does. Asking first would make concurrent transactions collide. */
export async function insertRow(tx: Tx, row: StoredRow): Promise<boolean> {
  return (await insertOnly(tx, toRow(row))).length === 1
}

export interface RowQuery {
  readonly deployment: string
  readonly status?: DeviceStatus | undefined
  readonly phase?: number | undefined
  readonly before?: { readonly updatedAt: number; readonly device: string } | undefined
  readonly limit: number
}

/** Latest first. */
export async function listRows(db: Reader, query: RowQuery): Promise<StoredRow[]> {
  let select = db.selectFrom('deployment_device').selectAll().where('deployment', '=', query.deployment)
  const { status, phase, before } = query
  if (status !== undefined) select = select.where('status', '=', status)
  if (phase !== undefined) select = select.where('phase', '=', phase)
  if (before !== undefined) {
    select = select.where((where) =>
      where.or([
        where('updated_at', '<', before.updatedAt),
        where.and([where('updated_at', '=', before.updatedAt), where('device', '<', before.device)]),
      ]),
    )
  }
  const rows = await select.orderBy('updated_at', 'desc').orderBy('device', 'desc').limit(query.limit).execute()
  return rows.map(fromRow)
}

/** One device's rows page by page, newest deployment first. */
export async function listRowsOfDevice(
  db: Reader,
  device: string,
  before: number | undefined,
  limit: number,
): Promise<StoredRow[]> {
  let select = db.selectFrom('deployment_device').selectAll().where('device', '=', device)
  if (before !== undefined) select = select.where('sequence', '<', before)
  return (await select.orderBy('sequence', 'desc').limit(limit).execute()).map(fromRow)
}

/** Every row of a deployment, in pieces, so that a large one does not fill the memory. */
export async function* eachRow(db: Reader, deployment: string): AsyncGenerator<StoredRow> {
  for (let last = ''; ; ) {
    const rows = await db
      .selectFrom('deployment_device')
      .selectAll()
      .where('deployment', '=', deployment)
      .where('device', '>', last)
      .orderBy('device')
      .limit(1_000)
      .execute()
    yield* rows.map(fromRow)
    const end = rows.at(-1)
    if (end === undefined || rows.length < 1_000) return
    last = end.device
  }
}

/** Devices whose row may still change. */
export async function listUnsettledNumbers(db: Reader, deployment: string): Promise<number[]> {
  const rows = await db
    .selectFrom('deployment_device')
    .select('number')
    .where('deployment', '=', deployment)
    .where('status', 'in', [...activeStatuses, 'failure'])
    .execute()
  return rows.map(({ number }) => number)
}

function fromRow(row: Row): StoredRow {
  return {
    deployment: row.deployment,
    device: row.device,
    organisation: row.organisation,
    number: row.number,
    sequence: row.sequence,
    kind: row.kind,
    phase: row.phase,
    status: row.status,
    ...(row.substate === null ? {} : { substate: row.substate }),
    ...(row.progress_done === null || row.progress_of === null
      ? {}
      : { progress: { done: row.progress_done, of: row.progress_of } }),
    attempt: row.attempt,
    ...(row.artifact === null ? {} : { artifact: row.artifact }),
    ...(row.previous_release === null ? {} : { previousRelease: row.previous_release }),
    confirmation: row.confirmation,
    passed: row.passed === '' ? [] : (row.passed.split(' ') as PausePoint[]),
    since: row.since,
    updatedAt: row.updated_at,
    events: row.events,
    hasLog: row.has_log === 1,
  }
}

function toRow(row: StoredRow): Row {
  return {
    deployment: row.deployment,
    device: row.device,
    organisation: row.organisation,
    number: row.number,
    sequence: row.sequence,
    kind: row.kind,
    phase: row.phase,
    status: row.status,
    substate: row.substate ?? null,
    progress_done: row.progress?.done ?? null,
    progress_of: row.progress?.of ?? null,
    attempt: row.attempt,
    artifact: row.artifact ?? null,
    previous_release: row.previousRelease ?? null,
    confirmation: row.confirmation,
    passed: row.passed.join(' '),
    since: row.since,
    updated_at: row.updatedAt,
    events: row.events,
    has_log: row.hasLog ? 1 : 0,
  }
}
