import { Fault } from '@holdfast/kernel'
import { concat } from './bytes.ts'
import {
  foldComplete,
  type HashFunction,
  hashLength,
  planConsistency,
  planInclusion,
  planRange,
  type RangePlan,
  rangeHash,
  type Subtree,
} from './merkle.ts'
import { type TileCoordinate, tileWidth } from './tile-path.ts'

const tileHeight = 8

/**
 * The right edge of a tree: per level the hashes of its partial tile, which may be none. With the size it is all that
 * appending needs; it can be rebuilt from the tiles named by `edgeTiles`.
 */
export interface TreeEdge {
  readonly size: number
  readonly partial: readonly Uint8Array[]
}

export interface Tile {
  readonly coordinate: TileCoordinate
  readonly hashes: Uint8Array
}

export interface GrownTree {
  readonly edge: TreeEdge
  /** Every tile that is new or wider than before, full ones first, level by level. */
  readonly tiles: readonly Tile[]
  readonly root: Uint8Array
}

export const emptyEdge: TreeEdge = { size: 0, partial: [] }

/** Appends leaf hashes to a tree (C2SP tlog-tiles): pure, the caller writes the tiles and keeps the edge. */
export function growTree(edge: TreeEdge, leafHashes: readonly Uint8Array[], hash: HashFunction): GrownTree {
  if (leafHashes.some((each) => each.length !== hashLength)) throw badTile('a leaf hash of wrong length')
  const tiles: Tile[] = []
  const partial: Uint8Array[] = []
  let added: readonly Uint8Array[] = leafHashes
  let count = edge.size
  for (let level = 0; level < edge.partial.length || added.length > 0; level += 1) {
    const before = edge.partial[level] ?? new Uint8Array(0)
    const row = [...hashesOf(before), ...added]
    const first = Math.floor(count / tileWidth)
    const full = Math.floor(row.length / tileWidth)
    const above: Uint8Array[] = []
    for (let tile = 0; tile < full; tile += 1) {
      const hashes = row.slice(tile * tileWidth, (tile + 1) * tileWidth)
      tiles.push({ coordinate: { level, index: first + tile, width: tileWidth }, hashes: concat(...hashes) })
      above.push(foldComplete(hashes, hash))
    }
    const rest = concat(...row.slice(full * tileWidth))
    partial.push(rest)
    if (rest.length > 0 && added.length > 0) {
      tiles.push({ coordinate: { level, index: first + full, width: rest.length / hashLength }, hashes: rest })
    }
    added = above
    count = first
  }
  const grown: TreeEdge = { size: edge.size + leafHashes.length, partial }
  return { edge: grown, tiles, root: edgeRoot(grown, hash) }
}

/** The root of the tree with this right edge. */
export function edgeRoot(edge: TreeEdge, hash: HashFunction): Uint8Array {
  const subtree = ({ level, index }: Subtree) => {
    const place = placeOf({ level, index })
    return foldTile(edge.partial[place.level] ?? new Uint8Array(0), place, hash)
  }
  return rangeHash(planRange(0, edge.size), subtree, hash)
}

/** The partial tiles of a tree, lowest level first: what `restoreEdge` needs. */
export function edgeTiles(size: number): TileCoordinate[] {
  const tiles: TileCoordinate[] = []
  for (let level = 0, count = size; count > 0; level += 1, count = Math.floor(count / tileWidth)) {
    const width = count % tileWidth
    if (width > 0) tiles.push({ level, index: Math.floor(count / tileWidth), width })
  }
  return tiles
}

/** Rebuilds the edge from the bytes of the tiles that `edgeTiles` names, in that order. */
export function restoreEdge(size: number, tiles: readonly Uint8Array[]): TreeEdge {
  const partial: Uint8Array[] = []
  for (const [at, { level, width }] of edgeTiles(size).entries()) {
    const bytes = tiles[at]
    if (bytes === undefined || bytes.length !== width * hashLength)
      throw badTile(`level ${level} is not ${width} hashes wide`)
    while (partial.length < level) partial.push(new Uint8Array(0))
    partial.push(bytes)
  }
  return { size, partial }
}

/** The widest form of a tile in a tree of this size; a tile that the tree does not have is a Fault. */
export function tileInTree(level: number, index: number, size: number): TileCoordinate {
  const width = Math.min(tileWidth, Math.floor(size / tileWidth ** level) - index * tileWidth)
  if (width <= 0) throw badTile(`a tree of ${size} leaves has no tile ${index} on level ${level}`)
  return { level, index, width }
}

/** Gets the bytes of a tile. Need not be trusted: verify what is made from them against a signed checkpoint. */
export type FetchTile = (coordinate: TileCoordinate) => Promise<Uint8Array>

export interface TileReader {
  root(): Promise<Uint8Array>
  inclusionProof(index: number): Promise<Uint8Array[]>
  /** From an earlier size to the size of this reader. */
  consistencyProof(oldSize: number): Promise<Uint8Array[]>
}

/** Computes roots and proofs of the tree of one size from its tiles; each tile is fetched once per question. */
export function createTileReader(size: number, fetchTile: FetchTile, hash: HashFunction): TileReader {
  async function compute(plans: readonly RangePlan[]): Promise<Uint8Array[]> {
    const wanted = new Map<string, TileCoordinate>()
    for (const subtree of plans.flat()) {
      const { level, index } = placeOf(subtree)
      wanted.set(`${level}/${index}`, tileInTree(level, index, size))
    }
    const fetched = await Promise.all(
      [...wanted].map(async ([key, coordinate]) => {
        const bytes = await fetchTile(coordinate)
        if (bytes.length !== coordinate.width * hashLength) throw badTile(`tile ${key} has ${bytes.length} bytes`)
        return [key, bytes] as const
      }),
    )
    const tiles = new Map(fetched)
    const subtree = (each: Subtree) => {
      const place = placeOf(each)
      return foldTile(tiles.get(`${place.level}/${place.index}`) ?? new Uint8Array(0), place, hash)
    }
    return plans.map((plan) => rangeHash(plan, subtree, hash))
  }
  return {
    root: async () => (await compute([planRange(0, size)]))[0] ?? hash(),
    inclusionProof: async (index) => compute(planInclusion(index, size)),
    consistencyProof: async (oldSize) => compute(planConsistency(oldSize, size)),
  }
}

/** Which hashes of which tile lie under a complete subtree. */
function placeOf({ level, index }: Subtree): { level: number; index: number; from: number; count: number } {
  const tileLevel = Math.floor(level / tileHeight)
  const count = 2 ** (level - tileLevel * tileHeight)
  const start = index * count
  return { level: tileLevel, index: Math.floor(start / tileWidth), from: start % tileWidth, count }
}

function foldTile(bytes: Uint8Array, { from, count }: { from: number; count: number }, hash: HashFunction): Uint8Array {
  const part = bytes.subarray(from * hashLength, (from + count) * hashLength)
  if (part.length !== count * hashLength) throw badTile('a tile lacks hashes that the tree has')
  return foldComplete(hashesOf(part), hash)
}

function hashesOf(bytes: Uint8Array): Uint8Array[] {
  const hashes: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += hashLength) hashes.push(bytes.subarray(at, at + hashLength))
  return hashes
}

function badTile(message: string): Fault {
  return new Fault('malformed', 'crypto.bad_tile', message)
}
