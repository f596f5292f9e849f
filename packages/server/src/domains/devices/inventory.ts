import { Fault, type Instant } from '@holdfast/kernel'
import type { Attributes, AttributeValue } from './device.ts'
import type { InventoryMode } from './devices.ts'

const mostAttributes = 256
const longestName = 128
const longestValue = 4_096
const mostValues = 100
const largestInventory = 65_536

/**
 * What a device has said about itself, by key. A key is the number of an attribute, or `:` and its name for one that
 * found no number because the organisation's devices use too many names; such a one is kept but not searched.
 */
export type Inventory = ReadonlyMap<string, InventoryEntry>

export interface InventoryEntry {
  readonly value: AttributeValue
  readonly changedAt: Instant
}

export interface InventoryChange {
  readonly key: string
  readonly before?: AttributeValue
  readonly after?: AttributeValue
}

/** Throws `devices.bad_inventory` for names and values that are not storable, `devices.inventory_too_large` for too many. */
export function verifyAttributes(attributes: Attributes): void {
  const entries = Object.entries(attributes)
  if (entries.length > mostAttributes) throw tooLarge(`more than ${mostAttributes} attributes`)
  for (const [name, value] of entries) {
    if (name.length === 0 || name.length > longestName || hasControl(name) || !name.isWellFormed()) {
      throw bad(`the name of an attribute is 1 to ${longestName} printable characters`, name)
    }
    verifyValue(name, value)
  }
  verifyTotal(entries.map(([name, value]) => name.length + sizeOf(value)))
}

function verifyValue(name: string, value: AttributeValue): void {
  const values = isList(value) ? value : [value]
  if (values.length > mostValues) throw tooLarge(`${name} has more than ${mostValues} values`)
  for (const one of values) {
    const lawful =
      typeof one === 'string' || typeof one === 'boolean' || (typeof one === 'number' && Number.isFinite(one))
    if (!lawful) throw bad('a value is text, a number, a truth value, or a list of these', name)
  }
  if (sizeOf(value) > longestValue) throw tooLarge(`the value of ${name} is larger than ${longestValue} bytes`)
}

function verifyTotal(sizes: readonly number[]): void {
  const total = sizes.reduce((sum, size) => sum + size, 0)
  if (total > largestInventory) throw tooLarge(`more than ${largestInventory} bytes`)
}

function sizeOf(value: AttributeValue): number {
  return typeof value === 'string' ? Buffer.byteLength(value) : Buffer.byteLength(JSON.stringify(value))
}

function hasControl(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) if (text.charCodeAt(index) < 32) return true
  return false
}

export interface ReportOutcome {
  readonly inventory: Inventory
  /** Empty: nothing is to be written. */
  readonly changes: readonly InventoryChange[]
}

/** What an inventory becomes by a report. Throws `devices.inventory_too_large` when both together are too much. */
export function inventoryAfter(
  inventory: Inventory,
  report: ReadonlyMap<string, AttributeValue>,
  mode: InventoryMode,
  now: Instant,
): ReportOutcome {
  const next = new Map(inventory)
  const changes: InventoryChange[] = []
  const remove = (key: string) => {
    const known = next.get(key)
    if (known !== undefined) changes.push({ key, before: known.value })
    next.delete(key)
  }
  if (mode === 'remove') for (const key of report.keys()) remove(key)
  else {
    if (mode === 'replace') for (const key of inventory.keys()) if (!report.has(key)) remove(key)
    for (const [key, value] of report) {
      const known = next.get(key)
      if (known !== undefined && isSame(known.value, value)) continue
      changes.push(known === undefined ? { key, after: value } : { key, before: known.value, after: value })
      next.set(key, { value, changedAt: now })
    }
  }
  if (next.size > mostAttributes) throw tooLarge(`more than ${mostAttributes} attributes`)
  verifyTotal([...next].map(([key, { value }]) => key.length + sizeOf(value)))
  return { inventory: next, changes }
}

function isSame(one: AttributeValue, other: AttributeValue): boolean {
  if (!isList(one) || !isList(other)) return one === other
  return one.length === other.length && one.every((value, index) => value === other[index])
}

/**
 * JSON of `[seconds, {key: value, …}]` for each time of change, latest first: the values of one report share their time,
 * so the usual inventory spends a dozen bytes on times.
 */
export function encodeInventory(inventory: Inventory): string | null {
  if (inventory.size === 0) return null
  const byTime = Map.groupBy(inventory, ([, { changedAt }]) => Math.floor(changedAt / 1_000))
  const parts = [...byTime].sort((a, b) => b[0] - a[0])
  return JSON.stringify(
    parts.map(([seconds, entries]) => [seconds, Object.fromEntries(entries.map(([key, { value }]) => [key, value]))]),
  )
}

export function decodeInventory(text: string | null): Inventory {
  const inventory = new Map<string, InventoryEntry>()
  if (text === null) return inventory
  for (const [seconds, values] of JSON.parse(text) as readonly [number, Attributes][]) {
    for (const [key, value] of Object.entries(values)) inventory.set(key, { value, changedAt: seconds * 1_000 })
  }
  return inventory
}

export function isList<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value)
}

function bad(message: string, at: string): Fault {
  return new Fault('malformed', 'devices.bad_inventory', message, { at: at.slice(0, longestName) })
}

function tooLarge(message: string): Fault {
  return new Fault('limited', 'devices.inventory_too_large', `the inventory is too large: ${message}`)
}
