import type { KeyObject } from 'node:crypto'
import { signCheckpoint } from '@holdfast/crypto/checkpoint'
import { leafHash } from '@holdfast/crypto/merkle'
import { sha256 } from '@holdfast/crypto/sha256'
import { edgeTiles, growTree, restoreEdge, type TreeEdge } from '@holdfast/crypto/tiles'
import type { Clock } from '@holdfast/kernel'
import type { Database, Reader, Tx } from '../../platform/db/index.ts'
import type { Job } from '../../platform/jobs/jobs.ts'
import { findLog, findTile, lastPosition, putLog, putTile, setPlace, waitingRecords } from './store.ts'

export interface SequencerNeeds {
  readonly db: Database
  readonly clock: Clock
  /** Ed25519: signs the checkpoints of every log. */
  readonly logKey: KeyObject
  /** The origin of an organisation's log. */
  readonly originOf: (organisation: string) => string
  /** Called after each batch that gave positions. */
  readonly onSequenced: () => void
}

const batchSize = 1_000
const encoder = new TextEncoder()

/**
 * Makes audit records leaves of their organisation's log, in batches: each gets its position, the tiles grow, and the
 * new head is signed, all in one transaction. It runs on one node at a time.
 */
export function sequenceJob({ db, clock, logKey, originOf, onSequenced }: SequencerNeeds): Job {
  return {
    name: 'audit.sequence',
    everyMilliseconds: 100,
    async run() {
      if ((await waitingRecords(db.read, 1)).length === 0) return false
      const sequenced = await db.write((tx) => sequenceBatch(tx, clock, logKey, originOf))
      if (sequenced > 0) onSequenced()
      return sequenced === batchSize
    },
  }
}

async function sequenceBatch(
  tx: Tx,
  clock: Clock,
  key: KeyObject,
  originOf: (organisation: string) => string,
): Promise<number> {
  const waiting = await waitingRecords(tx, batchSize)
  let position = (await lastPosition(tx)) + 1
  const byOrganisation = Map.groupBy(waiting, (record) => record.organisation)
  const firstLeaf = new Map<string, number>()
  for (const [organisation, records] of byOrganisation) {
    const size = (await findLog(tx, organisation))?.size ?? 0
    firstLeaf.set(organisation, size)
    const edge = await readEdge(tx, organisation, size)
    const hashes = records.map(({ body }) => leafHash(encoder.encode(body), sha256))
    const grown = growTree(edge, hashes, sha256)
    for (const { coordinate, hashes } of grown.tiles) {
      await putTile(tx, organisation, coordinate.level, coordinate.index, hashes)
    }
    const origin = originOf(organisation)
    const head = { origin, size: grown.edge.size, root: grown.root }
    const checkpoint = signCheckpoint(head, [{ name: origin, privateKey: key }])
    await putLog(tx, { organisation, size: head.size, checkpoint, signed_at: clock.now() })
  }
  for (const { seq, organisation } of waiting) {
    const leaf = firstLeaf.get(organisation) ?? 0
    firstLeaf.set(organisation, leaf + 1)
    await setPlace(tx, { seq, position, leaf })
    position += 1
  }
  return waiting.length
}

async function readEdge(db: Reader, organisation: string, size: number): Promise<TreeEdge> {
  const tiles: Uint8Array[] = []
  for (const { level, index, width } of edgeTiles(size)) {
    const tile = await findTile(db, organisation, level, index)
    if (tile === undefined) throw new Error(`the log of ${organisation} lacks tile ${level}/${index}`)
    tiles.push(tile.subarray(0, width * 32))
  }
  return restoreEdge(size, tiles)
}
