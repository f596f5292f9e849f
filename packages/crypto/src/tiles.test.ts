import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '@holdfast/kernel'
import fc from 'fast-check'
import { readEntryBundle, writeEntryBundle } from './entry-bundle.ts'
import {
  leafHash,
  makeConsistencyProof,
  makeInclusionProof,
  rootOf,
  verifyConsistency,
  verifyInclusion,
} from './merkle.ts'
import { sha256 } from './sha256.ts'
import { entriesPath, parseTilePath, tilePath } from './tile-path.ts'
import {
  createTileReader,
  edgeRoot,
  edgeTiles,
  emptyEdge,
  growTree,
  restoreEdge,
  type TreeEdge,
  tileInTree,
} from './tiles.ts'

const leaves = Array.from({ length: 70_000 }, (_, index) =>
  leafHash(Uint8Array.of(index & 255, index >> 8, index >> 16), sha256),
)

function grow(batches: readonly number[]) {
  const store = new Map<string, Uint8Array>()
  let edge: TreeEdge = emptyEdge
  let root: Uint8Array = sha256()
  for (const batch of batches) {
    const grown = growTree(edge, leaves.slice(edge.size, edge.size + batch), sha256)
    for (const { coordinate, hashes } of grown.tiles) {
      const path = tilePath(coordinate)
      assert.equal(store.has(path), false, `${path} is written once`)
      assert.equal(hashes.length, coordinate.width * 32)
      store.set(path, hashes)
    }
    edge = grown.edge
    root = grown.root
  }
  const fetchTile = async (coordinate: Parameters<typeof tilePath>[0]) => {
    const tile = store.get(tilePath(coordinate))
    assert.ok(tile, `${tilePath(coordinate)} exists`)
    return tile
  }
  return { edge, root, store, fetchTile }
}

test('a tree grown in any batches has the root, tiles and proofs of the tree made at once', async () => {
  const property = fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 8 }), async (batches) => {
    const { edge, root, fetchTile } = grow(batches)
    const own = leaves.slice(0, edge.size)
    assert.deepEqual(root, rootOf(own, sha256))
    const reader = createTileReader(edge.size, fetchTile, sha256)
    assert.deepEqual(await reader.root(), root)
    for (let index = 0; index < edge.size; index += 97) {
      assert.deepEqual(await reader.inclusionProof(index), makeInclusionProof(index, own, sha256))
      assert.deepEqual(await reader.consistencyProof(index), makeConsistencyProof(index, own, sha256))
    }
  })
  await fc.assert(property, { numRuns: 25 })
})

test('a tree of 70,000 leaves has the tiles that the specification counts', async () => {
  const { edge, root, store, fetchTile } = grow([69_999, 1])
  const full = (level: number) =>
    [...store.keys()].filter((path) => path.startsWith(`tile/${level}/`) && !path.includes('.p/')).length
  assert.deepEqual([full(0), full(1), full(2)], [273, 1, 0])
  assert.deepEqual(edgeTiles(70_000), [
    { level: 0, index: 273, width: 112 },
    { level: 1, index: 1, width: 17 },
    { level: 2, index: 0, width: 1 },
  ])
  assert.deepEqual(edgeTiles(256), [{ level: 1, index: 0, width: 1 }])
  const reader = createTileReader(edge.size, fetchTile, sha256)
  for (const index of [0, 255, 256, 65_535, 65_536, 69_999]) {
    const leaf = leaves[index]
    assert.ok(leaf)
    verifyInclusion({ index, size: edge.size, leafHash: leaf, root, proof: await reader.inclusionProof(index) }, sha256)
  }
  for (const oldSize of [1, 255, 256, 257, 65_536, 69_999]) {
    const oldRoot = rootOf(leaves.slice(0, oldSize), sha256)
    const proof = await reader.consistencyProof(oldSize)
    verifyConsistency({ oldSize, newSize: edge.size, oldRoot, newRoot: root, proof }, sha256)
  }
})

test('the right edge is rebuilt from the stored partial tiles', async () => {
  for (const size of [0, 1, 255, 256, 257, 65_536, 65_537, 66_000]) {
    const { edge, root, fetchTile } = grow(size === 0 ? [] : [size])
    const restored = restoreEdge(size, await Promise.all(edgeTiles(size).map(fetchTile)))
    assert.deepEqual(edgeRoot(restored, sha256), root)
    const more = leaves.slice(size, size + 300)
    assert.deepEqual(growTree(restored, more, sha256), growTree(edge, more, sha256))
  }
  assert.throws(() => restoreEdge(3, [new Uint8Array(64)]), Fault)
  assert.throws(() => restoreEdge(3, []), Fault)
})

test('a tile that lies, is cut or does not exist never yields a proof that verifies', async () => {
  const { edge, root, fetchTile } = grow([300])
  const leaf = leaves[7]
  assert.ok(leaf)
  const lying = createTileReader(edge.size, async (at) => (await fetchTile(at)).map((byte) => byte ^ 1), sha256)
  const proof = await lying.inclusionProof(7)
  assert.throws(() => verifyInclusion({ index: 7, size: 300, leafHash: leaf, root, proof }, sha256), Fault)
  const cut = createTileReader(edge.size, async (at) => (await fetchTile(at)).subarray(1), sha256)
  await assert.rejects(cut.inclusionProof(7), Fault)
  assert.throws(() => tileInTree(0, 2, 300), Fault)
  assert.throws(() => growTree(emptyEdge, [new Uint8Array(31)], sha256), Fault)
})

test('tile paths are written and read in one form only', () => {
  assert.equal(tilePath({ level: 0, index: 1_234_067, width: 256 }), 'tile/0/x001/x234/067')
  assert.equal(tilePath({ level: 5, index: 7, width: 3 }), 'tile/5/007.p/3')
  assert.equal(entriesPath(1_234_067, 8), 'tile/entries/x001/x234/067.p/8')
  assert.deepEqual(parseTilePath('tile/entries/x001/x234/067.p/8'), { kind: 'entries', index: 1_234_067, width: 8 })
  assert.deepEqual(parseTilePath('tile/63/000'), { kind: 'tile', level: 63, index: 0, width: 256 })
  const bad = [
    '',
    'tile/0/0',
    'tile/0/67',
    'tile/00/067',
    'tile/64/000',
    'tile/0/001/067',
    'tile/0/x000/067',
    'tile/0/067.p/0',
    'tile/0/067.p/256',
    'tile/0/067.p/01',
    'tile/0/067.p/',
    'tile/0/../067',
    'tile/-1/000',
    'tile/0/067/',
    'Tile/0/067',
    `tile/0/${'x001/'.repeat(30)}000`,
    'tile/0/067\n',
  ]
  for (const path of bad) assert.throws(() => parseTilePath(path), Fault, path)
  fc.assert(
    fc.property(fc.nat({ max: 63 }), fc.nat(), fc.integer({ min: 1, max: 256 }), (level, index, width) => {
      assert.deepEqual(parseTilePath(tilePath({ level, index, width })), { kind: 'tile', level, index, width })
    }),
  )
})

test('an entry bundle gives back its entries, and a broken one is refused', () => {
  const entries = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 256 })
  fc.assert(
    fc.property(entries, (list) => {
      const bundle = writeEntryBundle(list)
      assert.deepEqual(
        readEntryBundle(bundle, list.length).map((entry) => [...entry]),
        list.map((entry) => [...entry]),
      )
      assert.throws(() => readEntryBundle(bundle, list.length + 1), Fault)
      if (bundle.length > 0) assert.throws(() => readEntryBundle(bundle.subarray(0, -1), list.length), Fault)
    }),
  )
  assert.throws(() => writeEntryBundle([new Uint8Array(65_536)]), Fault)
  assert.throws(() => writeEntryBundle(Array.from({ length: 257 }, () => new Uint8Array(0))), Fault)
  assert.throws(() => readEntryBundle(new Uint8Array(2_000), 256), Fault)
})
