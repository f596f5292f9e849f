import { setImmediate } from 'node:timers/promises'
import type { Database, Reader, Tx } from '../../../platform/db/index.ts'
import type { Attributes } from './attributes.ts'
import { type Change, encodeChanges, entriesOf, indexedFields } from './changes.ts'
import { blockSize, containerOfList } from './container.ts'
import { encodeContainer } from './container-codec.ts'
import type { DeviceFacts } from './facts.ts'
import {
  appendChange,
  clearPostings,
  findLargestNumber,
  markRebuilding,
  putPostings,
  unmarkRebuilding,
} from './store.ts'
import { encodeValue, keyText, type Value } from './value.ts'

/** A device with all that the index holds of it. */
export interface IndexedDevice {
  readonly number: number
  readonly organisation: string
  readonly revision: number
  readonly facts: DeviceFacts
}

export interface RebuildNeeds {
  readonly db: Database
  readonly attributes: Attributes
  /** At most `limit` devices with numbers in [from, to), ascending. */
  readonly listDevices: (db: Reader, from: number, to: number, limit: number) => Promise<IndexedDevice[]>
  /** The revisions of the devices with numbers in [from, to). */
  readonly listRevisions: (db: Reader, from: number, to: number) => Promise<Map<number, number>>
  /** The device as it is, which nobody else changes before the transaction ends. */
  readonly lockDevice: (tx: Tx, number: number) => Promise<IndexedDevice | undefined>
}

const devicesPerRead = 200
const postingsPerWrite = 1_000
const postingsPerClearing = 5_000

/** The members of one block: by attribute, then by the key of the value. */
type Sheet = Map<number, Map<string, number[]>>

/**
 * Makes the postings anew out of the devices, block by block and in small transactions, while devices go on changing:
 * what changed since it was read is noted as a change like any other, behind those that are still waiting. Until the end,
 * and after a rebuilding that was cut off, searches say that they are not up to date and no population is taken.
 */
export async function rebuildPostings(needs: RebuildNeeds, onBlock: (devices: number) => void): Promise<number> {
  const { db } = needs
  await db.write(markRebuilding)
  while ((await db.write((tx) => clearPostings(tx, postingsPerClearing))) > 0) await setImmediate()
  let devices = 0
  for (let first = 0; first <= (await findLargestNumber(db.read)); first += blockSize) {
    const { sheet, revisions } = await readBlock(needs, first)
    await writeSheet(db, sheet, first / blockSize)
    await noteChanged(needs, first, sheet, revisions)
    devices += revisions.size
    onBlock(devices)
  }
  await db.write(unmarkRebuilding)
  return devices
}

async function readBlock(
  needs: RebuildNeeds,
  first: number,
): Promise<{ sheet: Sheet; revisions: Map<number, number> }> {
  const { db, attributes } = needs
  const sheet: Sheet = new Map()
  const revisions = new Map<number, number>()
  const keys = new Keys()
  const known = new Map<string, number>()
  for (let from = first; ; ) {
    const devices = await needs.listDevices(db.read, from, first + blockSize, devicesPerRead)
    for (const { number, organisation, revision, facts } of devices) {
      revisions.set(number, revision)
      for (const [field, values] of indexedFields(facts)) {
        const name = `${organisation}\0${field}`
        const attribute = known.get(name) ?? (await db.write((tx) => attributes.require(tx, organisation, field)))
        known.set(name, attribute)
        add(sheet, attribute, '', number - first)
        for (const value of values) add(sheet, attribute, keys.of(value), number - first)
      }
    }
    const last = devices.at(-1)
    if (last === undefined || devices.length < devicesPerRead) return { sheet, revisions }
    from = last.number + 1
    await setImmediate()
  }
}

function add(sheet: Sheet, attribute: number, key: string, offset: number): void {
  let values = sheet.get(attribute)
  if (values === undefined) {
    values = new Map()
    sheet.set(attribute, values)
  }
  const members = values.get(key)
  if (members === undefined) values.set(key, [offset])
  else if (members.at(-1) !== offset) members.push(offset)
}

const mostKeys = 10_000

/** The keys of values as texts of their bytes, those of the first values remembered: most devices share most of them. */
class Keys {
  readonly #known = new Map<Value, string>()

  of(value: Value): string {
    const known = this.#known.get(value)
    if (known !== undefined) return known
    const key = keyText(encodeValue(value))
    if (this.#known.size < mostKeys) this.#known.set(value, key)
    return key
  }
}

async function writeSheet(db: Database, sheet: Sheet, block: number): Promise<void> {
  let postings = []
  for (const [attribute, values] of [...sheet].sort(([a], [b]) => a - b)) {
    // Texts of bytes sort as the bytes do, so the database appends.
    for (const key of [...values.keys()].sort()) {
      const members = encodeContainer(containerOfList(Uint16Array.from(values.get(key) ?? [])))
      postings.push({ attribute, value: Buffer.from(key, 'latin1'), block, members })
      if (postings.length < postingsPerWrite) continue
      const full = postings
      postings = []
      await db.write((tx) => putPostings(tx, full))
    }
  }
  await db.write((tx) => putPostings(tx, postings))
}

/** Whatever changed while its block was read and written is taken back and noted as it is now. */
async function noteChanged(
  needs: RebuildNeeds,
  first: number,
  sheet: Sheet,
  revisions: ReadonlyMap<number, number>,
): Promise<void> {
  const now = await needs.listRevisions(needs.db.read, first, first + blockSize)
  const changed = new Map<number, Change[]>()
  for (const [number, revision] of now) if (revisions.get(number) !== revision) changed.set(number, [])
  for (const number of revisions.keys()) if (!now.has(number)) changed.set(number, [])
  if (changed.size === 0) return
  for (const [attribute, values] of sheet) {
    for (const [key, offsets] of values) {
      const value = Buffer.from(key, 'latin1')
      for (const offset of offsets) changed.get(first + offset)?.push({ attribute, value, present: false })
    }
  }
  for (const [number, written] of changed) {
    await needs.db.write(async (tx) => {
      const device = await needs.lockDevice(tx, number)
      const lines = device === undefined ? [] : await linesOf(tx, needs.attributes, device)
      await appendChange(tx, number, encodeChanges([...written, ...lines]))
    })
  }
}

async function linesOf(tx: Tx, attributes: Attributes, { organisation, facts }: IndexedDevice): Promise<Change[]> {
  const lines: Change[] = []
  for (const { field, value } of entriesOf(facts).values()) {
    lines.push({ attribute: await attributes.require(tx, organisation, field), value, present: true })
  }
  return lines
}
