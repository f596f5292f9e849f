import type { Database, Reader } from '../../platform/db/index.ts'
import { deriveFacts } from './derive-view.ts'
import { listBetween, listRevisions, lockDevice } from './device-store.ts'
import { createInventoryFields } from './field-names.ts'
import { listGroupsBetween } from './group-store.ts'
import { decodeInventory } from './inventory.ts'
import { createAttributes } from './search/attributes.ts'
import { createIndexWriter } from './search/index-writer.ts'
import { type IndexedDevice, rebuildPostings } from './search/rebuild.ts'

/**
 * Makes the search index anew out of the devices and answers how many there are. It may run beside servers that go on
 * working, and again after it was cut off; until it has ended, no deployment can be created.
 */
export async function rebuildIndex(db: Database, onProgress: (devices: number) => void = () => {}): Promise<number> {
  const attributes = createAttributes({ db })
  const fields = createInventoryFields({ db })

  async function listDevices(reader: Reader, from: number, to: number, limit: number): Promise<IndexedDevice[]> {
    const devices = await listBetween(reader, from, to, limit)
    const groups = await listGroupsBetween(reader, from, devices.at(-1)?.number ?? from)
    const indexed: IndexedDevice[] = []
    for (const device of devices) {
      const { number, organisation, revision } = device
      const inventory = decodeInventory(device.inventory)
      const nameOf = await fields.namesOf(reader, organisation, inventory.keys())
      const staticGroups = groups.get(number) ?? []
      const facts = deriveFacts({ device, inventory, nameOf, staticGroups, seen: undefined })
      indexed.push({ number, organisation, revision, facts })
    }
    return indexed
  }

  const needs = {
    db,
    attributes,
    listDevices,
    listRevisions,
    lockDevice: async (tx: Parameters<typeof lockDevice>[0], number: number) => {
      await lockDevice(tx, number)
      return (await listDevices(tx, number, number + 1, 1))[0]
    },
  }
  const devices = await rebuildPostings(needs, onProgress)
  const { catchUp } = createIndexWriter({ db, attributes })
  while ((await catchUp()) > 0);
  return devices
}
