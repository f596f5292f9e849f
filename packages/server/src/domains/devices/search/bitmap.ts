import {
  addToBits,
  blockSize,
  type Container,
  containerAnd,
  containerAndNot,
  containerHas,
  containerOfBits,
  containerOr,
  containerRank,
  containerSlice,
  copyToBits,
  newBits,
  setBit,
} from './container.ts'
import { addEncoded, damaged, decodeContainer, encodeContainer } from './container-codec.ts'
import { VarintReader, varintSize, writeVarint } from './varint.ts'

const formatVersion = 1

/** An immutable set of device numbers (0 … 2^32-1), ordered; counting and finding the k-th member are cheap. */
export class Bitmap {
  /** Ascending; no container in `#containers` is empty. */
  readonly #blocks: readonly number[]
  readonly #containers: readonly Container[]
  /** Members in all blocks before the one at the same index. */
  readonly #before: readonly number[]
  readonly count: number

  private constructor(blocks: readonly number[], containers: readonly Container[]) {
    const before: number[] = []
    let count = 0
    for (const container of containers) {
      before.push(count)
      count += container.count
    }
    this.#blocks = blocks
    this.#containers = containers
    this.#before = before
    this.count = count
  }

  static readonly empty = new Bitmap([], [])

  /** Takes (block, container) pairs in ascending order of block; empty containers are dropped. */
  static ofBlocks(pairs: Iterable<readonly [number, Container]>): Bitmap {
    const blocks: number[] = []
    const containers: Container[] = []
    for (const [block, container] of pairs) {
      if (container.count === 0) continue
      blocks.push(block)
      containers.push(container)
    }
    return blocks.length === 0 ? Bitmap.empty : new Bitmap(blocks, containers)
  }

  static of(numbers: Iterable<number>): Bitmap {
    const builder = new BitmapBuilder()
    for (const number of numbers) builder.add(number)
    return builder.build()
  }

  has(number: number): boolean {
    const container = this.#containers[this.#find(number >>> 16)]
    return container !== undefined && containerHas(container, number & 0xffff)
  }

  and(other: Bitmap): Bitmap {
    return Bitmap.ofBlocks(
      this.containers().flatMap(([block, container]) => {
        const match = other.#containers[other.#find(block)]
        return match === undefined ? [] : [[block, containerAnd(container, match)] as const]
      }),
    )
  }

  andNot(other: Bitmap): Bitmap {
    return Bitmap.ofBlocks(
      this.containers().map(([block, container]) => {
        const match = other.#containers[other.#find(block)]
        return [block, match === undefined ? container : containerAndNot(container, match)] as const
      }),
    )
  }

  or(other: Bitmap): Bitmap {
    if (other.count === 0) return this
    const merged = new Map(this.containers())
    for (const [block, container] of other.containers()) {
      const match = merged.get(block)
      merged.set(block, match === undefined ? container : containerOr(match, container))
    }
    return Bitmap.ofBlocks([...merged].sort(([a], [b]) => a - b))
  }

  /** How many members are below `number`: the place that `number` has, or would have, in the order. */
  rank(number: number): number {
    const block = number >>> 16
    const index = this.#lowerBound(block)
    const container = this.#containers[index]
    if (container === undefined) return this.count
    const before = this.#before[index] as number
    return this.#blocks[index] === block ? before + containerRank(container, number & 0xffff) : before
  }

  /** The member at place `rank`, counted from 0. */
  select(rank: number): number | undefined {
    return this.slice(rank, 1)[0]
  }

  /** At most `limit` members, ascending, from place `rank` on. */
  slice(rank: number, limit: number): number[] {
    const found: number[] = []
    if (rank >= this.count) return found
    for (let index = this.#blockOfRank(rank); index < this.#blocks.length && found.length < limit; index += 1) {
      const skip = Math.max(0, rank - (this.#before[index] as number))
      const container = this.#containers[index] as Container
      const part = new Uint16Array(Math.min(limit - found.length, container.count - skip))
      const base = (this.#blocks[index] as number) * blockSize
      containerSlice(container, skip, part)
      for (let item = 0; item < part.length; item += 1) found.push(base + (part[item] as number))
    }
    return found
  }

  /** Every member, ascending. */
  *[Symbol.iterator](): Generator<number, void, undefined> {
    for (const [block, offsets] of this.blocks()) for (const offset of offsets) yield block * blockSize + offset
  }

  /** The containers by block; for joining many sets. */
  containers(): readonly (readonly [number, Container])[] {
    return this.#blocks.map((block, index) => [block, this.#containers[index] as Container] as const)
  }

  /** The members block by block (`number >> 16`), each with its offsets unpacked when it is reached. */
  blocks(): IteratorObject<readonly [number, Uint16Array]> {
    return this.containers()
      .values()
      .map(([block, container]) => {
        const offsets = new Uint16Array(container.count)
        containerSlice(container, 0, offsets)
        return [block, offsets] as const
      })
  }

  /** The members of one block as 65,536 fresh bits. */
  bitsOf(block: number): Uint32Array {
    const container = this.#containers[this.#find(block)]
    return container === undefined ? newBits() : copyToBits(container)
  }

  /** One blob: version, then (gap to the block, length, container) for every block. A run of a million takes about 110 bytes. */
  encode(): Uint8Array {
    const parts = this.#containers.map(encodeContainer)
    const gaps = this.#blocks.map((block, index) => (index === 0 ? block : block - (this.#blocks[index - 1] as number)))
    const size = parts.reduce(
      (sum, part, index) => sum + varintSize(gaps[index] as number) + varintSize(part.length) + part.length,
      1,
    )
    const bytes = new Uint8Array(size)
    bytes[0] = formatVersion
    let at = 1
    for (const [index, part] of parts.entries()) {
      at = writeVarint(bytes, at, gaps[index] as number)
      at = writeVarint(bytes, at, part.length)
      bytes.set(part, at)
      at += part.length
    }
    return bytes
  }

  /** Throws `devices.index_damaged` for anything that `encode` does not write. */
  static decode(bytes: Uint8Array): Bitmap {
    if (bytes[0] !== formatVersion) throw damaged()
    const reader = new VarintReader(bytes, 1, damaged)
    const pairs: [number, Container][] = []
    let block = 0
    while (!reader.atEnd) {
      const gap = reader.number()
      if (gap === 0 && pairs.length > 0) throw damaged()
      block += gap
      if (block >= blockSize) throw damaged()
      pairs.push([block, decodeContainer(reader.bytes(reader.number()))])
    }
    return Bitmap.ofBlocks(pairs)
  }

  #find(block: number): number {
    const index = this.#lowerBound(block)
    return this.#blocks[index] === block ? index : -1
  }

  #lowerBound(block: number): number {
    return firstIndex(this.#blocks.length, (index) => (this.#blocks[index] as number) >= block)
  }

  #blockOfRank(rank: number): number {
    return Math.max(0, firstIndex(this.#before.length, (index) => (this.#before[index] as number) > rank) - 1)
  }
}

/** The first index for which `reached` holds; it must hold for all that follow. */
function firstIndex(length: number, reached: (index: number) => boolean): number {
  let low = 0
  let high = length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (reached(middle)) high = middle
    else low = middle + 1
  }
  return low
}

/** Collects members in any order; the way to unite many small sets. */
export class BitmapBuilder {
  readonly #blocks = new Map<number, Container | Uint32Array>()

  add(number: number): void {
    setBit(this.#open(number >>> 16), number & 0xffff)
  }

  /** `bytes` as `encodeContainer` made them. */
  addEncoded(block: number, bytes: Uint8Array): void {
    if (this.#blocks.has(block)) addEncoded(this.#open(block), bytes)
    else this.#blocks.set(block, decodeContainer(bytes))
  }

  addAll(members: Bitmap): void {
    for (const [block, container] of members.containers()) {
      if (this.#blocks.has(block)) addToBits(this.#open(block), container)
      else this.#blocks.set(block, container)
    }
  }

  build(): Bitmap {
    const sorted = [...this.#blocks].sort(([a], [b]) => a - b)
    // The bits are copied: a builder may go on collecting after it has built.
    return Bitmap.ofBlocks(
      sorted.map(
        ([block, held]) => [block, held instanceof Uint32Array ? containerOfBits(held.slice()) : held] as const,
      ),
    )
  }

  #open(block: number): Uint32Array {
    const held = this.#blocks.get(block)
    if (held instanceof Uint32Array) return held
    const bits = newBits()
    if (held !== undefined) addToBits(bits, held)
    this.#blocks.set(block, bits)
    return bits
  }
}
