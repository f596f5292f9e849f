import { Fault, type Instant } from '@holdfast/kernel'
import { openPhase, withPhase } from './advance.ts'
import type { Deployment, DeploymentState, Force, PausePoint } from './deployment.ts'

export function pause(deployment: Deployment, reason?: string): Deployment {
  requireState(deployment, 'pause', ['running'])
  return { ...deployment, state: 'paused', ...(reason === undefined ? {} : { reason }) }
}

export function resume(deployment: Deployment): Deployment {
  requireState(deployment, 'resume', ['paused'])
  const { reason: _, ...rest } = deployment
  return { ...rest, state: 'running' }
}

/** Calls off the devices in progress too; a halted deployment can still be aborted for their sake. */
export function abort(deployment: Deployment, reason: string, now: Instant): Deployment {
  requireState(deployment, 'abort', ['scheduled', 'running', 'paused', 'halted'])
  return { ...deployment, state: 'aborted', reason, endedAt: now }
}

/** Lets devices install outside their windows, or again what they already run; flags are added, never taken back. */
export function force(deployment: Deployment, wanted: Force): Deployment {
  requireState(deployment, 'force', ['scheduled', 'running', 'paused'])
  const { ignoreWindows, reinstall } = deployment.force
  return {
    ...deployment,
    force: { ignoreWindows: ignoreWindows || wanted.ignoreWindows, reinstall: reinstall || wanted.reinstall },
  }
}

/**
 * Opens the gate in front of the next phase: success threshold and delay still hold. With `atOnce` the operator
 * answers for them, and the next phase starts now; that is the way out for a phase that cannot prove itself.
 */
export function approveGate(deployment: Deployment, now: Instant, atOnce = false): Deployment {
  requireState(deployment, 'approve', ['running'])
  const next = deployment.phase + 1
  const waiting = deployment.phases[next]
  if (waiting === undefined) throw notNow('there is no further phase to open')
  if (waiting.approvedAt !== undefined && !atOnce) throw notNow(`phase ${next + 1} is approved already`)
  const approved = withPhase(deployment, next, { approvedAt: now })
  if (!atOnce) return approved
  return openPhase(withPhase(approved, deployment.phase, { finishedAt: now }), next, now)
}

export function extend(deployment: Deployment, expiresAt: Instant, now: Instant): Deployment {
  requireState(deployment, 'extend', ['scheduled', 'running', 'paused'])
  if (expiresAt <= now) throw new Fault('malformed', 'deployments.bad_expiry', 'the new expiry lies in the past')
  return { ...deployment, policy: { ...deployment.policy, expiresAt } }
}

/** The second consent of a deployment that holds the installation back. */
export function releaseInstall(deployment: Deployment, now: Instant): Deployment {
  requireState(deployment, 'release', ['scheduled', 'running', 'paused'])
  if (deployment.policy.install !== 'held') throw notNow('its installation is not held back')
  if (deployment.installReleasedAt !== undefined) throw notNow('its installation was released before')
  return { ...deployment, installReleasedAt: now }
}

/** Lets every device go on that waits, or will wait, at a pause point. */
export function passPausePoint(deployment: Deployment, point: PausePoint): Deployment {
  requireState(deployment, 'continue', ['running', 'paused'])
  if (!deployment.policy.pauseAt.includes(point)) throw notNow(`it does not pause before ${point}`)
  if (deployment.passed.includes(point)) return deployment
  return { ...deployment, passed: [...deployment.passed, point] }
}

function requireState({ state }: Deployment, what: string, allowed: readonly DeploymentState[]): void {
  if (allowed.includes(state)) return
  throw new Fault(
    'conflict',
    `deployments.cannot_${what}`,
    `a deployment that is ${state} cannot ${what}; it must be ${allowed.join(' or ')}`,
  )
}

function notNow(message: string): Fault {
  return new Fault('conflict', 'deployments.not_now', message)
}
