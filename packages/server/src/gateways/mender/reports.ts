import type { Attributes, InventoryMode } from '../../domains/devices/index.ts'
import type { DeviceAnswer, DeviceRequest } from '../../platform/http/device-edge.ts'
import { jsonAnswer, readShape } from '../bodies.ts'
import type { DeviceConfiguration, GatewayNeeds } from '../needs.ts'
import { requireReporter } from './authentication.ts'
import { bodyLimits, ConfigurationReport, DeploymentLog, InventoryAttributes, StatusReport, statusOf } from './wire.ts'

export interface ReportNeeds extends Pick<GatewayNeeds, 'devices' | 'deployments'> {
  readonly configuration: DeviceConfiguration
}

const taken: DeviceAnswer = { status: 204 }

/** `PUT … status`: 204, or 409 for a deployment that was called off, which makes the client go back and report failure. */
export async function reportStatus(needs: ReportNeeds, request: DeviceRequest, deployment: string) {
  const device = await requireReporter(needs.devices, request)
  const { status, substate } = await readShape(request, StatusReport, bodyLimits.status)
  needs.devices.seen(device)
  await needs.deployments.report(device, deployment, {
    report: {
      status: statusOf(status),
      ...(substate === undefined || substate === '' ? {} : { substate: substate.slice(0, 200) }),
    },
  })
  return taken
}

/** `PUT … log`, sent after a failure. */
export async function reportLog(needs: ReportNeeds, request: DeviceRequest, deployment: string) {
  const device = await requireReporter(needs.devices, request)
  const { messages } = await readShape(request, DeploymentLog, bodyLimits.log)
  const lines = messages.map(({ timestamp, level, message }) => ({ at: timestamp, level, message }))
  await needs.deployments.log(device, deployment, lines)
  return taken
}

/** `PUT` replaces, `PATCH` merges; 200, because mender-client 3.x takes nothing else. */
export async function reportInventory(needs: ReportNeeds, request: DeviceRequest, mode: InventoryMode) {
  const device = await requireReporter(needs.devices, request)
  const listed = await readShape(request, InventoryAttributes, bodyLimits.inventory)
  needs.devices.seen(device)
  const attributes: Attributes = Object.fromEntries(listed.map(({ name, value }) => [name, value]))
  await needs.devices.reportInventory(device, attributes, mode)
  return { status: 200 }
}

export async function sendConfiguration(needs: ReportNeeds, request: DeviceRequest) {
  const device = await requireReporter(needs.devices, request)
  return jsonAnswer(await needs.configuration.desired(device))
}

export async function reportConfiguration(needs: ReportNeeds, request: DeviceRequest) {
  const device = await requireReporter(needs.devices, request)
  const settings = await readShape(request, ConfigurationReport, bodyLimits.configuration)
  await needs.configuration.report(device, settings)
  return taken
}
