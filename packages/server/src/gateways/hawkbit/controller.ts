import type { Clock } from '@holdfast/kernel'
import type { Answer } from '../../domains/deployments/index.ts'
import type { DevicePrincipal, DeviceView } from '../../domains/devices/index.ts'
import type { DeviceAnswer, DeviceParams, DeviceRequest } from '../../platform/http/device-edge.ts'
import { originFor } from '../links.ts'
import type { GatewayNeeds } from '../needs.ts'
import { actionId } from './action.ts'
import type { Authenticate } from './authentication.ts'
import { documentTag, href, type Links } from './document.ts'
import { decideSleep, formatSleep } from './polling.ts'

export interface ControllerNeeds extends Pick<GatewayNeeds, 'devices' | 'deployments' | 'publicUrl' | 'openArtifact'> {
  readonly authenticate: Authenticate
  readonly pollSeconds: number
  readonly clock: Clock
}

const formats = ['swu'] as const
const nothing: Answer = { kind: 'nothing', why: 'a quarantined device may only report' }

/** Clients that download on `update: skip` and then wait; all others would take it for done. */
function canWait(request: DeviceRequest): boolean {
  return request.headers['user-agent']?.startsWith('rauc-hawkbit') ?? false
}

export function linksFor({ publicUrl }: ControllerNeeds, request: DeviceRequest, params: DeviceParams): Links {
  const [tenant, controller] = [params.tenant, params.controller].map((part) => encodeURIComponent(part ?? ''))
  return { base: `${originFor(request, publicUrl)}/${tenant}/controller/v1/${controller}` }
}

/** JSON, in the type that the client prefers. */
export function halAnswer(request: DeviceRequest, document: object): DeviceAnswer {
  const hal = request.headers.accept?.includes('application/hal+json') ?? false
  return {
    status: 200,
    headers: { 'content-type': hal ? 'application/hal+json' : 'application/json' },
    body: JSON.stringify(document),
  }
}

/** What the device gets now; nothing while it is quarantined. */
export function ask(
  { deployments }: ControllerNeeds,
  request: DeviceRequest,
  device: DevicePrincipal,
  view: DeviceView,
): Answer | Promise<Answer> {
  if (device.standing !== 'accepted') return nothing
  return deployments.ask({ device: view, formats, canWait: canWait(request) })
}

/** `GET base`, the check-in: how long to sleep, and links to what there is to do. */
export async function poll(
  needs: ControllerNeeds,
  request: DeviceRequest,
  params: DeviceParams,
): Promise<DeviceAnswer> {
  const proof = needs.authenticate(request, params)
  const device = proof instanceof Promise ? await proof : proof
  needs.devices.seen(device)
  const found = needs.devices.viewOf(device)
  const view = found instanceof Promise ? await found : found
  const asking = ask(needs, request, device, view)
  const answer = asking instanceof Promise ? await asking : asking
  const links = linksFor(needs, request, params)
  const recheckAfter = answer.kind === 'nothing' ? answer.recheckAfter : undefined
  const sleep = formatSleep(decideSleep(needs.pollSeconds, needs.clock.now(), recheckAfter))
  return halAnswer(request, {
    config: { polling: { sleep } },
    _links: {
      ...(await workLinks(needs, device, answer, links)),
      // Clients such as rauc-hawkbit-updater say what they are only when asked; asking ends once the type is known.
      ...(view.provides.device_type === undefined ? { configData: href(`${links.base}/configData`) } : {}),
    },
  })
}

async function workLinks(needs: ControllerNeeds, device: DevicePrincipal, answer: Answer, { base }: Links) {
  if (answer.kind === 'deliver') {
    const id = actionId(answer.deployment, answer.attempt)
    return { deploymentBase: href(`${base}/deploymentBase/${id}?c=${documentTag(answer)}`) }
  }
  if (answer.kind === 'confirm') {
    return { confirmationBase: href(`${base}/confirmationBase/${actionId(answer.deployment, 1)}?c=1`) }
  }
  if (answer.kind === 'cancel') {
    const assignment = await needs.deployments.findAssignment(device, answer.deployment.id)
    return { cancelAction: href(`${base}/cancelAction/${actionId(answer.deployment, assignment?.row.attempt ?? 1)}`) }
  }
  if (device.standing !== 'accepted') return {}
  const installed = await needs.deployments.findInstalled(device)
  if (installed === undefined) return {}
  return { installedBase: href(`${base}/installedBase/${actionId(installed, installed.row.attempt)}`) }
}
