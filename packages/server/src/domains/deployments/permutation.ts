import { createHash } from 'node:crypto'

export interface Permutation {
  readonly size: number
  /** The position of `index`; both lie in [0, size), and no two indexes share a position. */
  at(index: number): number
}

const rounds = 8
const largest = 2 ** 31

/**
 * A keyed pseudo-random permutation of [0, size): a balanced Feistel network over the next power of four, and
 * cycle walking for the positions beyond `size` (Black and Rogaway, "Ciphers with Arbitrary Finite Domains").
 * It needs no table, so a million positions cost the same to prepare as ten. Not a secret: it only has to be fair.
 */
export function permutationOf(key: string, size: number): Permutation {
  if (!Number.isSafeInteger(size) || size < 0 || size > largest) throw new RangeError(`no permutation of ${size}`)
  const digest = createHash('sha256').update(key).digest()
  const keys = Array.from({ length: rounds }, (_, round) => digest.readUInt32LE(round * 4))
  let bits = 1
  while (4 ** bits < size) bits += 1
  const mask = 2 ** bits - 1
  const once = (value: number): number => {
    let left = (value >>> bits) & mask
    let right = value & mask
    for (const roundKey of keys) {
      const next = (left ^ mix(right, roundKey)) & mask
      left = right
      right = next
    }
    return left * 2 ** bits + right
  }
  return {
    size,
    at(index) {
      if (!Number.isSafeInteger(index) || index < 0 || index >= size) throw new RangeError(`no index ${index}`)
      let position = once(index)
      while (position >= size) position = once(position)
      return position
    },
  }
}

function mix(value: number, key: number): number {
  let state = Math.imul(value ^ key, 0x85ebca6b)
  state = Math.imul(state ^ (state >>> 13) ^ key, 0xc2b2ae35)
  return (state ^ (state >>> 16)) >>> 0
}
