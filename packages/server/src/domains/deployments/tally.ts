import { sql } from 'kysely'
import { compileOnce, type Reader, type Tx } from '../../platform/db/index.ts'
import type { Deployment, PhaseHealth } from './deployment.ts'
import { type DeviceRow, type DeviceStatus, healthKeyOf, isActive } from './status.ts'

/** `retrying` is a failure with attempts left; `joined` counts who came to a continuous deployment after the start. */
export type Figure = DeviceStatus | 'retrying' | 'joined'

/** Devices by figure, for each phase. */
export type Tally = readonly Readonly<Partial<Record<Figure, number>>>[]

const shards = 16

export function figureOf(row: Pick<DeviceRow, 'status' | 'attempt'>, { policy }: Deployment): Figure {
  return healthKeyOf(row, policy.retries) === 'retrying' ? 'retrying' : row.status
}

const add = compileOnce(
  (db, row: { deployment: string; phase: number; shard: number; figure: string; devices: number }) =>
    db
      .insertInto('deployment_tally')
      .values({
        deployment: row.deployment,
        phase: row.phase,
        shard: row.shard,
        figure: row.figure,
        devices: row.devices,
      })
      .onConflict((conflict) =>
        conflict
          .columns(['deployment', 'phase', 'shard', 'figure'])
          .doUpdateSet({ devices: sql<number>`deployment_tally.devices + excluded.devices` }),
      ),
)

/** Counts a device from one figure to another; undefined where it comes from, or goes, nowhere. */
export async function moveTally(
  tx: Tx,
  where: { readonly deployment: string; readonly phase: number; readonly number: number },
  from: Figure | undefined,
  to: Figure | undefined,
): Promise<void> {
  if (from === to) return
  const key = { deployment: where.deployment, phase: where.phase, shard: where.number % shards }
  if (from !== undefined) await add(tx, { ...key, figure: from, devices: -1 })
  if (to !== undefined) await add(tx, { ...key, figure: to, devices: 1 })
}

const select = compileOnce((db, { deployment }: { deployment: string }) =>
  db
    .selectFrom('deployment_tally')
    .select(['phase', 'figure', (aggregate) => aggregate.fn.sum<number>('devices').as('devices')])
    .where('deployment', '=', deployment)
    .groupBy(['phase', 'figure']),
)

export async function readTally(db: Reader, deployment: Deployment): Promise<Tally> {
  const tally: Partial<Record<Figure, number>>[] = deployment.policy.phases.map(() => ({}))
  for (const { phase, figure, devices } of await select(db, { deployment: deployment.id })) {
    const counts = tally[phase]
    if (counts !== undefined) counts[figure as Figure] = Number(devices)
  }
  return tally
}

export function deriveHealth({ phases }: Deployment, tally: Tally): PhaseHealth[] {
  return phases.map(({ first, end }, index) => {
    const counts = tally[index] ?? {}
    const active = Object.entries(counts).reduce(
      (sum, [figure, devices]) => (isActive(figure as DeviceStatus) ? sum + devices : sum),
      0,
    )
    return {
      size: end - first + (counts.joined ?? 0),
      active,
      retrying: counts.retrying ?? 0,
      succeeded: counts.success ?? 0,
      alreadyInstalled: counts.already_installed ?? 0,
      failed: counts.failure ?? 0,
      incompatible: counts.incompatible ?? 0,
      aborted: counts.aborted ?? 0,
    }
  })
}
