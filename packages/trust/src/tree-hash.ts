import { type HashFunction, nodeHash } from '@holdfast/crypto/merkle'

/** The Merkle tree hash (RFC 6962 2.1) of a growing list of leaves, in memory for the logarithm of their number. */
export class TreeHash {
  readonly #hash: HashFunction
  /** Roots of complete subtrees, largest first; their sizes are the binary digits of the number of leaves. */
  readonly #peaks: Uint8Array[] = []
  #size = 0

  constructor(hash: HashFunction) {
    this.#hash = hash
  }

  get size(): number {
    return this.#size
  }

  append(leaf: Uint8Array): void {
    let node = leaf
    for (let rest = this.#size; rest % 2 === 1; rest = (rest - 1) / 2) {
      const left = this.#peaks.pop()
      if (left !== undefined) node = nodeHash(left, node, this.#hash)
    }
    this.#peaks.push(node)
    this.#size += 1
  }

  root(): Uint8Array {
    const peaks = [...this.#peaks]
    let root = peaks.pop()
    if (root === undefined) return this.#hash()
    for (const left of peaks.reverse()) root = nodeHash(left, root, this.#hash)
    return root
  }
}

export function sameHash(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index])
}
