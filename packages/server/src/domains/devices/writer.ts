import type { Clock, Json } from '@holdfast/kernel'
import type { Actor } from '../../platform/actor.ts'
import type { Tx } from '../../platform/db/index.ts'
import { record } from '../audit/index.ts'
import type { Products } from '../products/index.ts'
import { type DeviceDraft, type DeviceRecord, toChangeableRow } from './device-record.ts'
import { adjustTally, insertDevice, updateDevice } from './device-store.ts'
import { listGroupsOf } from './group-store.ts'
import type { DeviceSearch } from './search/engine.ts'
import type { Views } from './views.ts'

export interface WriterNeeds {
  readonly clock: Clock
  readonly search: DeviceSearch
  readonly views: Views
  readonly products: Products
}

export type DeviceWriter = ReturnType<typeof createDeviceWriter>

/** The only way by which a device's row changes: keeps the counts and the search index in step, in the same transaction. */
export function createDeviceWriter({ clock, search, views, products }: WriterNeeds) {
  async function count(tx: Tx, device: DeviceDraft, more: 1 | -1): Promise<void> {
    await adjustTally(tx, device.organisation, device.state, more)
    if (device.product !== undefined && device.state !== 'retired') {
      await products.adjustDeviceCount(tx, device.product, more)
    }
  }

  /** What a record that was just written replaced; null: nothing. The audit log keeps the hash of both. */
  const formers = new WeakMap<DeviceRecord, DeviceRecord | null>()

  return {
    async insert(tx: Tx, draft: DeviceDraft): Promise<DeviceRecord> {
      const device = await insertDevice(tx, draft)
      await count(tx, device, 1)
      const after = await views.factsOf(tx, device, [])
      await search.record(tx, { organisation: device.organisation, number: device.number, before: undefined, after })
      formers.set(device, null)
      return device
    },

    /** Writes `change` and answers the device as it is then. `groups` are its static groups after the change, if they differ. */
    async change(
      tx: Tx,
      device: DeviceRecord,
      change: Partial<DeviceRecord>,
      groups?: readonly string[],
    ): Promise<DeviceRecord> {
      const next: DeviceRecord = { ...device, ...change, revision: device.revision + 1 }
      await updateDevice(tx, next)
      if (next.state !== device.state || next.product !== device.product) {
        await count(tx, device, -1)
        await count(tx, next, 1)
      }
      const before = await listGroupsOf(tx, device.number)
      await search.record(tx, {
        organisation: device.organisation,
        number: device.number,
        before: await views.factsOf(tx, device, before),
        after: await views.factsOf(tx, next, groups ?? before),
      })
      formers.set(next, device)
      return next
    },

    note(tx: Tx, actor: Actor, device: DeviceRecord, type: string, detail?: { readonly [key: string]: Json }) {
      const former = formers.get(device)
      return record(tx, {
        organisation: device.organisation,
        type: `device.${type}`,
        subject: { kind: 'device', id: device.id },
        actor,
        at: clock.now(),
        detail: { number: device.number, ...detail },
        ...(former === undefined ? {} : { after: { ...toChangeableRow(device) } }),
        ...(former === undefined || former === null ? {} : { before: { ...toChangeableRow(former) } }),
      })
    },
  }
}
