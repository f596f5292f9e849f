import { Fault } from '@holdfast/kernel'
import type { Database, Tx } from '../../../platform/db/index.ts'
import type { Attributes } from './attributes.ts'
import { type Change, decodeChanges, differenceOf, encodeChanges } from './changes.ts'
import {
  type Container,
  clearBit,
  containerOfBits,
  containerOfList,
  copyToBits,
  emptyContainer,
  setBit,
} from './container.ts'
import { decodeContainer, encodeContainer } from './container-codec.ts'
import type { DeviceFacts } from './facts.ts'
import {
  appendChange,
  findPendingSpan,
  listChanges,
  listContainers,
  putPostings,
  removeChanges,
  removePosting,
} from './store.ts'
import { keyText } from './value.ts'

/** Bounds how long one transaction holds the main thread and the write lock. */
export interface BatchLimits {
  readonly changes: number
  /** Containers. */
  readonly rewrites: number
}

const smallBatch: BatchLimits = { changes: 100, rewrites: 400 }
/** For imports and benches while nothing else is served: fewer, longer transactions. */
export const largeBatch: BatchLimits = { changes: 8_000, rewrites: 100_000 }
/** Up to here a list is cheaper to rebuild than 65,536 bits are to go through. */
const fewMembers = 256

export interface DeviceChange {
  readonly organisation: string
  readonly number: number
  /** Undefined: the device is new. */
  readonly before: DeviceFacts | undefined
  /** Undefined: the device is removed. */
  readonly after: DeviceFacts | undefined
}

export type IndexWriter = ReturnType<typeof createIndexWriter>

/** Keeps the postings in step with the devices: `record` in the writer's transaction, `catchUp` afterwards. */
export function createIndexWriter({ db, attributes }: { db: Database; attributes: Attributes }) {
  let running: Promise<number> | undefined

  /** One transaction's worth; concurrent callers share it. Returns how many changes were applied. */
  function catchUp(limits: BatchLimits = smallBatch): Promise<number> {
    running ??= db
      .write((tx) => applyPending(tx, limits))
      .finally(() => {
        running = undefined
      })
    return running
  }

  return {
    /**
     * Notes what changed for one device. The transaction must have written the device's row before, so that two
     * changes of one device get their numbers in the order in which they happen.
     */
    async record(tx: Tx, change: DeviceChange): Promise<void> {
      const { added, removed } = differenceOf(change.before, change.after)
      if (added.length + removed.length === 0) return
      const changes = []
      for (const { field, value } of removed) {
        changes.push({ attribute: await attributes.require(tx, change.organisation, field), value, present: false })
      }
      for (const { field, value } of added) {
        changes.push({ attribute: await attributes.require(tx, change.organisation, field), value, present: true })
      }
      await appendChange(tx, change.number, encodeChanges(changes))
    },

    catchUp,

    /**
     * Applies pending changes for about `budget` milliseconds, but at most those that were pending at the start.
     * False means that some of them are still missing.
     */
    async settle(budget: number): Promise<boolean> {
      const pending = await findPendingSpan(db.read)
      if (pending === undefined) return true
      if (pending.rebuilding) return false
      const deadline = performance.now() + budget
      let first: number | undefined = pending.first
      while (first !== undefined && first <= pending.last) {
        if (performance.now() > deadline) return false
        await catchUp()
        first = (await findPendingSpan(db.read))?.first
      }
      return true
    },

    /** As `settle`, for callers that need the exact answer; throws `devices.index_behind` after ten seconds. */
    async requireSettled(): Promise<void> {
      if (await this.settle(10_000)) return
      throw new Fault(
        'unavailable',
        'devices.index_behind',
        'The device index is still taking in a large import, or being rebuilt',
        {
          retryAfter: 10,
        },
      )
    },
  }
}

interface Rewrite {
  readonly value: Uint8Array
  /** Offset in the block → whether the device has the value at the end. */
  readonly offsets: Map<number, boolean>
}

/** What is to change in one attribute's containers of one block, by value. */
interface Sheet {
  readonly attribute: number
  readonly block: number
  readonly rewrites: Map<string, Rewrite>
}

async function applyPending(tx: Tx, limits: BatchLimits): Promise<number> {
  const sheets = new Map<number, Sheet>()
  let rewrites = 0
  let applied = 0
  let last = 0
  for (const { seq, number, changes } of await listChanges(tx, limits.changes)) {
    if (rewrites >= limits.rewrites) break
    for (const change of decodeChanges(changes)) rewrites += note(sheets, number, change)
    applied += 1
    last = seq
  }
  for (const sheet of sheets.values()) await applySheet(tx, sheet)
  if (applied > 0) await removeChanges(tx, last)
  return applied
}

/** Returns 1 when the change touches a container that no change touched before. */
function note(sheets: Map<number, Sheet>, number: number, { attribute, value, present }: Change): 0 | 1 {
  const block = number >>> 16
  const sheetKey = attribute * 0x1_0000 + block
  let sheet = sheets.get(sheetKey)
  if (sheet === undefined) {
    sheet = { attribute, block, rewrites: new Map() }
    sheets.set(sheetKey, sheet)
  }
  const valueKey = keyText(value)
  const rewrite = sheet.rewrites.get(valueKey)
  if (rewrite !== undefined) {
    rewrite.offsets.set(number & 0xffff, present)
    return 0
  }
  sheet.rewrites.set(valueKey, { value, offsets: new Map([[number & 0xffff, present]]) })
  return 1
}

async function applySheet(tx: Tx, { attribute, block, rewrites }: Sheet): Promise<void> {
  const values = [...rewrites.values()].map((rewrite) => rewrite.value)
  const stored = new Map<string, Uint8Array>()
  for (const row of await listContainers(tx, attribute, block, values)) stored.set(keyText(row.value), row.members)
  const written = []
  for (const [valueKey, { value, offsets }] of rewrites) {
    const members = stored.get(valueKey)
    const container = updated(members === undefined ? emptyContainer : decodeContainer(members), offsets)
    if (container.count > 0) written.push({ attribute, value, block, members: encodeContainer(container) })
    else if (members !== undefined) await removePosting(tx, { attribute, value, block })
  }
  await putPostings(tx, written)
}

function updated(container: Container, offsets: ReadonlyMap<number, boolean>): Container {
  if (container.kind === 'list' && container.count + offsets.size <= fewMembers) {
    const members = new Set(container.list)
    for (const [offset, present] of offsets) {
      if (present) members.add(offset)
      else members.delete(offset)
    }
    return containerOfList(Uint16Array.from(members).sort())
  }
  const bits = copyToBits(container)
  for (const [offset, present] of offsets) {
    if (present) setBit(bits, offset)
    else clearBit(bits, offset)
  }
  return containerOfBits(bits)
}
