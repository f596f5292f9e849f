import type { Answer, operations } from '@holdfast/protocol'
import type { JudgedRelease } from '../artifacts/index.ts'
import { failureLimit } from './advance.ts'
import { hasEnded, type PhaseHealth } from './deployment.ts'
import type { StoredRow } from './device-store.ts'
import type { DeviceStatus } from './status.ts'
import type { StoredDeployment } from './store.ts'
import { deriveHealth, type Figure, type Tally } from './tally.ts'

type Operations = typeof operations.deployments
type DeploymentAnswer = Answer<Operations['get']>
type PhaseAnswer = DeploymentAnswer['phases'][number]
type Counts = Partial<Record<DeviceStatus, number>>

export function time(at: number): string {
  return new Date(at).toISOString()
}

export function deploymentView(
  stored: StoredDeployment,
  release: JudgedRelease | undefined,
  tally: Tally,
): DeploymentAnswer {
  const health = deriveHealth(stored, tally)
  const phases = stored.policy.phases.map((_, index) => phaseView(stored, index, health[index], tally[index] ?? {}))
  const devices = health.length === 0 ? stored.devices : health.reduce((sum, { size }) => sum + size, 0)
  return {
    id: stored.id,
    name: stored.name,
    release: {
      id: stored.release,
      version: stored.version,
      product: { id: stored.product, name: release?.of.name ?? stored.product },
    },
    kind: stored.kind,
    target: copyTarget(stored),
    policy: stored.policyInput,
    state: stored.state,
    ...(stored.reason === undefined ? {} : { reason: stored.reason }),
    devices,
    counts: sumCounts(phases, devices),
    phases,
    createdAt: time(stored.createdAt),
    createdBy: stored.createdBy,
    ...(stored.startedAt === undefined ? {} : { startedAt: time(stored.startedAt) }),
    ...(stored.endedAt === undefined ? {} : { finishedAt: time(stored.endedAt) }),
    ...(stored.rollbackOf === undefined ? {} : { rollbackOf: stored.rollbackOf }),
  }
}

function copyTarget({ targetInput }: StoredDeployment): DeploymentAnswer['target'] {
  return targetInput.kind === 'devices' ? { kind: 'devices', devices: [...targetInput.devices] } : targetInput
}

function phaseView(
  stored: StoredDeployment,
  index: number,
  health: PhaseHealth | undefined,
  figures: Readonly<Partial<Record<Figure, number>>>,
): PhaseAnswer {
  const openedAt = stored.phases[index]?.openedAt
  const devices = health?.size ?? 0
  return {
    number: index + 1,
    devices,
    state: phaseState(stored, index, health),
    ...(openedAt === undefined ? {} : { openedAt: time(openedAt) }),
    counts: countsOf(figures, devices),
  }
}

function phaseState(stored: StoredDeployment, index: number, health: PhaseHealth | undefined): PhaseAnswer['state'] {
  if (index > stored.phase) return stored.policy.phases[index]?.gated === true ? 'gated' : 'waiting'
  if (health !== undefined && health.failed > 0 && health.failed >= failureLimit(stored.policy, health)) return 'failed'
  return stored.phases[index]?.passedAt !== undefined || (hasEnded(stored) && stored.state === 'finished')
    ? 'passed'
    : 'open'
}

/** By status; a device that has not been heard of yet is pending, and one between two attempts has failed. */
function countsOf(figures: Readonly<Partial<Record<Figure, number>>>, devices: number): Counts {
  const { retrying = 0, joined: _, ...statuses } = figures
  const counts: Counts = { ...statuses }
  if (retrying > 0) counts.failure = (counts.failure ?? 0) + retrying
  const heard = Object.values(counts).reduce((sum, count) => sum + count, 0)
  if (devices > heard) counts.pending = (counts.pending ?? 0) + devices - heard
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))
}

function sumCounts(phases: readonly PhaseAnswer[], devices: number): Counts {
  const sum: Record<string, number> = {}
  for (const { counts } of phases) {
    for (const [status, count = 0] of Object.entries(counts)) sum[status] = (sum[status] ?? 0) + count
  }
  return phases.every((phase) => phase.devices === 0) && devices > 0 ? { pending: devices } : (sum as Counts)
}

export function rowView(row: StoredRow) {
  return {
    phase: row.phase + 1,
    status: row.status,
    ...(row.substate === undefined ? {} : { substate: row.substate }),
    attempt: row.attempt,
    ...(row.progress === undefined ? {} : { progress: { ...row.progress } }),
    hasLog: row.hasLog,
    updatedAt: time(row.updatedAt),
  }
}
