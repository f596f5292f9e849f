import { type Clock, Fault, newId } from '@holdfast/kernel'
import type { Database, Tx } from '../../platform/db/index.ts'
import type { Artifacts, JudgedRelease } from '../artifacts/index.ts'
import { record } from '../audit/index.ts'
import { Bitmap } from '../devices/index.ts'
import type { ActiveIndex } from './active-index.ts'
import { start } from './advance.ts'
import { type Acting, change, requireStored } from './controlling.ts'
import { hasEnded, isContinuous } from './deployment.ts'
import { eachRow, type StoredRow } from './device-store.ts'
import * as operations from './operations.ts'
import { derivePolicy, type PolicyInput, type TargetInput } from './policy.ts'
import { deriveRollback } from './rollback.ts'
import { insertDeployment, nextSequence, type StoredDeployment } from './store.ts'
import { findMembers, type Populations, verifyTarget } from './target.ts'

export interface CreatingNeeds {
  readonly db: Database
  readonly clock: Clock
  readonly artifacts: Artifacts
  readonly index: ActiveIndex
  readonly populations: Populations
}

export interface NewDeployment {
  readonly name: string
  readonly release: string
  readonly target: TargetInput
  readonly policy: PolicyInput
}

export interface Created {
  readonly id: string
  readonly devices: number
}

const configurationType = 'mender-configure'
/** A rollback names its devices up to here; its population has all of them. */
const mostNamed = 1_000

export function createCreating(needs: CreatingNeeds) {
  const { db, clock, artifacts, index } = needs

  /** Costs the same for ten devices and for a million: their numbers are taken as one set, and no row is made. */
  async function create(acting: Acting, input: NewDeployment): Promise<Created> {
    const now = clock.now()
    verifyTarget(input.target)
    const policy = derivePolicy(input.policy)
    if (policy.expiresAt !== undefined && policy.expiresAt <= now) {
      throw new Fault('malformed', 'deployments.bad_expiry', 'the expiry lies in the past', { at: 'policy.expiresAt' })
    }
    const release = await artifacts.requireDeployable(db.read, acting.organisation, input.release)
    const members = await findMembers(needs.populations, acting.organisation, input.target, release.product)
    const starts = (policy.notBefore ?? now) <= now
    if (starts && members.count === 0 && !isContinuous(input.target)) {
      const why = `no accepted device of ${release.of.name} matches the target`
      throw new Fault('refused', 'deployments.nobody', why, { at: 'target' })
    }
    const created = await db.write((tx) => insert(tx, acting, input, release, members, { starts, now }))
    await index.refresh(created.id, members)
    return created
  }

  async function insert(
    tx: Tx,
    acting: Acting,
    input: NewDeployment,
    release: JudgedRelease,
    members: Bitmap,
    { starts, now, rollbackOf }: { starts: boolean; now: number; rollbackOf?: string },
  ): Promise<Created> {
    await artifacts.requireDeployable(tx, acting.organisation, release.id)
    const scheduled: StoredDeployment = {
      ...describe(input, release),
      id: newId(now),
      organisation: acting.organisation,
      sequence: await nextSequence(tx, acting.organisation),
      state: 'scheduled',
      phases: [],
      phase: -1,
      devices: members.count,
      createdAt: now,
      createdBy: acting.actor.name ?? acting.actor.id,
      ...(rollbackOf === undefined ? {} : { rollbackOf }),
      revision: 1,
    }
    const stored = starts ? start(scheduled, members.count, now) : scheduled
    await insertDeployment(tx, stored, starts ? members.encode() : undefined)
    await record(tx, {
      organisation: acting.organisation,
      type: 'deployment.created',
      subject: { kind: 'deployment', id: stored.id },
      actor: acting.actor,
      at: now,
      detail: {
        name: stored.name,
        release: release.id,
        version: release.version,
        devices: members.count,
        target: JSON.stringify(input.target).slice(0, 4_000),
        ...(rollbackOf === undefined ? {} : { rollbackOf }),
      },
      after: { state: stored.state, policy: JSON.stringify(input.policy), target: JSON.stringify(input.target) },
    })
    return { id: stored.id, devices: members.count }
  }

  /**
   * Aborts a deployment that still runs, and deploys to the devices that it changed the release that each ran before, or
   * `release` to all of them. Answers the largest of the new deployments, and the devices of all.
   */
  async function rollBack(acting: Acting, id: string, release: string | undefined): Promise<Created> {
    const now = clock.now()
    const { product } = await requireStored(db.read, acting.organisation, id)
    const released = await artifacts.list({
      organisation: acting.organisation,
      products: [product],
      state: 'released',
      limit: 500,
    })
    const created = await db.write(async (tx) => {
      const before = await requireStored(tx, acting.organisation, id)
      const stored = hasEnded(before) ? before : operations.abort(before, 'rolled back', now)
      if (stored !== before)
        await change(tx, acting, before, stored, 'deployment.aborted', { reason: 'rolled back' }, now)
      const plans = await planRollback(tx, stored, release, released)
      const all: Created[] = []
      for (const plan of plans) {
        const input: NewDeployment = {
          name: `Roll back ${stored.name} to ${plan.release.version}`.slice(0, 256),
          release: plan.release.id,
          target: { kind: 'devices', devices: plan.rows.slice(0, mostNamed).map(({ device }) => device) },
          policy: rollbackPolicy(stored.policyInput),
        }
        const members = Bitmap.of(plan.rows.map(({ number }) => number).sort((a, b) => a - b))
        all.push(await insert(tx, acting, input, plan.release, members, { starts: true, now, rollbackOf: id }))
      }
      return all
    })
    for (const one of [{ id }, ...created]) await index.refresh(one.id)
    const [largest] = created.toSorted((a, b) => b.devices - a.devices)
    return { id: largest?.id ?? id, devices: created.reduce((sum, one) => sum + one.devices, 0) }
  }

  async function planRollback(
    tx: Tx,
    stored: StoredDeployment,
    wanted: string | undefined,
    released: readonly JudgedRelease[],
  ): Promise<{ release: JudgedRelease; rows: StoredRow[] }[]> {
    const rows = new Map<string, StoredRow>()
    for await (const row of eachRow(tx, stored.id)) rows.set(row.device, row)
    const { groups, unknown } = deriveRollback(stored, rows.values())
    if (groups.length + unknown.length === 0) throw nothingToRollBack('no device has installed it')
    const rowsOf = (devices: readonly string[]) => devices.flatMap((device) => rows.get(device) ?? [])
    if (wanted !== undefined) {
      const release = await artifacts.requireDeployable(tx, stored.organisation, wanted)
      const touched = rowsOf([...groups.flatMap(({ devices }) => devices), ...unknown])
      return [{ release, rows: touched }]
    }
    const plans = groups.flatMap(({ release: name, devices }) => {
      const release = released.find((one) => one.version === name || one.artifacts.some((part) => part.name === name))
      return release === undefined || release.id === stored.release ? [] : [{ release, rows: rowsOf(devices) }]
    })
    if (plans.length === 0) throw nothingToRollBack('the release that its devices ran before is not known; name one')
    return plans
  }

  return { create, rollBack }
}

function describe(input: NewDeployment, release: JudgedRelease) {
  const settings =
    release.artifacts.length > 0 && release.artifacts.every((one) => one.payloadType === configurationType)
  return {
    name: input.name,
    kind: settings ? ('configuration' as const) : ('update' as const),
    release: release.id,
    version: release.version,
    product: release.product,
    target: input.target,
    targetInput: input.target,
    policy: derivePolicy(input.policy),
    policyInput: input.policy,
    force: input.policy.force,
  }
}

/** Back at once and everywhere, with the patience and the windows of the deployment that is undone. */
function rollbackPolicy(undone: PolicyInput): PolicyInput {
  const { startAt: _, expiresAt: __, haltAtFailurePercent: ___, haltAtFailures: ____, ...kept } = undone
  return {
    ...kept,
    phases: [{ delayMinutes: 0, gate: false }],
    priority: Math.min(1_000, undone.priority + 1),
    downloadOnly: false,
    confirmation: false,
    pauseBefore: [],
    force: false,
  }
}

function nothingToRollBack(why: string): Fault {
  return new Fault('conflict', 'deployments.nothing_to_roll_back', why)
}
