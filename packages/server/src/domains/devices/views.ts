import { type Clock, Fault, type Instant } from '@holdfast/kernel'
import { LRUCache } from 'lru-cache'
import type { Bus } from '../../platform/bus/bus.ts'
import type { Database, Reader } from '../../platform/db/index.ts'
import { deriveFacts, PackedView, type ViewContext } from './derive-view.ts'
import type { DeviceView, Provides } from './device.ts'
import type { DeviceRecord } from './device-record.ts'
import { findById, findByNumber } from './device-store.ts'
import type { FieldNames, InventoryFields } from './field-names.ts'
import type { Filters } from './filters.ts'
import { listGroupsOf } from './group-store.ts'
import { decodeInventory } from './inventory.ts'
import type { DeviceFacts } from './search/facts.ts'
import type { LastSeen } from './search/last-seen.ts'

/** Bytes that cached views may take, roughly: a fleet of 100,000 that calls in turn must fit, or no view is ever found. */
const cacheSize = 96 * 1024 * 1024
const bytesBesideInventory = 350
/** A node that hears nothing of the others for longer reads everything anew. */
const longestIgnorance = 5_000
const longestTransaction = 2_000

export interface ViewsNeeds {
  readonly db: Database
  readonly clock: Clock
  readonly bus: Pick<Bus, 'caughtUpAt'>
  readonly filters: Filters
  readonly fields: InventoryFields
  readonly lastSeen: LastSeen
}

export type Views = ReturnType<typeof createViews>

/** Devices as the rest of the server sees them, kept while nothing changes. */
export function createViews({ db, clock, bus, filters, fields, lastSeen }: ViewsNeeds) {
  const cache = new ViewCache(cacheSize)
  const shared = new LRUCache<string, Provides>({ max: 2_000 })
  const texts = new LRUCache<string, string>({ max: 10_000 })
  const contexts = new LRUCache<string, ViewContext>({ max: 1_000 })
  let drops = 0

  /** Devices whose change is not committed yet, or was only just. */
  const changing = new Map<number, Instant>()
  db.onCommit(() => {
    if (changing.size === 0) return
    drops += 1
    for (const [number, since] of changing) {
      cache.delete(number)
      if (clock.now() - since > longestTransaction) changing.delete(number)
    }
  })

  /** One text for equal ones: each row brings its own copy of what a whole fleet has in common. */
  const sharedText = <T extends string | undefined>(text: T): T => {
    if (text === undefined) return text
    const known = texts.get(text) as T | undefined
    if (known === undefined) texts.set(text, text)
    return known ?? text
  }
  const sharedTexts = ({ organisation, product, gateway, software }: DeviceRecord) => ({
    organisation: sharedText(organisation),
    product: sharedText(product),
    gateway: sharedText(gateway),
    software: sharedText(software),
  })

  const share = (provides: Provides): Provides => {
    const text = JSON.stringify(provides)
    const known = shared.get(text)
    if (known !== undefined) return known
    shared.set(text, provides)
    return provides
  }

  /** Views of one organisation share their context as long as it stays the same. */
  async function contextOf(organisation: string, nameOf: FieldNames): Promise<ViewContext> {
    const dynamicGroups = await filters.dynamicGroups(organisation)
    const known = contexts.get(organisation)
    if (known?.nameOf === nameOf && known.dynamicGroups === dynamicGroups) return known
    const context = { nameOf, dynamicGroups, seen: (number: number) => lastSeen.of(number), share }
    contexts.set(organisation, context)
    return context
  }

  async function viewFrom(reader: Reader, device: DeviceRecord): Promise<DeviceView> {
    const keys = decodeInventory(device.inventory).keys()
    const nameOf = await fields.namesOf(reader, device.organisation, keys)
    const staticGroups = await listGroupsOf(reader, device.number)
    return new PackedView(device, staticGroups, await contextOf(device.organisation, nameOf))
  }

  async function load(number: number): Promise<DeviceView> {
    const begun = drops
    const device = await findByNumber(db.read, number)
    if (device === undefined) throw missingDevice()
    const view = await viewFrom(db.read, { ...device, ...sharedTexts(device) })
    // NOTE: one drop of any device meanwhile keeps this view out of the cache; it is only read again.
    if (begun === drops) cache.set(number, view, bytesBesideInventory + (device.inventory?.length ?? 0))
    return view
  }

  return {
    view(number: number): DeviceView | Promise<DeviceView> {
      const cached = cache.get(number)
      return cached !== undefined && clock.now() - bus.caughtUpAt() <= longestIgnorance ? cached : load(number)
    },

    async find(organisation: string, id: string): Promise<DeviceView | undefined> {
      const device = await findById(db.read, organisation, id)
      return device === undefined ? undefined : viewFrom(db.read, device)
    },

    viewFrom,

    /** For the search, in the transaction that changes the device. */
    async factsOf(reader: Reader, device: DeviceRecord, staticGroups: readonly string[]): Promise<DeviceFacts> {
      const inventory = decodeInventory(device.inventory)
      const nameOf = await fields.namesOf(reader, device.organisation, inventory.keys())
      return deriveFacts({ device, inventory, nameOf, staticGroups, seen: undefined })
    },

    drop(number: number): void {
      drops += 1
      cache.delete(number)
    },

    /** For changes within a transaction of others: which of the next commits holds it is not known here. */
    dropAtCommit(number: number): void {
      changing.set(number, clock.now())
    },

    dropAll(): void {
      drops += 1
      cache.clear()
    },
  }
}

export function missingDevice(): Fault {
  return new Fault('missing', 'devices.missing', 'there is no such device')
}

/** Keeps what came last, up to a size. Devices call in turn, so who was used last tells nothing about who is next. */
class ViewCache {
  readonly #entries = new Map<number, { readonly view: DeviceView; readonly size: number }>()
  readonly #most: number
  #size = 0

  constructor(most: number) {
    this.#most = most
  }

  get(number: number): DeviceView | undefined {
    return this.#entries.get(number)?.view
  }

  set(number: number, view: DeviceView, size: number): void {
    this.delete(number)
    this.#entries.set(number, { view, size })
    this.#size += size
    for (const oldest of this.#entries.keys()) {
      if (this.#size <= this.#most) return
      this.delete(oldest)
    }
  }

  delete(number: number): void {
    this.#size -= this.#entries.get(number)?.size ?? 0
    this.#entries.delete(number)
  }

  clear(): void {
    this.#entries.clear()
    this.#size = 0
  }
}
