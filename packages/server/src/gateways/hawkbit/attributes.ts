import { z } from 'zod'
import type { DeviceParams, DeviceRequest } from '../../platform/http/device-edge.ts'
import { readShape } from '../bodies.ts'
import type { ControllerNeeds } from './controller.ts'

const bodyLimit = 256 * 1024

const ConfigData = z.object({
  mode: z.enum(['merge', 'replace', 'remove']).nullish(),
  data: z.record(z.string().min(1).max(128), z.union([z.string(), z.number(), z.boolean()]).nullable()),
})

/** `PUT configData`: attributes of the device; merged unless told otherwise. */
export async function takeAttributes(needs: ControllerNeeds, request: DeviceRequest, params: DeviceParams) {
  const device = await needs.authenticate(request, params)
  needs.devices.seen(device)
  const { mode, data } = await readShape(request, ConfigData, bodyLimit)
  const attributes = Object.fromEntries(Object.entries(data).map(([name, value]) => [name, value ?? '']))
  await needs.devices.reportInventory(device, attributes, mode ?? 'merge')
  return { status: 200 }
}
