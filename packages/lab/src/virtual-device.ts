import type { KeyObject } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { openMenderArtifact } from '@holdfast/formats/mender/read'
import { verifyMenderSignature } from '@holdfast/formats/mender/signature'
import { Fault, messageOf } from '@holdfast/kernel'
import { createDeviceApi, type DeviceApi, type DeviceConnection, type OfferedUpdate } from './virtual-device-api.ts'
import { openSlots, type Provides, type Slots } from './virtual-device-slots.ts'

export interface VirtualDevice extends DeviceConnection {
  readonly name: string
  readonly deviceType: string
  /** The directory that it updates. */
  readonly root: string
  /** The product's public key: artifacts by anybody else are refused. */
  readonly verifyKey: KeyObject
  readonly firmware: string
  readonly pollMilliseconds: number
  /** What it tells about itself besides. */
  readonly inventory: Readonly<Record<string, string>>
}

export type DeviceEvent =
  | { readonly kind: 'waiting'; readonly why: string }
  | { readonly kind: 'ready'; readonly runs: string }
  | { readonly kind: 'updating'; readonly to: string }
  | { readonly kind: 'installed'; readonly runs: string }
  | { readonly kind: 'failed'; readonly why: string }

/** The type of payload that this device installs: files for a slot. */
export const slotPayload = 'slot-files'

/** Runs a device until it is told to stop: asks for updates, checks and installs them, reports. */
export async function runVirtualDevice(
  device: VirtualDevice,
  tell: (event: DeviceEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  const api = createDeviceApi(device)
  const initial = { artifact_name: device.firmware, device_type: device.deviceType }
  const slots = await openSlots(device.root, initial)
  let introduced = false
  try {
    while (!signal.aborted) {
      try {
        if (!introduced) {
          await introduce(api, device, slots)
          introduced = true
          tell({ kind: 'ready', runs: artifactName(await slots.running()) })
        }
        const offer = await api.next(await slots.running())
        if (offer !== undefined) {
          await update(api, device, slots, offer, tell)
          await introduce(api, device, slots)
          continue
        }
      } catch (thrown) {
        // Devices outlive every trouble of the network and of the server; they ask again.
        if (!(thrown instanceof Fault)) throw thrown
        tell({ kind: 'waiting', why: thrown.message })
      }
      await sleep(device.pollMilliseconds, undefined, { signal }).catch(() => {})
    }
  } finally {
    api.close()
  }
}

async function introduce(api: DeviceApi, device: VirtualDevice, slots: Slots): Promise<void> {
  await api.inventory({ ...device.inventory, ...(await slots.running()), hostname: device.name })
}

async function update(
  api: DeviceApi,
  device: VirtualDevice,
  slots: Slots,
  offer: OfferedUpdate,
  tell: (event: DeviceEvent) => void,
): Promise<void> {
  tell({ kind: 'updating', to: offer.name })
  try {
    await api.report(offer.id, 'downloading')
    const draft = await slots.prepare()
    const provides = await unpack(api, device, offer, draft)
    await api.report(offer.id, 'installing', 'verified; switching slots')
    await draft.seal(provides)
    // Before it switches, a device makes sure that it will be able to report afterwards.
    await api.authenticate()
    await draft.activate()
    await api.report(offer.id, 'success')
    tell({ kind: 'installed', runs: artifactName(await slots.running()) })
  } catch (thrown) {
    tell({ kind: 'failed', why: messageOf(thrown) })
    await api.report(offer.id, 'failure').catch(() => {})
    await api.log(offer.id, [messageOf(thrown)]).catch(() => {})
    if (!(thrown instanceof Fault)) throw thrown
  }
}

/** Downloads, verifies and writes in one pass; only what `finish` has vouched for may be switched to. */
async function unpack(
  api: DeviceApi,
  device: VirtualDevice,
  offer: OfferedUpdate,
  draft: Awaited<ReturnType<Slots['prepare']>>,
): Promise<Provides> {
  const artifact = await openMenderArtifact(api.download(offer.source), {
    verify: (manifest, signature) => verifyMenderSignature(manifest, signature, device.verifyKey),
  })
  const { header } = artifact
  if (header.payloadType !== slotPayload || !header.depends.deviceTypes.includes(device.deviceType)) {
    throw new Fault('refused', 'device.incompatible', `${header.name} is not made for this device`)
  }
  for await (const file of artifact.files) await draft.write(file.name, file.content, file.sha256)
  await artifact.finish()
  return { ...header.payloadProvides, artifact_name: header.name, device_type: device.deviceType }
}

function artifactName(provides: Provides): string {
  return provides.artifact_name ?? 'unknown'
}
