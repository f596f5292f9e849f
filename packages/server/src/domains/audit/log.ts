import { createPublicKey, type KeyObject } from 'node:crypto'
import { writeEntryBundle } from '@holdfast/crypto/entry-bundle'
import { leafHash } from '@holdfast/crypto/merkle'
import { verifierString } from '@holdfast/crypto/note'
import { sha256 } from '@holdfast/crypto/sha256'
import { parseTilePath } from '@holdfast/crypto/tile-path'
import { createTileReader, tileInTree } from '@holdfast/crypto/tiles'
import { Fault, toHex } from '@holdfast/kernel'
import type { Reader } from '../../platform/db/index.ts'
import { findLog, findTile, type LogRow, leafBodies } from './store.ts'

const hashLength = 32
const tileWidth = 256
const encoder = new TextEncoder()

/** What anybody needs in order to check a log. */
export interface LogIdentity {
  readonly origin: string
  /** C2SP signed-note verifier key. */
  readonly verifierKey: string
}

export function logIdentity(origin: string, logKey: KeyObject): LogIdentity {
  return { origin, verifierKey: verifierString({ name: origin, publicKey: createPublicKey(logKey) }) }
}

/** The proof that a leaf is in the log as its last checkpoint signed it. */
export async function proveInclusion(db: Reader, organisation: string, leaf: number) {
  const log = await findLog(db, organisation)
  if (log === undefined || leaf >= log.size)
    throw new Fault('missing', 'audit.not_sequenced', 'the record is not in the log yet')
  const proof = await readerOf(db, organisation, log.size).inclusionProof(leaf)
  return {
    treeSize: log.size,
    hashes: proof.map((hash) => Buffer.from(hash).toString('base64')),
    checkpoint: log.checkpoint,
  }
}

/** A file of the log by its C2SP tlog-tiles path: `checkpoint`, `tile/…`, `tile/entries/…`. */
export async function readLogFile(
  db: Reader,
  organisation: string,
  path: string,
): Promise<{ bytes: Uint8Array; type: string }> {
  const log = await findLog(db, organisation)
  if (log === undefined) throw new Fault('missing', 'audit.empty', 'nothing is in the log yet')
  if (path === 'checkpoint') return { bytes: encoder.encode(log.checkpoint), type: 'text/plain; charset=utf-8' }
  const place = parseTilePath(path)
  const inTree = tileInTree(place.kind === 'tile' ? place.level : 0, place.index, log.size)
  if (place.width > inTree.width) throw new Fault('missing', 'audit.no_tile', 'the tile is not that wide yet')
  const type = 'application/octet-stream'
  if (place.kind === 'tile') return { bytes: await requireTile(db, organisation, place), type }
  const first = place.index * tileWidth
  const bodies = await leafBodies(db, organisation, first, first + place.width)
  return { bytes: writeEntryBundle(bodies.map((body) => encoder.encode(body))), type }
}

/**
 * The whole log as JSON lines: a head with the signed checkpoint, then each leaf with its hash and its exact body. It reads
 * in pages, so its size does not matter.
 */
export async function* exportLog(db: Reader, organisation: string, identity: LogIdentity): AsyncGenerator<Uint8Array> {
  const log: Pick<LogRow, 'size' | 'checkpoint'> = (await findLog(db, organisation)) ?? { size: 0, checkpoint: '' }
  const head = { format: 'holdfast-evidence', version: 1, ...identity, size: log.size, checkpoint: log.checkpoint }
  yield encoder.encode(`${JSON.stringify(head)}\n`)
  for (let from = 0; from < log.size; from += tileWidth) {
    const bodies = await leafBodies(db, organisation, from, Math.min(from + tileWidth, log.size))
    let lines = ''
    for (const [offset, body] of bodies.entries()) {
      const hash = toHex(leafHash(encoder.encode(body), sha256))
      lines += `${JSON.stringify({ leaf: from + offset, hash, body })}\n`
    }
    yield encoder.encode(lines)
  }
}

function readerOf(db: Reader, organisation: string, size: number) {
  return createTileReader(size, (place) => requireTile(db, organisation, place), sha256)
}

async function requireTile(
  db: Reader,
  organisation: string,
  place: { level: number; index: number; width: number },
): Promise<Uint8Array> {
  const tile = await findTile(db, organisation, place.level, place.index)
  if (tile === undefined) throw new Fault('missing', 'audit.no_tile', 'there is no such tile')
  return tile.subarray(0, place.width * hashLength)
}
