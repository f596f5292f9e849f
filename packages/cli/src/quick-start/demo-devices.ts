import { join } from 'node:path'
import type { DeviceEvent } from '@holdfast/lab/virtual-device'
import { type DeviceProcess, startDeviceProcess, writeDeviceFile } from '@holdfast/lab/virtual-device-file'
import { demoFactorySoftware, demoProduct } from './demo-release.ts'

export const demoDevices = ['station-berlin', 'station-lisbon', 'station-oslo'] as const

export interface DemoServer {
  readonly url: string
  readonly authority: string
  readonly tenantToken: string
  readonly verifyKey: string
}

/** The devices of the demo: separate processes, each with a key, an identity and a directory of its own. */
export async function startDemoDevices(
  directory: string,
  server: DemoServer,
  onEvent: (name: string, event: DeviceEvent) => void,
): Promise<DeviceProcess[]> {
  const started: DeviceProcess[] = []
  for (const [index, name] of demoDevices.entries()) {
    const home = deviceDirectory(directory, name)
    await writeDeviceFile(home, {
      ...server,
      name,
      deviceType: demoProduct.deviceType,
      identity: { serial: `WS-${1001 + index}`, mac: `02:00:5e:00:00:0${index + 1}` },
      firmware: demoFactorySoftware,
      pollMilliseconds: 1_000,
      inventory: { city: name.slice('station-'.length), hardware: 'rev-b', power: index === 2 ? 'solar' : 'mains' },
    })
    started.push(startDeviceProcess(home, (event) => onEvent(name, event)))
  }
  return started
}

export function deviceDirectory(directory: string, name: string): string {
  return join(directory, 'devices', name)
}
