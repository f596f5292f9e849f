import { z } from 'zod'
import type { DeviceAnswer, DeviceParams, DeviceRequest } from '../../platform/http/device-edge.ts'
import { parseJson, readShape } from '../bodies.ts'
import { actionId, parseActionId } from './action.ts'
import { noAction, requireAssignment } from './actions.ts'
import { ask, type ControllerNeeds, halAnswer, linksFor } from './controller.ts'
import { deploymentDocument, href } from './document.ts'
import { feedbackLimit } from './feedback.ts'

const done: DeviceAnswer = { status: 200 }
const gone: DeviceAnswer = { status: 410 }

const ConfirmationFeedback = z.object({
  confirmation: z.enum(['confirmed', 'denied']),
  code: z.number().nullish(),
  details: z.array(z.string().max(2_000)).max(50).nullish(),
})

const AutoConfirmRequest = z.object({
  initiator: z.string().max(256).nullish(),
  remark: z.string().max(512).nullish(),
})

/** `GET confirmationBase`: whether the device confirms in advance, and what waits for its word. */
export async function showConfirmations(needs: ControllerNeeds, request: DeviceRequest, params: DeviceParams) {
  const device = await needs.authenticate(request, params)
  const { base } = linksFor(needs, request, params)
  const given = await needs.deployments.findAutoConfirmation(device)
  const answer = await ask(needs, request, device, await needs.devices.viewOf(device))
  const way = given === undefined ? 'activateAutoConfirm' : 'deactivateAutoConfirm'
  return halAnswer(request, {
    autoConfirm:
      given === undefined
        ? { active: false }
        : { active: true, initiator: given.initiator, remark: given.remark, activatedAt: given.at },
    _links: {
      [way]: href(`${base}/confirmationBase/${way}`),
      ...(answer.kind === 'confirm'
        ? { confirmationBase: href(`${base}/confirmationBase/${actionId(answer.deployment, 1)}?c=1`) }
        : {}),
    },
  })
}

/** `GET confirmationBase/{id}`: what the device is asked to confirm. */
export async function showConfirmation(needs: ControllerNeeds, request: DeviceRequest, params: DeviceParams) {
  const device = await needs.authenticate(request, params)
  const answer = await ask(needs, request, device, await needs.devices.viewOf(device))
  if (answer.kind !== 'confirm' || actionId(answer.deployment, 1) !== params.id) throw noAction()
  return halAnswer(request, {
    id: params.id,
    confirmation: deploymentDocument(linksFor(needs, request, params), answer, { when: 'now' }),
  })
}

/** `POST confirmationBase/{id}/feedback`. Denied is not the end: the device may confirm later. */
export async function takeConfirmation(needs: ControllerNeeds, request: DeviceRequest, params: DeviceParams) {
  const device = await needs.authenticate(request, params)
  needs.devices.seen(device)
  const { confirmation, details } = await readShape(request, ConfirmationFeedback, feedbackLimit)
  const assignment = await requireAssignment(needs, device, parseActionId(params.id))
  const { confirmation: state } = assignment.row
  if (state !== 'open' && state !== 'denied') return gone
  const message = details?.join('\n').slice(0, 2_000)
  await needs.deployments.confirm(device, assignment.id, confirmation, message === '' ? undefined : message)
  return done
}

export async function activateAutoConfirmation(needs: ControllerNeeds, request: DeviceRequest, params: DeviceParams) {
  const device = await needs.authenticate(request, params)
  const body = await request.body(feedbackLimit)
  const { initiator, remark } = AutoConfirmRequest.parse(body.length === 0 ? {} : parseJson(body))
  await needs.deployments.setAutoConfirmation(device, {
    ...(initiator === undefined || initiator === null ? {} : { initiator }),
    ...(remark === undefined || remark === null ? {} : { remark }),
  })
  return done
}

export async function endAutoConfirmation(needs: ControllerNeeds, request: DeviceRequest, params: DeviceParams) {
  await needs.deployments.setAutoConfirmation(await needs.authenticate(request, params), undefined)
  return done
}
