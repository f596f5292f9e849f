import type { Answer, Handout } from '../../domains/deployments/index.ts'
import type { DevicePrincipal, DeviceView, Provides } from '../../domains/devices/index.ts'
import type { DeviceAnswer, DeviceRequest } from '../../platform/http/device-edge.ts'
import { jsonAnswer, parseJson } from '../bodies.ts'
import { type DownloadLinks, originFor } from '../links.ts'
import type { GatewayNeeds } from '../needs.ts'
import { requireDevice } from './authentication.ts'
import { controlMap, decidePauses } from './control-map.ts'
import { bodyLimits, type NextRequest, readNextV2, readProvides } from './wire.ts'

export interface NextNeeds extends Pick<GatewayNeeds, 'devices' | 'deployments' | 'publicUrl'> {
  readonly links: DownloadLinks
}

const nothing: DeviceAnswer = { status: 204 }
const formats = ['mender'] as const

/** `POST v2 … next`, the check-in of almost every client. */
export async function nextV2(needs: NextNeeds, request: DeviceRequest): Promise<DeviceAnswer> {
  const body = await request.body(bodyLimits.next)
  const proof = requireDevice(needs.devices, request)
  const device = proof instanceof Promise ? await proof : proof
  const answer = answerNext(needs, request, device, readNextBody(body))
  return answer instanceof Promise ? await answer : answer
}

/** Devices of one version say the same at every check-in, so what was read once is known. */
const readBodies = new Map<string, NextRequest>()
const mostBodies = 1_000
const longestBody = 4_096

function readNextBody(body: Buffer): NextRequest {
  const text = body.toString('latin1')
  const known = readBodies.get(text)
  if (known !== undefined) return known
  const read = readNextV2(parseJson(body))
  if (readBodies.size >= mostBodies) readBodies.clear()
  if (text.length <= longestBody) readBodies.set(text, read)
  return read
}

/** `POST v1 … next`: the provides alone. */
export async function nextV1(needs: NextNeeds, request: DeviceRequest): Promise<DeviceAnswer> {
  const body = await request.body(bodyLimits.next)
  const device = await requireDevice(needs.devices, request)
  return answerNext(needs, request, device, { provides: readProvides(parseJson(body)), pauses: false })
}

/** `GET v1 … next`: name and type in the query; what else the device provides stays as it was. */
export async function nextByQuery(needs: NextNeeds, request: DeviceRequest): Promise<DeviceAnswer> {
  const device = await requireDevice(needs.devices, request)
  const { query } = request
  const said = [...query].filter(([name]) => name === 'artifact_name' || name === 'device_type')
  const known = (await needs.devices.viewOf(device)).provides
  const provides = readProvides({ ...known, ...Object.fromEntries(said) })
  return answerNext(needs, request, device, { provides, pauses: false })
}

function answerNext(
  needs: NextNeeds,
  request: DeviceRequest,
  device: DevicePrincipal,
  asked: NextRequest,
): DeviceAnswer | Promise<DeviceAnswer> {
  needs.devices.seen(device)
  if (device.standing !== 'accepted') return nothing
  const view = needs.devices.viewOf(device)
  // What is known needs no waiting, and nearly every check-in finds all of it known.
  if (view instanceof Promise || !sameProvides(asked.provides, view.provides)) {
    return answerAfterReport(needs, request, device, asked)
  }
  return answerFor(needs, request, device, view, asked)
}

async function answerAfterReport(
  needs: NextNeeds,
  request: DeviceRequest,
  device: DevicePrincipal,
  asked: NextRequest,
) {
  const { devices } = needs
  let view = await devices.viewOf(device)
  if (!sameProvides(asked.provides, view.provides)) {
    await devices.reportProvides(device, asked.provides)
    view = await devices.viewOf(device)
  }
  return answerFor(needs, request, device, view, asked)
}

function answerFor(
  needs: NextNeeds,
  request: DeviceRequest,
  device: DevicePrincipal,
  view: DeviceView,
  { provides, pauses }: NextRequest,
): DeviceAnswer | Promise<DeviceAnswer> {
  // A device that must stop learns it from the answer to its next status report.
  const toAnswer = (answer: Answer) =>
    answer.kind === 'deliver' ? deliver(needs, request, device, answer, pauses) : nothing
  const answer = needs.deployments.ask({ device: view, provides, formats, canWait: pauses })
  return answer instanceof Promise ? answer.then(toAnswer) : toAnswer(answer)
}

function deliver(
  { links, publicUrl }: NextNeeds,
  request: DeviceRequest,
  device: DevicePrincipal,
  handout: Handout,
  pauses: boolean,
): DeviceAnswer {
  const { deployment, artifact } = handout
  const link = links.sign({ device: device.number, deployment: deployment.id })
  const points = pauses ? decidePauses(handout) : []
  return jsonAnswer({
    id: deployment.id,
    artifact: {
      id: artifact.id,
      artifact_name: artifact.name,
      device_types_compatible: artifact.deviceTypes,
      source: { uri: originFor(request, publicUrl) + link.path, expire: new Date(link.expires).toISOString() },
    },
    ...(points.length === 0
      ? {}
      : { update_control_map: controlMap(deployment.id, (point) => (points.includes(point) ? 'pause' : 'continue')) }),
  })
}

/** `GET … update_control_map`, polled by a client that waits. What was called off fails. */
export async function updateControlMap(
  needs: Pick<NextNeeds, 'devices' | 'deployments'>,
  request: DeviceRequest,
  deployment: string,
): Promise<DeviceAnswer> {
  const device = await requireDevice(needs.devices, request)
  needs.devices.seen(device)
  const answer = await needs.deployments.ask({ device: await needs.devices.viewOf(device), formats, canWait: true })
  return jsonAnswer({ update_control_map: await decideMap(needs, device, deployment, answer) })
}

async function decideMap(
  { deployments }: Pick<NextNeeds, 'deployments'>,
  device: DevicePrincipal,
  id: string,
  answer: Answer,
) {
  if (device.standing === 'accepted' && answer.kind === 'deliver' && answer.deployment.id === id) {
    const points = decidePauses(answer)
    return controlMap(id, (point) => (points.includes(point) ? 'pause' : 'continue'))
  }
  const part = await deployments.findAssignment(device, id)
  // Who has begun while the deployment was paused finishes, but passes no point at which it waits.
  return controlMap(id, () => (part === undefined || part.calledOff ? 'fail' : 'pause'))
}

/** Pairs that were found to be the same; both sides are few objects that many devices share. */
const samePairs = new WeakMap<Provides, WeakSet<Provides>>()

function sameProvides(said: Provides, known: Provides): boolean {
  if (samePairs.get(said)?.has(known) === true) return true
  if (!haveSameEntries(said, known)) return false
  const others = samePairs.get(said) ?? new WeakSet()
  samePairs.set(said, others.add(known))
  return true
}

function haveSameEntries(said: Provides, known: Provides): boolean {
  let count = 0
  for (const name in said) {
    if (said[name] !== known[name]) return false
    count += 1
  }
  for (const _ in known) count -= 1
  return count === 0
}
