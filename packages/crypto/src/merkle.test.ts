import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault, toHex } from '@holdfast/kernel'
import fc from 'fast-check'
import {
  leafHash,
  makeConsistencyProof,
  makeInclusionProof,
  nodeHash,
  rootOf,
  verifyConsistency,
  verifyInclusion,
} from './merkle.ts'
import { sha256 } from './sha256.ts'

const maxSize = 300
const leaves = Array.from({ length: maxSize }, (_, index) =>
  leafHash(new TextEncoder().encode(`entry ${index}`), sha256),
)

/** RFC 6962 2.1 word for word, to compare with. */
function naiveRoot(hashes: readonly Uint8Array[]): Uint8Array {
  const [first] = hashes
  if (first === undefined) return sha256()
  if (hashes.length === 1) return first
  let split = 1
  while (split * 2 < hashes.length) split *= 2
  return nodeHash(naiveRoot(hashes.slice(0, split)), naiveRoot(hashes.slice(split)), sha256)
}

const roots = Array.from({ length: maxSize + 1 }, (_, size) => rootOf(leaves.slice(0, size), sha256))
const rootAt = (size: number) => roots[size] ?? new Uint8Array(0)
const leafAt = (index: number) => leaves[index] ?? new Uint8Array(0)

test('roots equal the ones of the certificate-transparency test data', () => {
  const entries = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f']
  const expected = [
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
    'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
    '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
    'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
    '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
  ]
  const hashes = entries.map((entry) => leafHash(Uint8Array.from(Buffer.from(entry, 'hex')), sha256))
  for (const [size, root] of expected.entries()) assert.equal(toHex(rootOf(hashes.slice(0, size), sha256)), root)
  assert.deepEqual(makeConsistencyProof(6, hashes, sha256).map(toHex), [
    '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
    'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  ])
  assert.deepEqual(makeInclusionProof(0, hashes, sha256).map(toHex), [
    '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
    '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
    '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
  ])
})

test('every root up to 300 leaves equals the recursive definition', () => {
  for (let size = 0; size <= maxSize; size += 1) {
    assert.deepEqual(rootAt(size), naiveRoot(leaves.slice(0, size)), `size ${size}`)
  }
})

test('every leaf of every tree up to 80 leaves, and some of all up to 300, proves its place and no other', () => {
  for (let size = 1; size <= maxSize; size += 1) {
    const step = size <= 80 ? 1 : 37
    for (let index = 0; index < size; index += step) {
      const proof = makeInclusionProof(index, leaves.slice(0, size), sha256)
      const claim = { index, size, leafHash: leafAt(index), root: rootAt(size), proof }
      verifyInclusion(claim, sha256)
      if (size > 1) {
        assert.throws(() => verifyInclusion({ ...claim, leafHash: leafAt((index + 1) % size) }, sha256), Fault)
        assert.throws(() => verifyInclusion({ ...claim, index: (index + 1) % size }, sha256), Fault)
      }
    }
  }
})

test('every pair of trees up to 80 leaves, and some of all up to 300, is consistent', () => {
  for (let newSize = 0; newSize <= maxSize; newSize += 1) {
    for (let oldSize = 0; oldSize <= newSize; oldSize += newSize < 80 ? 1 : 41) {
      const proof = makeConsistencyProof(oldSize, leaves.slice(0, newSize), sha256)
      verifyConsistency({ oldSize, newSize, oldRoot: rootAt(oldSize), newRoot: rootAt(newSize), proof }, sha256)
    }
  }
})

test('a mutated inclusion proof is always refused', () => {
  const property = fc.property(
    fc.integer({ min: 2, max: maxSize }),
    fc.nat(),
    fc.constantFrom('flip', 'drop', 'repeat', 'append', 'swap', 'root', 'size', 'prefix'),
    fc.nat(),
    (size, pick, mutation, where) => {
      const index = pick % size
      const proof = makeInclusionProof(index, leaves.slice(0, size), sha256)
      const claim = { index, size, leafHash: leafAt(index), root: rootAt(size), proof }
      const mutated = { ...claim, ...mutateProof(claim.proof, mutation, where) }
      if (mutation === 'root') mutated.root = rootAt(size - 1)
      if (mutation === 'size') mutated.size = proof.length > 0 ? size * 4 : size
      if (JSON.stringify(mutated) === JSON.stringify(claim)) return
      assert.throws(() => verifyInclusion(mutated, sha256), Fault)
    },
  )
  fc.assert(property, { numRuns: 1_000 })
})

test('a mutated consistency proof is always refused', () => {
  const property = fc.property(
    fc.integer({ min: 2, max: maxSize }),
    fc.nat(),
    fc.constantFrom('flip', 'drop', 'repeat', 'append', 'swap', 'prefix', 'old root', 'new root', 'old size'),
    fc.nat(),
    (newSize, pick, mutation, where) => {
      const oldSize = 1 + (pick % (newSize - 1))
      const proof = makeConsistencyProof(oldSize, leaves.slice(0, newSize), sha256)
      const claim = { oldSize, newSize, oldRoot: rootAt(oldSize), newRoot: rootAt(newSize), proof }
      const mutated = { ...claim, ...mutateProof(proof, mutation, where) }
      if (mutation === 'old root') mutated.oldRoot = rootAt(oldSize - 1)
      if (mutation === 'new root') mutated.newRoot = rootAt(newSize - 1)
      if (mutation === 'old size') mutated.oldSize = oldSize - 1
      if (JSON.stringify(mutated) === JSON.stringify(claim)) return
      assert.throws(() => verifyConsistency(mutated, sha256), Fault)
    },
  )
  fc.assert(property, { numRuns: 1_000 })
})

test('claims about trees that cannot be are refused before any hashing', () => {
  const root = rootAt(5)
  for (const [index, size] of [
    [-1, 5],
    [5, 5],
    [0, 0],
    [0.5, 5],
    [0, Number.NaN],
    [0, 2 ** 60],
  ] as const) {
    assert.throws(() => verifyInclusion({ index, size, leafHash: leafAt(0), root, proof: [] }, sha256), Fault)
  }
  const claim = { oldSize: 5, newSize: 4, oldRoot: root, newRoot: root, proof: [] }
  assert.throws(() => verifyConsistency(claim, sha256), Fault)
  const empty = { oldSize: 0, newSize: 5, oldRoot: rootAt(0), newRoot: root, proof: [] }
  verifyConsistency(empty, sha256)
  assert.throws(() => verifyConsistency({ ...empty, oldRoot: root }, sha256), Fault)
  assert.throws(() => verifyConsistency({ ...empty, proof: [root] }, sha256), Fault)
  const long = Array.from({ length: 100 }, () => root)
  assert.throws(() => verifyInclusion({ index: 0, size: 5, leafHash: leafAt(0), root, proof: long }, sha256), Fault)
})

function mutateProof(proof: readonly Uint8Array[], mutation: string, where: number): { proof: readonly Uint8Array[] } {
  const at = proof.length === 0 ? 0 : where % proof.length
  const chosen = proof[at]
  if (mutation === 'append') return { proof: [...proof, leafAt(0)] }
  if (mutation === 'prefix') return { proof: [leafAt(1), ...proof] }
  if (chosen === undefined) return { proof }
  if (mutation === 'drop') return { proof: proof.toSpliced(at, 1) }
  if (mutation === 'repeat') return { proof: proof.toSpliced(at, 0, chosen) }
  if (mutation === 'swap') return { proof: proof.toReversed() }
  if (mutation === 'flip')
    return {
      proof: proof.with(
        at,
        chosen.map((byte, place) => (place === where % 32 ? byte ^ 4 : byte)),
      ),
    }
  return { proof }
}
