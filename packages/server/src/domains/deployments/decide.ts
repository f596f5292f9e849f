import { day, type Instant } from '@holdfast/kernel'
import { decideCompatible, isInstalled } from './compatibility.ts'
import type {
  ActiveDeployment,
  AskingDevice,
  Consideration,
  Decision,
  Delivery,
  DeviceHistory,
  Outcome,
  Settlement,
} from './decision.ts'
import { type Deployment, hasEnded, type PausePoint } from './deployment.ts'
import { compareDeployments } from './ordering.ts'
import type { Place } from './population.ts'
import { decideRetry } from './retry.ts'
import { type DeviceRow, isAtWork, mustCancel } from './status.ts'
import { decideWindow } from './window.ts'

const superseded = 'the device has completed a newer deployment since'

/** After this long without a word, a device that asks again is no longer at work for a deployment that ended. */
export const silentAfterEnd = day

type Step =
  | {
      readonly kind: 'skip'
      readonly why: string
      readonly recheckAfter?: Instant | undefined
      readonly otherwise?: Outcome
    }
  | { readonly kind: 'settle'; readonly why: string; readonly settlement: Settlement }
  | { readonly kind: 'answer'; readonly why: string; readonly outcome: Outcome }

/**
 * Decides what a device gets. One that is in the middle of a deployment stays with it; otherwise the first
 * deployment in order that it belongs to, whose phase is open and whose conditions hold, is handed out. A device
 * never goes back to a deployment made before one that it has completed: the operator's last word wins.
 */
export function decideForDevice(
  device: AskingDevice,
  active: readonly ActiveDeployment[],
  history: DeviceHistory,
  now: Instant,
): Decision {
  const ordered = [...active].sort((a, b) => compareDeployments(a.deployment, b.deployment))
  const byDeployment = new Map(history.rows.map((row) => [row.deployment, row]))
  const atWork = history.rows.find(isAtWork)
  const known = ordered.find(({ deployment }) => deployment.id === atWork?.deployment)
  const considered: Consideration[] = []
  const settled: Settlement[] = []
  if (atWork !== undefined && known === undefined && !device.idle) {
    const why = 'the deployment that it was working on is over'
    return { outcome: { kind: 'cancel', deployment: atWork.deployment }, why, settled, considered }
  }
  let otherwise: Outcome | undefined
  let recheckAfter: Instant | undefined
  for (const one of known === undefined ? ordered : [known, ...ordered.filter((other) => other !== known)]) {
    const { id, name } = one.deployment
    const row = byDeployment.get(id)
    const completed = history.completed[one.deployment.kind]
    const step =
      row !== undefined && isAtWork(row)
        ? decideCurrent(device, one, { row, completed }, now)
        : decideNew(device, one, { row, completed }, now)
    considered.push({ deployment: id, name, why: step.why })
    if (step.kind === 'answer') return { outcome: step.outcome, why: `${name}: ${step.why}`, settled, considered }
    if (step.kind === 'settle') settled.push(step.settlement)
    else {
      otherwise ??= step.otherwise
      recheckAfter = earlier(recheckAfter, step.recheckAfter)
    }
  }
  const outcome = otherwise ?? (recheckAfter === undefined ? { kind: 'nothing' } : { kind: 'nothing', recheckAfter })
  const why = considered.length === 0 ? 'no deployment is active' : 'no deployment is ready for it'
  return { outcome, why, settled, considered }
}

/** A device that was given the deployment and has not said how it ended. */
function decideCurrent(
  device: AskingDevice,
  one: ActiveDeployment,
  { row, completed }: { row: DeviceRow; completed: number },
  now: Instant,
): Step {
  const { deployment, release } = one
  const settle = (status: Settlement['status'], why: string): Step => ({
    kind: 'settle',
    why,
    settlement: { deployment: deployment.id, phase: row.phase, status, why },
  })
  if (mustCancel(row.status, deployment.state) && !device.idle) {
    const outcome: Outcome = { kind: 'cancel', deployment: deployment.id }
    return { kind: 'answer', why: `the deployment is ${deployment.state}; the device must stop`, outcome }
  }
  const artifact = release.artifacts.find(({ id }) => id === row.artifact)
  if (artifact === undefined) {
    return { kind: 'answer', why: 'its artifact is gone', outcome: { kind: 'cancel', deployment: deployment.id } }
  }
  if (!deployment.force && isInstalled(artifact, device.provides)) {
    return settle('success', `it runs ${release.version} now`)
  }
  if (hasEnded(deployment) && (device.idle || now >= row.since + silentAfterEnd)) {
    return settle('aborted', `it is ${deployment.state}, and the device never said how it ended for it`)
  }
  if (device.idle && deployment.sequence < completed) return settle('aborted', superseded)
  if (!canHandOut(deployment, now)) {
    const why = `it is ${deployment.state}; the device finishes what it has begun`
    return device.idle ? skip(why) : { kind: 'answer', why, outcome: { kind: 'nothing' } }
  }
  return handOutAgain(device, deployment, artifact.id, row, now)
}

function handOutAgain(
  device: AskingDevice,
  deployment: Deployment,
  artifact: string,
  row: DeviceRow,
  now: Instant,
): Step {
  const hold = decideHold(deployment, device, row.passed, now)
  const cannotWait = hold.install.when === 'wait' && !device.canWait
  if (cannotWait && (device.idle || row.status === 'pending')) {
    return skip(
      `its client cannot wait${describeHold(hold)}`,
      hold.install.when === 'wait' ? hold.install.until : undefined,
    )
  }
  const outcome: Delivery = {
    kind: 'deliver',
    deployment: deployment.id,
    phase: row.phase,
    artifact,
    attempt: row.attempt,
    repeated: true,
    // Who cannot wait and has begun in time is let finish.
    install: cannotWait ? { when: 'now' } : hold.install,
    pauseAt: hold.pauseAt,
  }
  return { kind: 'answer', why: `it is at work on it (${row.status})${describeHold(hold)}`, outcome }
}

/** A deployment that the device has not begun, or has to begin again. */
function decideNew(
  device: AskingDevice,
  one: ActiveDeployment,
  { row, completed }: { row: DeviceRow | undefined; completed: number },
  now: Instant,
): Step {
  const { deployment, release, roster } = one
  if (hasEnded(deployment) && row?.status === 'pending') {
    const why = `it is ${deployment.state}`
    return { kind: 'settle', why, settlement: { deployment: deployment.id, phase: row.phase, status: 'aborted', why } }
  }
  if (!canHandOut(deployment, now)) return skip(`it is ${deployment.state}`)
  const attempt = decideAttempt(deployment, row, now)
  if (attempt.kind === 'skip') return attempt
  const place = roster.findPlace(device.number, () => one.matches(device))
  if (place === undefined) return skip('the device is not in its target')
  const settle = (status: Settlement['status'], why: string): Step => ({
    kind: 'settle',
    why,
    settlement: { deployment: deployment.id, phase: place.phase, status, why },
  })
  if (deployment.sequence < completed) return settle('aborted', superseded)
  if (place.phase > deployment.phase) return skip(describeWait(deployment, place))
  const compatible = decideCompatible(release, device.provides, device.formats)
  if (compatible.kind === 'unknown') return skip(compatible.why)
  if (compatible.kind === 'incompatible') return settle('incompatible', compatible.why)
  if (!deployment.force && isInstalled(compatible.artifact, device.provides)) {
    return settle('already_installed', `it runs ${release.version} already`)
  }
  return handOut(device, deployment, { place, artifact: compatible.artifact.id, attempt: attempt.attempt, row }, now)
}

interface Candidate {
  readonly place: Place
  readonly artifact: string
  readonly attempt: number
  readonly row: DeviceRow | undefined
}

function handOut(device: AskingDevice, deployment: Deployment, candidate: Candidate, now: Instant): Step {
  const { place, artifact, attempt, row } = candidate
  const hold = decideHold(deployment, device, row?.passed ?? [], now)
  if (hold.install.when === 'wait' && !device.canWait)
    return skip(`its client cannot wait${describeHold(hold)}`, hold.install.until)
  const subject = { deployment: deployment.id, phase: place.phase, artifact }
  if (deployment.policy.confirmation && !device.autoConfirm && row?.confirmation !== 'confirmed') {
    const outcome: Outcome = { kind: 'confirm', ...subject }
    if (row?.confirmation !== 'denied') return { kind: 'answer', why: 'it waits for the device to confirm', outcome }
    return { kind: 'skip', why: 'the device has denied it; it may still confirm', otherwise: outcome }
  }
  const outcome: Delivery = {
    kind: 'deliver',
    ...subject,
    attempt,
    repeated: false,
    install: hold.install,
    pauseAt: hold.pauseAt,
  }
  return { kind: 'answer', why: `phase ${place.phase + 1} is open${describeHold(hold)}`, outcome }
}

/** Whether a deployment may begin anything at all at this moment, whatever the tick has not yet noticed. */
function canHandOut({ state, policy }: Deployment, now: Instant): boolean {
  return state === 'running' && (policy.expiresAt === undefined || now < policy.expiresAt)
}

function decideAttempt(
  { policy }: Deployment,
  row: DeviceRow | undefined,
  now: Instant,
): { kind: 'go'; attempt: number } | Extract<Step, { kind: 'skip' }> {
  if (row === undefined) return { kind: 'go', attempt: 1 }
  if (row.status === 'pending') return { kind: 'go', attempt: row.attempt }
  if (row.status !== 'failure') return skip(`it ended with ${row.status}`)
  const verdict = decideRetry(policy.retries, row.attempt, row.since, now)
  if (verdict.kind === 'again') return { kind: 'go', attempt: verdict.attempt }
  if (verdict.kind === 'later') return skip(`attempt ${row.attempt} failed; the next one comes later`, verdict.at)
  return skip(`it failed ${row.attempt} of ${policy.retries.maxAttempts} times`)
}

interface Hold extends Pick<Delivery, 'install' | 'pauseAt'> {
  readonly waitsFor?: 'window' | 'operator'
}

function decideHold(
  { policy, force, installReleasedAt }: Deployment,
  device: AskingDevice,
  passed: readonly PausePoint[],
  now: Instant,
): Hold {
  const pauseAt = policy.pauseBefore.filter((point) => !passed.includes(point))
  if (policy.downloadOnly && installReleasedAt === undefined) {
    return { install: { when: 'wait' }, pauseAt, waitsFor: 'operator' }
  }
  if (force || policy.windows.length === 0) return { install: { when: 'now' }, pauseAt }
  const verdict = decideWindow(policy.windows, device.zone, now)
  if (verdict.open) return { install: { when: 'now' }, pauseAt }
  const until = verdict.opensAt === undefined ? {} : { until: verdict.opensAt }
  return { install: { when: 'wait', ...until }, pauseAt, waitsFor: 'window' }
}

function describeHold({ waitsFor }: Hold): string {
  if (waitsFor === undefined) return ''
  return waitsFor === 'window'
    ? '; it may install when its maintenance window opens'
    : '; it may install when the operator says so'
}

function earlier(one: Instant | undefined, other: Instant | undefined): Instant | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other)
}

function describeWait(deployment: Deployment, { phase }: Place): string {
  return `the device belongs to phase ${phase + 1}; phase ${deployment.phase + 1} is running`
}

function skip(why: string, recheckAfter?: Instant): Extract<Step, { kind: 'skip' }> {
  return { kind: 'skip', why, recheckAfter }
}
