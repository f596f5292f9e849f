import { Fault } from '@holdfast/kernel'

/** SHA-256 over the concatenation of its arguments. Given, so that a browser can bring its own. */
export type HashFunction = (...parts: readonly Uint8Array[]) => Uint8Array

export const hashLength = 32

const leafPrefix = Uint8Array.of(0)
const nodePrefix = Uint8Array.of(1)

/** RFC 6962 2.1: the hash of an entry. */
export function leafHash(entry: Uint8Array, hash: HashFunction): Uint8Array {
  return hash(leafPrefix, entry)
}

export function nodeHash(left: Uint8Array, right: Uint8Array, hash: HashFunction): Uint8Array {
  return hash(nodePrefix, left, right)
}

/** A complete subtree: `level` 0 is a leaf; it covers the leaves from `index × 2^level`. */
export interface Subtree {
  readonly level: number
  readonly index: number
}

/** Leaves `from`..`to` as complete subtrees from left to right; the hash of a range is their fold from the right. */
export type RangePlan = readonly Subtree[]

/** The hash of a complete subtree that the tree has. */
export type SubtreeHash = (subtree: Subtree) => Uint8Array

/** The complete subtrees that make up a range; `from` must be a multiple of the largest power of two that fits. */
export function planRange(from: number, to: number): RangePlan {
  const plan: Subtree[] = []
  for (let start = from; start < to; ) {
    let level = 0
    while (2 ** (level + 1) <= to - start) level += 1
    plan.push({ level, index: start / 2 ** level })
    start += 2 ** level
  }
  return plan
}

/** The inclusion proof of RFC 6962 2.1.1 as ranges whose hashes are its elements, nearest to the leaf first. */
export function planInclusion(index: number, size: number): readonly RangePlan[] {
  requireIndex(index, size)
  const path: RangePlan[] = []
  let from = 0
  let to = size
  while (to - from > 1) {
    const middle = from + splitOf(to - from)
    if (index < middle) {
      path.push(planRange(middle, to))
      to = middle
    } else {
      path.push(planRange(from, middle))
      from = middle
    }
  }
  return path.reverse()
}

/** The consistency proof of RFC 6962 2.1.2; empty when one of the trees is empty or they are the same. */
export function planConsistency(oldSize: number, newSize: number): readonly RangePlan[] {
  requireSizes(oldSize, newSize)
  if (oldSize === 0 || oldSize === newSize) return []
  const path: RangePlan[] = []
  let from = 0
  let to = newSize
  while (to !== oldSize) {
    const middle = from + splitOf(to - from)
    if (oldSize <= middle) {
      path.push(planRange(middle, to))
      to = middle
    } else {
      path.push(planRange(from, middle))
      from = middle
    }
  }
  // The verifier knows the old root, which is this range when it starts at the left edge.
  if (from !== 0) path.push(planRange(from, to))
  return path.reverse()
}

/** The largest power of two below `count`. */
function splitOf(count: number): number {
  let split = 1
  while (split * 2 < count) split *= 2
  return split
}

/** The Merkle tree hash of a planned range; of no leaves it is the hash of nothing. */
export function rangeHash(plan: RangePlan, subtree: SubtreeHash, hash: HashFunction): Uint8Array {
  const hashes = plan.map(subtree)
  let result = hashes.pop()
  if (result === undefined) return hash()
  for (const left of hashes.reverse()) result = nodeHash(left, result, hash)
  return result
}

/** Hash of a complete subtree from the hashes of its leaves, whose count is a power of two. */
export function foldComplete(hashes: readonly Uint8Array[], hash: HashFunction): Uint8Array {
  let row = hashes
  while (row.length > 1) {
    const above: Uint8Array[] = []
    for (let at = 0; at + 1 < row.length; at += 2) {
      const [left, right] = [row[at], row[at + 1]]
      if (left !== undefined && right !== undefined) above.push(nodeHash(left, right, hash))
    }
    row = above
  }
  const [root] = row
  if (root === undefined) throw new Fault('malformed', 'crypto.bad_tile', 'a subtree without leaves')
  return root
}

/** Root of a list of leaf hashes; for small trees and tests, `tiles.ts` does it for large ones. */
export function rootOf(leafHashes: readonly Uint8Array[], hash: HashFunction): Uint8Array {
  return rangeHash(planRange(0, leafHashes.length), subtreesOf(leafHashes, hash), hash)
}

export function makeInclusionProof(index: number, leafHashes: readonly Uint8Array[], hash: HashFunction): Uint8Array[] {
  const subtree = subtreesOf(leafHashes, hash)
  return planInclusion(index, leafHashes.length).map((plan) => rangeHash(plan, subtree, hash))
}

export function makeConsistencyProof(
  oldSize: number,
  leafHashes: readonly Uint8Array[],
  hash: HashFunction,
): Uint8Array[] {
  const subtree = subtreesOf(leafHashes, hash)
  return planConsistency(oldSize, leafHashes.length).map((plan) => rangeHash(plan, subtree, hash))
}

function subtreesOf(leafHashes: readonly Uint8Array[], hash: HashFunction): SubtreeHash {
  return ({ level, index }) => foldComplete(leafHashes.slice(index * 2 ** level, (index + 1) * 2 ** level), hash)
}

export interface InclusionClaim {
  readonly index: number
  readonly size: number
  readonly leafHash: Uint8Array
  readonly root: Uint8Array
  readonly proof: readonly Uint8Array[]
}

/** RFC 9162 2.1.3.2. Throws `crypto.bad_inclusion_proof` unless the leaf stands at its index in the tree. */
export function verifyInclusion(claim: InclusionClaim, hash: HashFunction): void {
  const { index, size, root, proof } = claim
  requireIndex(index, size)
  requireHashes([claim.leafHash, root, ...proof], size)
  let node = index
  let last = size - 1
  let result = claim.leafHash
  for (const sibling of proof) {
    if (last === 0) throw badInclusion('the proof is too long')
    if (node % 2 === 1 || node === last) {
      result = nodeHash(sibling, result, hash)
      while (node % 2 === 0 && node !== 0) [node, last] = [node / 2, half(last)]
    } else {
      result = nodeHash(result, sibling, hash)
    }
    ;[node, last] = [half(node), half(last)]
  }
  if (last !== 0) throw badInclusion('the proof is too short')
  if (!sameHash(result, root)) throw badInclusion('the entry is not in the tree with this root')
}

export interface ConsistencyClaim {
  readonly oldSize: number
  readonly newSize: number
  readonly oldRoot: Uint8Array
  readonly newRoot: Uint8Array
  readonly proof: readonly Uint8Array[]
}

/**
 * RFC 9162 2.1.4.2. Throws `crypto.bad_consistency_proof` unless the old tree is a prefix of the new one. From the
 * empty tree only the empty root with an empty proof is accepted.
 */
export function verifyConsistency(claim: ConsistencyClaim, hash: HashFunction): void {
  const { oldSize, newSize, oldRoot, newRoot, proof } = claim
  requireSizes(oldSize, newSize)
  requireHashes([oldRoot, newRoot, ...proof], newSize)
  if (oldSize === 0 || oldSize === newSize) {
    if (proof.length > 0) throw badConsistency('the proof must be empty')
    if (!sameHash(oldRoot, oldSize === 0 ? hash() : newRoot))
      throw badConsistency('the roots do not belong to the sizes')
    if (newSize === 0 && !sameHash(newRoot, oldRoot)) throw badConsistency('the roots do not belong to the sizes')
    return
  }
  // A complete old tree is its own first element, which the proof leaves out.
  const path = isPowerOfTwo(oldSize) ? [oldRoot, ...proof] : proof
  let node = oldSize - 1
  let last = newSize - 1
  while (node % 2 === 1) [node, last] = [half(node), half(last)]
  const [first, ...rest] = path
  if (first === undefined) throw badConsistency('the proof is too short')
  let oldResult = first
  let newResult = first
  for (const sibling of rest) {
    if (last === 0) throw badConsistency('the proof is too long')
    if (node % 2 === 1 || node === last) {
      oldResult = nodeHash(sibling, oldResult, hash)
      newResult = nodeHash(sibling, newResult, hash)
      while (node % 2 === 0 && node !== 0) [node, last] = [node / 2, half(last)]
    } else {
      newResult = nodeHash(newResult, sibling, hash)
    }
    ;[node, last] = [half(node), half(last)]
  }
  if (last !== 0) throw badConsistency('the proof is too short')
  if (!sameHash(oldResult, oldRoot)) throw badConsistency('the old root does not follow from the proof')
  if (!sameHash(newResult, newRoot)) throw badConsistency('the new root does not follow from the proof')
}

function half(value: number): number {
  return Math.floor(value / 2)
}

function isPowerOfTwo(value: number): boolean {
  return 2 ** Math.floor(Math.log2(value)) === value
}

function sameHash(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, at) => byte === right[at])
}

/** A proof of a tree of at most 2⁵³ leaves has at most 54 elements. */
function requireHashes(hashes: readonly Uint8Array[], size: number): void {
  if (hashes.length > 64 || hashes.some((each) => each.length !== hashLength)) {
    throw new Fault('malformed', 'crypto.bad_proof', `not a proof for a tree of ${size} leaves`)
  }
}

function requireIndex(index: number, size: number): void {
  if (!Number.isSafeInteger(size) || !Number.isSafeInteger(index) || index < 0 || index >= size) {
    throw new Fault('malformed', 'crypto.bad_proof', `there is no leaf ${index} in a tree of ${size} leaves`)
  }
}

function requireSizes(oldSize: number, newSize: number): void {
  if (!Number.isSafeInteger(oldSize) || !Number.isSafeInteger(newSize) || oldSize < 0 || oldSize > newSize) {
    throw new Fault('malformed', 'crypto.bad_proof', `a tree of ${oldSize} leaves does not precede one of ${newSize}`)
  }
}

function badInclusion(message: string): Fault {
  return new Fault('refused', 'crypto.bad_inclusion_proof', message)
}

function badConsistency(message: string): Fault {
  return new Fault('refused', 'crypto.bad_consistency_proof', message)
}
