import type { Instant } from '@holdfast/kernel'
import { Bitmap } from './bitmap.ts'
import { blockSize, containerOfBits, newBits, setBit } from './container.ts'

const neverSeen = new Float64Array(blockSize)

/**
 * When each device was last seen, in memory: eight bytes per device. It changes with every check-in, so no index of
 * it could be kept, while going through a million of these numbers takes milliseconds.
 */
export class LastSeen {
  readonly #blocks: (Float64Array | undefined)[] = []

  of(number: number): Instant | undefined {
    const seen = this.#blocks[number >>> 16]?.[number & 0xffff]
    return seen === undefined || seen === 0 ? undefined : seen
  }

  /** Keeps the latest; reports may arrive out of order. */
  note(number: number, seen: Instant): void {
    const index = number >>> 16
    const block = this.#blocks[index] ?? new Float64Array(blockSize)
    this.#blocks[index] = block
    const offset = number & 0xffff
    if (seen > (block[offset] as number)) block[offset] = seen
  }

  forget(number: number): void {
    const block = this.#blocks[number >>> 16]
    if (block !== undefined) block[number & 0xffff] = 0
  }

  /** The devices last seen from `earliest` to `latest`, both included; 0 stands for never. */
  between(within: Bitmap, earliest: Instant, latest: Instant): Bitmap {
    return Bitmap.ofBlocks(
      within.blocks().map(([index, offsets]) => {
        const block = this.#blocks[index] ?? neverSeen
        const bits = newBits()
        for (let item = 0; item < offsets.length; item += 1) {
          const offset = offsets[item] as number
          const seen = block[offset] as number
          if (seen >= earliest && seen <= latest) setBit(bits, offset)
        }
        return [index, containerOfBits(bits)] as const
      }),
    )
  }

  /** The first `limit` of `within` by last seen (never seen counts as 0), then by number, that lie behind `after`. */
  firstBySeen(within: Bitmap, limit: number, descending: boolean, after?: SeenPlace): SeenPlace[] {
    const sign = descending ? -1 : 1
    const order = (a: SeenPlace, b: SeenPlace) => sign * (a.seen - b.seen || a.number - b.number)
    const found = new BoundedHeap<SeenPlace>(limit, order)
    for (const [index, offsets] of within.blocks()) {
      const block = this.#blocks[index] ?? neverSeen
      for (let item = 0; item < offsets.length; item += 1) {
        const offset = offsets[item] as number
        const seen = block[offset] as number
        if (found.full && sign * (seen - found.worst.seen) > 0) continue
        const place = { seen, number: index * blockSize + offset }
        if (after === undefined || order(place, after) > 0) found.offer(place)
      }
    }
    return found.sorted()
  }
}

export interface SeenPlace {
  readonly seen: number
  readonly number: number
}

/** Keeps the first `size` of what it is offered, the worst of them on top. */
class BoundedHeap<T> {
  readonly #items: T[] = []
  readonly #size: number
  readonly #order: (a: T, b: T) => number

  constructor(size: number, order: (a: T, b: T) => number) {
    this.#size = size
    this.#order = order
  }

  get full(): boolean {
    return this.#items.length >= this.#size
  }

  get worst(): T {
    return this.#items[0] as T
  }

  offer(item: T): void {
    if (!this.full) {
      this.#items.push(item)
      this.#rise(this.#items.length - 1)
    } else if (this.#size > 0 && this.#order(item, this.worst) < 0) {
      this.#items[0] = item
      this.#sink()
    }
  }

  sorted(): T[] {
    return this.#items.toSorted(this.#order)
  }

  #rise(from: number): void {
    let at = from
    while (at > 0) {
      const parent = (at - 1) >>> 1
      if (!this.#swapIfWorse(at, parent)) return
      at = parent
    }
  }

  #sink(): void {
    let at = 0
    while (true) {
      let worst = at
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < this.#items.length && this.#order(this.#items[child] as T, this.#items[worst] as T) > 0)
          worst = child
      }
      if (worst === at) return
      this.#swapIfWorse(worst, at)
      at = worst
    }
  }

  /** Swaps when the item at `low` is worse than the one at `high`. */
  #swapIfWorse(low: number, high: number): boolean {
    const [a, b] = [this.#items[low] as T, this.#items[high] as T]
    if (this.#order(a, b) <= 0) return false
    this.#items[low] = b
    this.#items[high] = a
    return true
  }
}
