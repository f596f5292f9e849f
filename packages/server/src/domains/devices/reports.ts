import { type Clock, Fault } from '@holdfast/kernel'
import { type Actor, systemActor } from '../../platform/actor.ts'
import { compileOnce, type Database, type Reader, type Tx } from '../../platform/db/index.ts'
import type { Products } from '../products/index.ts'
import { type Attributes, type AttributeValue, actorOf, type DevicePrincipal, type Provides } from './device.ts'
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

  async function changesNothing(
    number: number,
    report: ReadonlyMap<string, AttributeValue> | undefined,
    mode: InventoryMode,
  ): Promise<boolean> {
    if (report === undefined) return false
    const device = await requireDevice(db.read, number)
    return inventoryAfter(decodeInventory(device.inventory), report, mode, clock.now()).changes.length === 0
  }

  /** A device without a product joins the one that names its type. */
  async function productBy(tx: Tx, device: DeviceRecord, type: unknown): Promise<string | undefined> {
    if (device.product !== undefined || typeof type !== 'string') return device.product
    return products.findProductByDeviceType(device.organisation, type, tx)
  }

  async function takeInventory(
    tx: Tx,
    principal: DevicePrincipal,
    attributes: Attributes,
    known: ReadonlyMap<string, AttributeValue> | undefined,
    mode: InventoryMode,
  ): Promise<void> {
    const device = await requireDevice(tx, principal.number)
    const before = decodeInventory(device.inventory)
    const report = known ?? (await keyed(tx, device.organisation, attributes))
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

  async function takeProvides(tx: Tx, actor: Actor, number: number, provides: Provides): Promise<boolean> {
    const device = await requireDevice(tx, number)
    if (!differs(device, provides)) return false
    const { artifact_name: software = device.software, ...rest } = provides
    const product = await productBy(tx, device, rest.device_type)
    const next = await writer.change(tx, device, { software, provides: rest, product })
    await writer.note(tx, actor, next, 'provides_changed', { software: software ?? '' })
    return true
  }

  return {
    async reportInventory(principal: DevicePrincipal, attributes: Attributes, mode: InventoryMode): Promise<void> {
      verifyAttributes(attributes)
      const report = await keyedWithoutWriting(principal.organisation, attributes, mode)
      if (await changesNothing(principal.number, report, mode)) return
      await db.write((tx) => takeInventory(tx, principal, attributes, report, mode))
      views.drop(principal.number)
      await fields.learn()
    },

    async reportProvides(principal: DevicePrincipal, provides: Provides): Promise<void> {
      verifyProvides(provides)
      if (!differs(await requireDevice(db.read, principal.number), provides)) return
      await db.write((tx) => takeProvides(tx, actorOf(principal), principal.number, provides))
      views.drop(principal.number)
    },

    /** Within the transaction of whoever knows of the installation. */
    async recordProvides(tx: Tx, number: number, provides: Provides): Promise<void> {
      verifyProvides(provides)
      if (await takeProvides(tx, systemActor('deployments'), number, provides)) views.dropAtCommit(number)
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

/** Saying nothing of the artifact name is not a change of it. */
function differs(device: DeviceRecord, { artifact_name: software = device.software, ...rest }: Provides): boolean {
  const names = Object.keys(rest)
  const isSame =
    names.length === Object.keys(device.provides).length && names.every((name) => rest[name] === device.provides[name])
  return software !== device.software || !isSame
}
