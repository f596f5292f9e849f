import type { Selectable } from 'kysely'
import { compileOnce, type Reader, type Tx } from '../../platform/db/index.ts'
import type { Deployment, DeploymentState } from './deployment.ts'
import { derivePolicy, type PolicyInput, type TargetInput } from './policy.ts'
import type { DeploymentTable } from './schema.ts'

export interface StoredDeployment extends Deployment {
  readonly organisation: string
  readonly version: string
  readonly product: string
  /** Target and policy as the interface gave them. */
  readonly targetInput: TargetInput
  readonly policyInput: PolicyInput
  readonly devices: number
  readonly createdBy: string
  readonly rollbackOf?: string
  readonly revision: number
}

const columns = [
  'id',
  'organisation',
  'sequence',
  'name',
  'kind',
  'release',
  'release_version',
  'product',
  'target',
  'target_group',
  'policy',
  'state',
  'reason',
  'phases',
  'phase',
  'force',
  'install_released_at',
  'devices',
  'created_at',
  'created_by',
  'started_at',
  'ended_at',
  'rollback_of',
  'revision',
] as const

type Row = Pick<Selectable<DeploymentTable>, (typeof columns)[number]>

const selectOne = compileOnce((db, { id }: { id: string }) =>
  db.selectFrom('deployment').select(columns).where('id', '=', id),
)

export async function findDeployment(db: Reader, id: string): Promise<StoredDeployment | undefined> {
  const [row] = await selectOne(db, { id })
  return row === undefined ? undefined : fromRow(row)
}

export async function findPopulation(db: Reader, id: string): Promise<Uint8Array | undefined> {
  const row = await db.selectFrom('deployment').select('population').where('id', '=', id).executeTakeFirst()
  return row?.population ?? undefined
}

export async function insertDeployment(
  tx: Tx,
  stored: StoredDeployment,
  population: Uint8Array | undefined,
): Promise<void> {
  await tx
    .insertInto('deployment')
    .values({ ...toRow(stored), population: population ?? null })
    .execute()
}

/** Writes the changing part; the caller read `stored` in this very transaction. */
export async function updateDeployment(
  tx: Tx,
  stored: StoredDeployment,
  population?: Uint8Array | undefined,
): Promise<void> {
  const { policy, state, reason, phases, phase, force, install_released_at, devices, started_at, ended_at } =
    toRow(stored)
  await tx
    .updateTable('deployment')
    .set({ policy, state, reason, phases, phase, force, install_released_at, devices, started_at, ended_at })
    .set(population === undefined ? {} : { population })
    .set((row) => ({ revision: row('revision', '+', 1) }))
    .where('id', '=', stored.id)
    .execute()
}

export async function nextSequence(tx: Tx, organisation: string): Promise<number> {
  const row = await tx
    .selectFrom('deployment')
    .select((aggregate) => aggregate.fn.max('sequence').as('last'))
    .where('organisation', '=', organisation)
    .executeTakeFirst()
  return Number(row?.last ?? 0) + 1
}

export interface DeploymentQuery {
  readonly organisation: string
  readonly states?: readonly DeploymentState[]
  readonly product?: string | undefined
  readonly release?: string | undefined
  readonly device?: string | undefined
  /** Only deployments of these products or to these groups. */
  readonly within?: { readonly products: readonly string[]; readonly groups: readonly string[] } | undefined
  readonly before?: number | undefined
  readonly limit: number
}

/** Newest first. */
export async function listDeployments(db: Reader, query: DeploymentQuery): Promise<StoredDeployment[]> {
  let select = db.selectFrom('deployment').select(columns).where('organisation', '=', query.organisation)
  const { states, product, release, device, within, before } = query
  if (states !== undefined) select = select.where('state', 'in', states)
  if (product !== undefined) select = select.where('product', '=', product)
  if (release !== undefined) select = select.where('release', '=', release)
  if (device !== undefined) {
    const given = db.selectFrom('deployment_device').select('deployment').where('device', '=', device)
    select = select.where('id', 'in', given)
  }
  if (within !== undefined) {
    select = select.where((where) =>
      where.or([
        ...(within.products.length === 0 ? [] : [where('product', 'in', within.products)]),
        ...(within.groups.length === 0 ? [] : [where('target_group', 'in', within.groups)]),
      ]),
    )
  }
  if (before !== undefined) select = select.where('sequence', '<', before)
  return (await select.orderBy('sequence', 'desc').limit(query.limit).execute()).map(fromRow)
}

/** Every deployment that can still concern a device, of all organisations. */
export async function listOpen(db: Reader, endedSince: number): Promise<string[]> {
  const open = await db
    .selectFrom('deployment')
    .select('id')
    .where('state', 'in', ['scheduled', 'running', 'paused'])
    .execute()
  const lingering = await db
    .selectFrom('deployment')
    .select('id')
    .where('state', 'in', ['halted', 'aborted', 'expired'])
    .where('ended_at', '>', endedSince)
    .execute()
  return [...open, ...lingering].map(({ id }) => id)
}

export async function countStates(
  db: Reader,
  organisation: string,
  finishedSince: number,
): Promise<Partial<Record<DeploymentState, number>>> {
  const rows = await db
    .selectFrom('deployment')
    .select(['state', (aggregate) => aggregate.fn.countAll<number>().as('n')])
    .where('organisation', '=', organisation)
    .where((where) => where.or([where('state', '!=', 'finished'), where('ended_at', '>', finishedSince)]))
    .groupBy('state')
    .execute()
  return Object.fromEntries(rows.map(({ state, n }) => [state, Number(n)]))
}

function fromRow(row: Row): StoredDeployment {
  const policyInput = JSON.parse(row.policy) as PolicyInput
  const targetInput = JSON.parse(row.target) as TargetInput
  return {
    id: row.id,
    organisation: row.organisation,
    sequence: row.sequence,
    name: row.name,
    kind: row.kind,
    release: row.release,
    version: row.release_version,
    product: row.product,
    target: targetInput,
    targetInput,
    policy: derivePolicy(policyInput),
    policyInput,
    state: row.state,
    ...(row.reason === null ? {} : { reason: row.reason }),
    phases: JSON.parse(row.phases) as Deployment['phases'],
    phase: row.phase,
    force: row.force === 1,
    ...(row.install_released_at === null ? {} : { installReleasedAt: row.install_released_at }),
    devices: row.devices,
    createdAt: row.created_at,
    createdBy: row.created_by,
    ...(row.started_at === null ? {} : { startedAt: row.started_at }),
    ...(row.ended_at === null ? {} : { endedAt: row.ended_at }),
    ...(row.rollback_of === null ? {} : { rollbackOf: row.rollback_of }),
    revision: row.revision,
  }
}

function toRow(stored: StoredDeployment): Row {
  return {
    id: stored.id,
    organisation: stored.organisation,
    sequence: stored.sequence,
    name: stored.name,
    kind: stored.kind,
    release: stored.release,
    release_version: stored.version,
    product: stored.product,
    target: JSON.stringify(stored.targetInput),
    target_group: stored.target.kind === 'group' ? stored.target.group : null,
    policy: JSON.stringify(stored.policyInput),
    state: stored.state,
    reason: stored.reason ?? null,
    phases: JSON.stringify(stored.phases),
    phase: stored.phase,
    force: stored.force ? 1 : 0,
    install_released_at: stored.installReleasedAt ?? null,
    devices: stored.devices,
    created_at: stored.createdAt,
    created_by: stored.createdBy,
    started_at: stored.startedAt ?? null,
    ended_at: stored.endedAt ?? null,
    rollback_of: stored.rollbackOf ?? null,
    revision: stored.revision,
  }
}
