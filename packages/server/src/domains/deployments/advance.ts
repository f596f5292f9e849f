import type { Instant } from '@holdfast/kernel'
import { basisPoints, type Deployment, isContinuous, type PhaseHealth, type Policy } from './deployment.ts'
import { derivePhaseRanges } from './phase-plan.ts'

/** True when a scheduled deployment has reached its time; its population must then be taken and `start` called. */
export function isDue(deployment: Deployment, now: Instant): boolean {
  return deployment.state === 'scheduled' && now >= (deployment.policy.notBefore ?? deployment.createdAt)
}

/** Fixes the phase ranges for a population of `total` devices and opens the first phase. */
export function start<D extends Deployment>(deployment: D, total: number, now: Instant): D {
  const phases = derivePhaseRanges(deployment.policy.phases, total)
  const opened = phases.map((range, index) => (index === 0 ? { ...range, openedAt: now } : range))
  return { ...deployment, state: 'running', phases: opened, phase: 0, startedAt: now }
}

/**
 * Decides what follows from what the devices report: at most one step a call, and the same object when nothing
 * changes. `health` has an entry for each phase. Fails closed: a silent phase never advances, and a phase whose
 * devices cannot take the release waits for a person.
 */
export function advance<D extends Deployment>(deployment: D, health: readonly PhaseHealth[], now: Instant): D {
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

function advancePhase<D extends Deployment>(deployment: D, health: readonly PhaseHealth[], now: Instant): D {
  const { phases, phase, policy } = deployment
  const current = phases[phase]
  const figures = health[phase]
  if (current === undefined || figures === undefined) return deployment
  if (current.passedAt === undefined) {
    return hasPassed(policy, figures) ? withPhase(deployment, phase, { passedAt: now }) : deployment
  }
  const next = policy.phases[phase + 1]
  if (next === undefined || next.gated || now < current.passedAt + next.delay) return deployment
  return openPhase(deployment, phase + 1, now)
}

/** Opens a phase; the caller has decided that its turn has come. */
export function openPhase<D extends Deployment>(deployment: D, phase: number, now: Instant): D {
  return { ...withPhase(deployment, phase, { openedAt: now }), phase }
}

export function withPhase<D extends Deployment>(
  deployment: D,
  phase: number,
  change: { openedAt?: Instant; passedAt?: Instant },
): D {
  const phases = deployment.phases.map((one, index) => (index === phase ? { ...one, ...change } : one))
  return { ...deployment, phases }
}

/** An empty phase has nobody to wait for; its gate and the delay after it still hold. */
function hasPassed(policy: Policy, figures: PhaseHealth): boolean {
  if (figures.size === 0) return true
  const good = figures.succeeded + figures.alreadyInstalled
  if (good === 0) return false
  return good * 10_000 >= basisPoints(policy.successPercent) * eligible(figures)
}

/** How many failures halt a phase of this size; Infinity when nothing was said. */
export function failureLimit({ haltAtFailurePercent }: Policy, figures: PhaseHealth): number {
  if (haltAtFailurePercent === undefined) return Number.POSITIVE_INFINITY
  return Math.max(1, Math.ceil((basisPoints(haltAtFailurePercent) * eligible(figures)) / 10_000))
}

function findBreach({ policy, phase }: Deployment, health: readonly PhaseHealth[]): string | undefined {
  let failed = 0
  for (const [index, figures] of health.slice(0, phase + 1).entries()) {
    failed += figures.failed
    if (figures.failed >= failureLimit(policy, figures)) {
      return `${figures.failed} of ${figures.size} devices of phase ${index + 1} failed (limit ${policy.haltAtFailurePercent} %)`
    }
  }
  if (failed < (policy.haltAtFailures ?? Number.POSITIVE_INFINITY)) return undefined
  return `${failed} devices failed (limit ${policy.haltAtFailures})`
}

/** Every device of a static deployment has come to an end; a continuous one waits for devices to come. */
function isSettled(deployment: Deployment, health: readonly PhaseHealth[]): boolean {
  if (isContinuous(deployment.target) || deployment.phase !== deployment.phases.length - 1) return false
  return health.every((figures) => settled(figures) >= figures.size)
}

export function settled(figures: PhaseHealth): number {
  const { succeeded, alreadyInstalled, failed, incompatible, aborted } = figures
  return succeeded + alreadyInstalled + failed + incompatible + aborted
}

/** Devices that can still prove something: those without a fitting artifact, and those called off, cannot. */
function eligible(figures: PhaseHealth): number {
  return Math.max(0, figures.size - figures.incompatible - figures.aborted)
}
