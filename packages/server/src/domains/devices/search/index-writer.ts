import { Fault } from '@holdfast/kernel'
import type { Database, Tx } from '../../../platform/db/index.ts'
import type { Attributes } from './attributes.ts'
import { decodeChanges, differenceOf, encodeChanges } from './changes.ts'
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
  findMembers,
  findPendingSpan,
  listChanges,
  type PostingKey,
  putMembers,
  removeChanges,
  removeMembers,
} from './store.ts'

/** Containers rewritten in one transaction: bounds how long a batch holds the main thread and the write lock. */
const rewritesPerBatch = 1_500
const changesPerBatch = 400
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
  function catchUp(): Promise<number> {
    running ??= db.write(applyPending).finally(() => {
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
      throw new Fault('unavailable', 'devices.index_behind', 'The device index is still taking in a large import', {
        retryAfter: 10,
      })
    },
  }
}

interface Rewrite {
  readonly key: PostingKey
  /** Offset in the block → whether the device has the value at the end. */
  readonly offsets: Map<number, boolean>
}

async function applyPending(tx: Tx): Promise<number> {
  const rewrites = new Map<string, Rewrite>()
  let applied = 0
  let last = 0
  for (const { seq, number, changes } of await listChanges(tx, changesPerBatch)) {
    if (rewrites.size >= rewritesPerBatch) break
    for (const { attribute, value, present } of decodeChanges(changes)) {
      const block = number >>> 16
      const id = `${attribute} ${block} ${Buffer.from(value).toString('latin1')}`
      const rewrite = rewrites.get(id) ?? { key: { attribute, value, block }, offsets: new Map() }
      rewrite.offsets.set(number & 0xffff, present)
      rewrites.set(id, rewrite)
    }
    applied += 1
    last = seq
  }
  for (const rewrite of rewrites.values()) await rewriteContainer(tx, rewrite)
  if (applied > 0) await removeChanges(tx, last)
  return applied
}

async function rewriteContainer(tx: Tx, { key, offsets }: Rewrite): Promise<void> {
  const stored = await findMembers(tx, key)
  const container = updated(stored === undefined ? emptyContainer : decodeContainer(stored), offsets)
  if (container.count > 0) await putMembers(tx, key, encodeContainer(container))
  else if (stored !== undefined) await removeMembers(tx, key)
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
