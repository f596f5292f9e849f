import type { Instant } from '@holdfast/kernel'
import { basisPoints, type Deployment, type Phase, type PhaseHealth } from './deployment.ts'
import { derivePhaseRanges } from './phase-plan.ts'

/** True when a scheduled deployment has reached its time; its population must then be taken and `start` called. */
export function isDue(deployment: Deployment, now: Instant): boolean {
  return deployment.state === 'scheduled' && now >= (deployment.policy.notBefore ?? deployment.createdAt)
}

/** Fixes the phase ranges for a population of `total` devices and opens the first phase. */
export function start(deployment: Deployment, total: number, now: Instant): Deployment {
  const phases = derivePhaseRanges(deployment.policy.phases, total)
  const opened = phases.map((range, index) => (index === 0 ? { ...range, startedAt: now } : range))
  return { ...deployment, state: 'running', phases: opened, phase: 0, startedAt: now }
}

/**
 * Decides what follows from what the devices report: at most one step a call, and the same object when nothing
 * changes. `health` has an entry for each phase. Fails closed: a silent phase never advances, and a phase whose
 * devices cannot take the release waits for a person.
 */
export function advance(deployment: Deployment, health: readonly PhaseHealth[], now: Instant): Deployment {
  const { state, policy } = deployment
  if (state !== 'scheduled' && state !== 'running' && state !== 'paused') return deployment
  if (policy.expiresAt !== undefined && now >= policy.expiresAt) {
    return { ...deployment, state: 'expired', reason: 'its expiry was reached', endedAt: now }
  }
  if (state === 'scheduled') return deployment
  const breach = findBreach(deployment, health)
  if (breach !== undefined) return { ...deployment, state: 'halted', reason: breach, endedAt: now }
  if (state === 'paused') return deployment
  if (isSettled(deployment, health)) return { ...deployment, state: 'finished', endedAt: now }
  return advancePhase(deployment, health, now)
}

function advancePhase(deployment: Deployment, health: readonly PhaseHealth[], now: Instant): Deployment {
  const { phases, phase, policy } = deployment
  const current = phases[phase]
  const rule = policy.phases[phase]
  const figures = health[phase]
  if (current === undefined || rule === undefined || figures === undefined) return deployment
  if (current.finishedAt === undefined) {
    return hasSucceeded(rule, figures) ? withPhase(deployment, phase, { finishedAt: now }) : deployment
  }
  const next = policy.phases[phase + 1]
  if (next === undefined || now < current.finishedAt + next.delay) return deployment
  if (next.gate === 'manual' && phases[phase + 1]?.approvedAt === undefined) return deployment
  return openPhase(deployment, phase + 1, now)
}

/** Opens a phase; the caller has decided that its turn has come. */
export function openPhase(deployment: Deployment, phase: number, now: Instant): Deployment {
  return { ...withPhase(deployment, phase, { startedAt: now }), phase }
}

export function withPhase(
  deployment: Deployment,
  phase: number,
  change: { startedAt?: Instant; finishedAt?: Instant; approvedAt?: Instant },
): Deployment {
  const phases = deployment.phases.map((one, index) => (index === phase ? { ...one, ...change } : one))
  return { ...deployment, phases }
}

/** An empty phase has nobody to wait for; its gate and the delay after it still hold. */
function hasSucceeded(rule: Phase, figures: PhaseHealth): boolean {
  if (figures.size === 0) return true
  const good = figures.succeeded + figures.alreadyInstalled
  if (good === 0) return false
  return good * 10_000 >= basisPoints(rule.successThreshold) * eligible(figures)
}

/** How many failures halt a phase of this size; Infinity when nothing was said. */
export function failureLimit(rule: Phase, figures: PhaseHealth): number {
  const { percent, count } = rule.failureThreshold ?? {}
  const byPercent =
    percent === undefined
      ? Number.POSITIVE_INFINITY
      : Math.max(1, Math.ceil((basisPoints(percent) * eligible(figures)) / 10_000))
  return Math.min(byPercent, count ?? Number.POSITIVE_INFINITY)
}

function findBreach(deployment: Deployment, health: readonly PhaseHealth[]): string | undefined {
  for (let index = 0; index <= deployment.phase; index += 1) {
    const rule = deployment.policy.phases[index]
    const figures = health[index]
    if (rule === undefined || figures === undefined) continue
    const limit = failureLimit(rule, figures)
    if (figures.failed >= limit) {
      return `phase ${index + 1}: ${figures.failed} of ${figures.size} devices failed, the limit is ${limit}`
    }
  }
  return undefined
}

/** Every device of a static deployment has come to an end; a continuous one waits for devices to come. */
function isSettled(deployment: Deployment, health: readonly PhaseHealth[]): boolean {
  if (deployment.membership === 'continuous' || deployment.phase !== deployment.phases.length - 1) return false
  return health.every((figures) => settled(figures) >= figures.size)
}

export function settled(figures: PhaseHealth): number {
  const { succeeded, alreadyInstalled, failed, noArtifact, aborted } = figures
  return succeeded + alreadyInstalled + failed + noArtifact + aborted
}

/** Devices that can still prove something: those without a fitting artifact, and those called off, cannot. */
function eligible(figures: PhaseHealth): number {
  return Math.max(0, figures.size - figures.noArtifact - figures.aborted)
}
