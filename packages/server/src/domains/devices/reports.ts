import type { Clock } from '@holdfast/kernel'
import { Fault } from '@holdfast/kernel'
import { compileOnce, type Database, type Reader, type Tx } from '../../platform/db/index.ts'
import type { Products } from '../products/index.ts'
import type { Attributes, AttributeValue, DevicePrincipal, Provides } from './device.ts'
import type { DeviceRecord } from './device-record.ts'
import { findByNumber } from './device-store.ts'
import type { InventoryMode } from './devices.ts'
import type { InventoryFields } from './field-names.ts'
import {
  decodeInventory,
  encodeInventory,
  type InventoryChange,
  inventoryAfter,
  verifyAttributes,
} from './inventory.ts'
import { missingDevice, type Views } from './views.ts'
import type { DeviceWriter } from './writer.ts'

const mostProvides = 256
const longestProvide = 1_024
/** Changes of one device that are remembered, counted in revisions. */
const keptRevisions = 200
const attributesInRecord = 20

export interface ReportsNeeds {
  readonly db: Database
  readonly clock: Clock
  readonly fields: InventoryFields
  readonly writer: DeviceWriter
  readonly views: Views
  readonly products: Products
}

/** What devices say about themselves. */
export function createReports({ db, clock, fields, writer, views, products }: ReportsNeeds) {
  /** The report by storage key; undefined where a name has no key yet, which by itself is a change. */
  async function keyedWithoutWriting(organisation: string, attributes: Attributes, mode: InventoryMode) {
    const report = new Map<string, AttributeValue>()
    for (const [name, value] of Object.entries(attributes)) {
      const key = await fields.findKey(organisation, name)
      if (key === undefined && mode !== 'remove') return undefined
      report.set(key ?? `:${name}`, value)
    }
    return report
  }

  async function keyed(tx: Tx, organisation: string, attributes: Attributes) {
    const report = new Map<string, AttributeValue>()
    for (const [name, value] of Object.entries(attributes)) {
      report.set(await fields.keyOf(tx, organisation, name), value)
    }
    return report
  }

  async function changesNothing(principal: DevicePrincipal, attributes: Attributes, mode: InventoryMode) {
    const device = await requireDevice(db.read, principal.number)
    const report = await keyedWithoutWriting(device.organisation, attributes, mode)
    if (report === undefined) return false
    return inventoryAfter(decodeInventory(device.inventory), report, mode, clock.now()).changes.length === 0
  }

  /** A device without a product joins the one that names its type. */
  async function productBy(tx: Tx, device: DeviceRecord, type: unknown): Promise<string | undefined> {
    if (device.product !== undefined || typeof type !== 'string') return device.product
    return products.findProductByDeviceType(device.organisation, type, tx)
  }

  async function takeInventory(tx: Tx, principal: DevicePrincipal, attributes: Attributes, mode: InventoryMode) {
    const device = await requireDevice(tx, principal.number)
    const before = decodeInventory(device.inventory)
    const report =
      (mode === 'remove' ? await keyedWithoutWriting(device.organisation, attributes, mode) : undefined) ??
      (await keyed(tx, device.organisation, attributes))
    const { inventory, changes } = inventoryAfter(before, report, mode, clock.now())
    if (changes.length === 0) return
    const software = mode === 'remove' ? undefined : attributes.artifact_name
    const next = await writer.change(tx, device, {
      inventory: encodeInventory(inventory),
      product: await productBy(tx, device, mode === 'remove' ? undefined : attributes.device_type),
      software: typeof software === 'string' && software !== '' ? software : device.software,
    })
    // A first inventory is no change of anything; its values carry their time themselves.
    if (before.size > 0) await remember(tx, next, changes, clock.now())
    const nameOf = await fields.namesOf(tx, device.organisation, inventory.keys())
    const names = changes.slice(0, attributesInRecord).map(({ key }) => nameOf(key))
    await writer.note(tx, actorOf(principal), next, 'inventory_changed', { attributes: names, changes: changes.length })
  }

  async function takeProvides(tx: Tx, device: DeviceRecord, provides: Provides): Promise<boolean> {
    const { artifact_name: software, ...rest } = provides
    const same = software === device.software && isSame(rest, device.provides)
    if (same) return false
    const product = await productBy(tx, device, rest.device_type)
    await writer.change(tx, device, { software: software ?? device.software, provides: rest, product })
    return true
  }

  return {
    async reportInventory(principal: DevicePrincipal, attributes: Attributes, mode: InventoryMode): Promise<void> {
      verifyAttributes(attributes)
      if (await changesNothing(principal, attributes, mode)) return
      await db.write((tx) => takeInventory(tx, principal, attributes, mode))
      views.drop(principal.number)
      await fields.learn()
    },

    async reportProvides(principal: DevicePrincipal, provides: Provides): Promise<void> {
      verifyProvides(provides)
      const { artifact_name: software, ...rest } = provides
      const device = await requireDevice(db.read, principal.number)
      if ((software === undefined || software === device.software) && isSame(rest, device.provides)) return
      await db.write(async (tx) => {
        const current = await requireDevice(tx, principal.number)
        const said = { ...(current.software === undefined ? {} : { artifact_name: current.software }), ...provides }
        if (!(await takeProvides(tx, current, said))) return
        await writer.note(tx, actorOf(principal), current, 'provides_changed', { software: said.artifact_name ?? '' })
      })
      views.drop(principal.number)
    },

    /** Within the transaction of whoever knows of the installation; that one writes the audit record. */
    async recordProvides(tx: Tx, number: number, provides: Provides): Promise<void> {
      verifyProvides(provides)
      await takeProvides(tx, await requireDevice(tx, number), provides)
      views.drop(number)
    },
  }
}

async function requireDevice(db: Reader, number: number): Promise<DeviceRecord> {
  const device = await findByNumber(db, number)
  if (device === undefined) throw missingDevice()
  return device
}

const insertChange = compileOnce((db, row: { device: number; revision: number; at: number; changes: string }) =>
  db
    .insertInto('inventory_change')
    .values({ device: row.device, revision: row.revision, at: row.at, changes: row.changes }),
)

const forgetChanges = compileOnce((db, { device, last }: { device: number; last: number }) =>
  db.deleteFrom('inventory_change').where('device', '=', device).where('revision', '<=', last),
)

async function remember(tx: Tx, device: DeviceRecord, changes: readonly InventoryChange[], at: number): Promise<void> {
  const rows = changes.map(({ key, before, after }) => [key, before ?? null, after ?? null])
  await insertChange(tx, { device: device.number, revision: device.revision, at, changes: JSON.stringify(rows) })
  await forgetChanges(tx, { device: device.number, last: device.revision - keptRevisions })
}

function verifyProvides(provides: Provides): void {
  const entries = Object.entries(provides)
  const lawful =
    entries.length <= mostProvides &&
    entries.every(
      ([name, value]) => name.length <= longestProvide && typeof value === 'string' && value.length <= longestProvide,
    )
  if (!lawful) throw new Fault('limited', 'devices.provides_too_large', 'the device provides too much')
}

function isSame(one: Provides, other: Provides): boolean {
  const names = Object.keys(one)
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name])
}

function actorOf(principal: DevicePrincipal) {
  return { kind: 'device', id: principal.device } as const
}
