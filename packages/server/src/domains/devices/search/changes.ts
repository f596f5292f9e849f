import { damaged } from './container-codec.ts'
import type { DeviceFacts } from './facts.ts'
import { registeredHour } from './facts.ts'
import { anyValue, encodeValue, keyText, type Value } from './value.ts'
import { VarintReader, varintSize, writeVarint } from './varint.ts'

/** One line of the index: a device has this value of this attribute, or has any value of it. */
export interface Entry {
  /** `fieldKey` of the attribute. */
  readonly field: string
  readonly value: Uint8Array
}

/** The attribute that every device has, so that its "any value" line is the whole organisation. */
export const registeredField = 'system.registered'

/** Ids have an index of their own in the device table. */
const idField = 'system.id'

/** Every line that the index holds for a device; without facts (not yet or no longer registered) none. */
export function entriesOf(facts: DeviceFacts | undefined): Map<string, Entry> {
  const entries = new Map<string, Entry>()
  if (facts === undefined) return entries
  for (const [field, values] of indexedFields(facts)) {
    for (const value of [anyValue, ...values.map(encodeValue)]) {
      entries.set(`${field}\0${keyText(value)}`, { field, value })
    }
  }
  return entries
}

/** The fields of a device that the index holds, each with at least one value. */
export function* indexedFields(facts: DeviceFacts): Generator<readonly [string, readonly Value[]]> {
  for (const entry of facts.values) if (entry[0] !== idField && entry[1].length > 0) yield entry
  yield [registeredField, [registeredHour(facts.registered)]]
}

export interface Difference {
  readonly added: readonly Entry[]
  readonly removed: readonly Entry[]
}

export function differenceOf(before: DeviceFacts | undefined, after: DeviceFacts | undefined): Difference {
  const [old, current] = [entriesOf(before), entriesOf(after)]
  return {
    added: [...current].flatMap(([key, entry]) => (old.has(key) ? [] : [entry])),
    removed: [...old].flatMap(([key, entry]) => (current.has(key) ? [] : [entry])),
  }
}

export interface Change {
  readonly attribute: number
  readonly value: Uint8Array
  readonly present: boolean
}

/** For each change: twice the attribute (plus one when the value is gained), the length of the value, the value. */
export function encodeChanges(changes: readonly Change[]): Uint8Array {
  const size = changes.reduce(
    (sum, { attribute, value }) => sum + varintSize(attribute * 2 + 1) + varintSize(value.length) + value.length,
    0,
  )
  const bytes = new Uint8Array(size)
  let at = 0
  for (const { attribute, value, present } of changes) {
    at = writeVarint(bytes, at, attribute * 2 + (present ? 1 : 0))
    at = writeVarint(bytes, at, value.length)
    bytes.set(value, at)
    at += value.length
  }
  return bytes
}

export function decodeChanges(bytes: Uint8Array): Change[] {
  const reader = new VarintReader(bytes, 0, damaged)
  const changes: Change[] = []
  while (!reader.atEnd) {
    const head = reader.number()
    const value = reader.bytes(reader.number())
    changes.push({ attribute: Math.floor(head / 2), value, present: head % 2 === 1 })
  }
  return changes
}
