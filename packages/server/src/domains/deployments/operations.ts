import { Fault, type Instant } from '@holdfast/kernel'
import { openPhase, withPhase } from './advance.ts'
import type { Deployment, DeploymentState } from './deployment.ts'

export function pause<D extends Deployment>(deployment: D, reason?: string): D {
  requireState(deployment, 'pause', ['running'])
  return { ...deployment, state: 'paused', ...(reason === undefined ? {} : { reason }) }
}

export function resume<D extends Deployment>(deployment: D): D {
  requireState(deployment, 'resume', ['paused'])
  const { reason: _, ...rest } = deployment
  return { ...rest, state: 'running' } as unknown as D
}

/** Calls off the devices in progress too; a halted deployment can still be aborted for their sake. */
export function abort<D extends Deployment>(deployment: D, reason: string, now: Instant): D {
  requireState(deployment, 'abort', ['scheduled', 'running', 'paused', 'halted'])
  return { ...deployment, state: 'aborted', reason, endedAt: now }
}

/** Stops handing out because something is wrong with what it hands out. */
export function halt<D extends Deployment>(deployment: D, reason: string, now: Instant): D {
  requireState(deployment, 'halt', ['scheduled', 'running', 'paused'])
  return { ...deployment, state: 'halted', reason, endedAt: now }
}

/** From now on windows do not count, and devices install again what they already run. Cannot be taken back. */
export function force<D extends Deployment>(deployment: D): D {
  requireState(deployment, 'force', ['scheduled', 'running', 'paused'])
  return { ...deployment, force: true }
}

/**
 * Opens the next phase now: its gate, its delay and the success of the phase before are the operator's to answer
 * for. That is also the way out for a phase that cannot prove itself. Phases are opened in order only.
 */
export function openByHand<D extends Deployment>(deployment: D, phase: number, now: Instant): D {
  requireState(deployment, 'open', ['running'])
  if (deployment.phases[phase] === undefined) {
    throw new Fault('missing', 'deployments.no_phase', `there is no phase ${phase + 1}`)
  }
  if (phase <= deployment.phase) throw notNow(`phase ${phase + 1} is open already`)
  if (phase > deployment.phase + 1) throw notNow(`phase ${phase} has to be opened first`)
  return openPhase(withPhase(deployment, deployment.phase, { passedAt: now }), phase, now)
}

/** A finished deployment goes on when one of its devices is given another attempt. */
export function reopen<D extends Deployment>(deployment: D): D {
  if (deployment.state === 'running') return deployment
  requireState(deployment, 'reopen', ['finished'])
  const { endedAt: _, ...rest } = deployment
  return { ...rest, state: 'running' } as unknown as D
}

export function extend<D extends Deployment>(deployment: D, expiresAt: Instant, now: Instant): D {
  requireState(deployment, 'extend', ['scheduled', 'running', 'paused'])
  if (expiresAt <= now) throw new Fault('malformed', 'deployments.bad_expiry', 'the new expiry lies in the past')
  return { ...deployment, policy: { ...deployment.policy, expiresAt } }
}

/** The second consent of a deployment that holds the installation back. */
export function releaseInstall<D extends Deployment>(deployment: D, now: Instant): D {
  requireState(deployment, 'release', ['scheduled', 'running', 'paused'])
  if (!deployment.policy.downloadOnly) throw notNow('its installation is not held back')
  if (deployment.installReleasedAt !== undefined) throw notNow('its installation was released before')
  return { ...deployment, installReleasedAt: now }
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
