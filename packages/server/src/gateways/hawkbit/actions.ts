import { Fault } from '@holdfast/kernel'
import { z } from 'zod'
import type { Assignment, DeviceReport } from '../../domains/deployments/index.ts'
import type { DevicePrincipal } from '../../domains/devices/index.ts'
import type { DeviceAnswer, DeviceParams, DeviceRequest } from '../../platform/http/device-edge.ts'
import { readShape } from '../bodies.ts'
import { type Action, actionId, isAttempt, parseActionId } from './action.ts'
import { ask, type ControllerNeeds, halAnswer, linksFor } from './controller.ts'
import { deploymentDocument } from './document.ts'
import { decideCancelReport, decideReport, Feedback, feedbackLimit } from './feedback.ts'

const done: DeviceAnswer = { status: 200 }
const gone: DeviceAnswer = { status: 410 }

/** `GET deploymentBase/{id}`: what to do; missing once it was called off or while it waits for confirmation. */
export async function showDeployment(needs: ControllerNeeds, request: DeviceRequest, params: DeviceParams) {
  const action = parseActionId(params.id)
  const device = await needs.authenticate(request, params)
  const answer = await ask(needs, request, device, await needs.devices.viewOf(device))
  if (answer.kind !== 'deliver' || actionId(answer.deployment, answer.attempt) !== params.id) throw noAction()
  const history = Number(request.query.get('actionHistory') ?? 0)
  const assignment = history === 0 ? undefined : await needs.deployments.findAssignment(device, action.deployment)
  return halAnswer(request, {
    id: params.id,
    deployment: deploymentDocument(linksFor(needs, request, params), answer, answer.install),
    ...(assignment === undefined ? {} : { actionHistory: historyOf(assignment, history) }),
  })
}

/** `POST deploymentBase/{id}/feedback`. */
export async function takeFeedback(needs: ControllerNeeds, request: DeviceRequest, params: DeviceParams) {
  const action = parseActionId(params.id)
  const device = await needs.authenticate(request, params)
  needs.devices.seen(device)
  const report = decideReport(await readShape(request, Feedback, feedbackLimit))
  const assignment = await requireAssignment(needs, device, action)
  if (assignment.row.confirmation === 'open' || assignment.row.confirmation === 'denied') throw noAction()
  if (!isAttempt(action, assignment.row.attempt)) return gone
  return forward(needs, device, assignment, report)
}

/** `GET cancelAction/{id}`. */
export async function showCancel(needs: ControllerNeeds, request: DeviceRequest, params: DeviceParams) {
  const device = await needs.authenticate(request, params)
  const assignment = await requireAssignment(needs, device, parseActionId(params.id))
  if (!assignment.calledOff) throw noAction()
  return halAnswer(request, { id: params.id, cancelAction: { stopId: actionId(assignment, assignment.row.attempt) } })
}

/** `POST cancelAction/{id}/feedback`. */
export async function takeCancelFeedback(needs: ControllerNeeds, request: DeviceRequest, params: DeviceParams) {
  const action = parseActionId(params.id)
  const device = await needs.authenticate(request, params)
  needs.devices.seen(device)
  const report = decideCancelReport(await readShape(request, Feedback, feedbackLimit))
  return forward(needs, device, await requireAssignment(needs, device, action), report)
}

/** `GET installedBase/{id}`: the last action that succeeded, in the words of a deployment. */
export async function showInstalled(needs: ControllerNeeds, request: DeviceRequest, params: DeviceParams) {
  parseActionId(params.id)
  const device = await needs.authenticate(request, params)
  const installed = await needs.deployments.findInstalled(device)
  const artifact = installed?.artifact
  if (installed === undefined || artifact === undefined || actionId(installed, installed.row.attempt) !== params.id) {
    throw noAction()
  }
  const history = Number(request.query.get('actionHistory') ?? 0)
  return halAnswer(request, {
    id: params.id,
    deployment: deploymentDocument(
      linksFor(needs, request, params),
      { deployment: installed, artifact },
      { when: 'now' },
    ),
    ...(history === 0 ? {} : { actionHistory: historyOf(installed, history) }),
  })
}

const Installed = z.object({ name: z.string().min(1).max(256), version: z.string().min(1).max(256) })

/** `PUT installedBase`: the device says itself what it runs. */
export async function takeInstalled(needs: ControllerNeeds, request: DeviceRequest, params: DeviceParams) {
  const device = await needs.authenticate(request, params)
  const { name, version } = await readShape(request, Installed, feedbackLimit)
  const { provides } = await needs.devices.viewOf(device)
  await needs.devices.reportProvides(device, { ...provides, artifact_name: name, 'swu.version': version })
  return done
}

export async function requireAssignment(
  { deployments }: ControllerNeeds,
  device: DevicePrincipal,
  action: Action,
): Promise<Assignment> {
  const assignment = await deployments.findAssignment(device, action.deployment)
  if (assignment === undefined) throw noAction()
  return assignment
}

export function noAction(): Fault {
  return new Fault('missing', 'hawkbit.no_action', 'there is no such action')
}

/**
 * Takes a report in, in this protocol's manners: what is closed is gone; a device that must stop learns that at its next
 * poll, not here; an end is never lost because there were too many words before it.
 */
async function forward(
  { deployments }: ControllerNeeds,
  device: DevicePrincipal,
  { id }: Assignment,
  { report, messages }: DeviceReport,
): Promise<DeviceAnswer> {
  try {
    await deployments.report(device, id, {
      ...(report === undefined ? {} : { report }),
      ...(messages === undefined || messages.length === 0 ? {} : { messages }),
    })
    return done
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown
    if (thrown.code === 'deployments.settled') return gone
    if (thrown.code === 'deployments.called_off') return done
    if (thrown.code !== 'deployments.too_many_messages' || report === undefined || !isEnd(report.status)) throw thrown
    await deployments.report(device, id, { report })
    return done
  }
}

function isEnd(status: NonNullable<DeviceReport['report']>['status']): boolean {
  return status === 'success' || status === 'failure' || status === 'aborted'
}

function historyOf({ row, messages }: Assignment, wanted: number): object {
  const shown = wanted < 0 ? messages : messages.slice(0, wanted)
  return { status: row.status.toUpperCase(), messages: shown }
}
