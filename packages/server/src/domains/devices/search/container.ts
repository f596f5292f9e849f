/**
 * A set of 16-bit offsets: a sorted list while it is small, 65,536 bits once that is shorter. Containers are never
 * changed after they are made; every operation returns one in its canonical form.
 */
export type Container =
  | { readonly kind: 'list'; readonly list: Uint16Array; readonly count: number }
  | { readonly kind: 'bits'; readonly bits: Uint32Array; readonly count: number }

export const blockSize = 0x1_0000
const wordCount = blockSize / 32
const longestList = 4096

export const emptyContainer: Container = { kind: 'list', list: new Uint16Array(0), count: 0 }

/** `list` must be ascending without repetition, and is kept, not copied. */
export function containerOfList(list: Uint16Array): Container {
  if (list.length <= longestList) return { kind: 'list', list, count: list.length }
  const bits = new Uint32Array(wordCount)
  for (let index = 0; index < list.length; index += 1) setBit(bits, list[index] as number)
  return { kind: 'bits', bits, count: list.length }
}

/** `bits` holds 65,536 bits in 2,048 words and is kept, not copied. */
export function containerOfBits(bits: Uint32Array): Container {
  let count = 0
  for (let word = 0; word < wordCount; word += 1) count += popCount(bits[word] as number)
  if (count > longestList) return { kind: 'bits', bits, count }
  const list = new Uint16Array(count)
  fillFromBits(bits, 0, list)
  return { kind: 'list', list, count }
}

export function newBits(): Uint32Array {
  return new Uint32Array(wordCount)
}

export function setBit(bits: Uint32Array, offset: number): void {
  const word = offset >>> 5
  bits[word] = ((bits[word] as number) | (1 << (offset & 31))) >>> 0
}

export function clearBit(bits: Uint32Array, offset: number): void {
  const word = offset >>> 5
  bits[word] = ((bits[word] as number) & ~(1 << (offset & 31))) >>> 0
}

/** Sets every offset from `first` to `last`, both included. */
export function setRange(bits: Uint32Array, first: number, last: number): void {
  const firstWord = first >>> 5
  const lastWord = last >>> 5
  const head = (-1 << (first & 31)) >>> 0
  const tail = 0xffff_ffff >>> (31 - (last & 31))
  if (firstWord === lastWord) {
    bits[firstWord] = ((bits[firstWord] as number) | (head & tail)) >>> 0
    return
  }
  bits[firstWord] = ((bits[firstWord] as number) | head) >>> 0
  bits.fill(0xffff_ffff, firstWord + 1, lastWord)
  bits[lastWord] = ((bits[lastWord] as number) | tail) >>> 0
}

/** Adds every member of `container` to `bits`. */
export function addToBits(bits: Uint32Array, container: Container): void {
  if (container.kind === 'bits') {
    for (let word = 0; word < wordCount; word += 1) {
      bits[word] = ((bits[word] as number) | (container.bits[word] as number)) >>> 0
    }
    return
  }
  for (let index = 0; index < container.count; index += 1) setBit(bits, container.list[index] as number)
}

/** The members as 65,536 fresh bits that the caller may change. */
export function copyToBits(container: Container): Uint32Array {
  if (container.kind === 'bits') return container.bits.slice()
  const bits = newBits()
  addToBits(bits, container)
  return bits
}

export function containerHas(container: Container, offset: number): boolean {
  if (container.kind === 'bits') return (((container.bits[offset >>> 5] as number) >>> (offset & 31)) & 1) === 1
  return container.list[lowerBound(container.list, offset)] === offset
}

export function containerAnd(a: Container, b: Container): Container {
  if (a.kind === 'bits' && b.kind === 'bits') {
    const bits = newBits()
    for (let word = 0; word < wordCount; word += 1)
      bits[word] = ((a.bits[word] as number) & (b.bits[word] as number)) >>> 0
    return containerOfBits(bits)
  }
  if (a.kind === 'list' && (b.kind === 'bits' || a.count <= b.count)) return keep(a.list, b, true)
  return b.kind === 'list' ? keep(b.list, a, true) : emptyContainer
}

export function containerAndNot(a: Container, b: Container): Container {
  if (b.count === 0) return a
  if (a.kind === 'list') return keep(a.list, b, false)
  const bits = a.bits.slice()
  if (b.kind === 'bits') {
    for (let word = 0; word < wordCount; word += 1)
      bits[word] = ((bits[word] as number) & ~(b.bits[word] as number)) >>> 0
  } else {
    for (let index = 0; index < b.count; index += 1) clearBit(bits, b.list[index] as number)
  }
  return containerOfBits(bits)
}

export function containerOr(a: Container, b: Container): Container {
  if (a.count === 0) return b
  if (b.count === 0) return a
  if (a.kind === 'list' && b.kind === 'list' && a.count + b.count <= longestList) return mergeLists(a.list, b.list)
  const bits = copyToBits(a)
  addToBits(bits, b)
  return containerOfBits(bits)
}

/** How many members are below `offset`. */
export function containerRank(container: Container, offset: number): number {
  if (container.kind === 'list') return lowerBound(container.list, offset)
  let rank = 0
  const last = offset >>> 5
  for (let word = 0; word < last; word += 1) rank += popCount(container.bits[word] as number)
  const rest = offset & 31
  return rest === 0 ? rank : rank + popCount((container.bits[last] as number) & (0xffff_ffff >>> (32 - rest)))
}

/** The members from the `skip`-th on, ascending, as many as `target` holds; returns how many were written. */
export function containerSlice(container: Container, skip: number, target: Uint16Array): number {
  if (container.kind === 'bits') return fillFromBits(container.bits, skip, target)
  const part = container.list.subarray(skip, skip + target.length)
  target.set(part)
  return part.length
}

export function popCount(word: number): number {
  let rest = word - ((word >>> 1) & 0x5555_5555)
  rest = (rest & 0x3333_3333) + ((rest >>> 2) & 0x3333_3333)
  return Math.imul((rest + (rest >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24
}

function fillFromBits(bits: Uint32Array, skip: number, target: Uint16Array): number {
  let toSkip = skip
  let filled = 0
  for (let index = 0; index < wordCount && filled < target.length; index += 1) {
    let word = bits[index] as number
    if (word === 0) continue
    if (toSkip > 0) {
      const count = popCount(word)
      if (count <= toSkip) {
        toSkip -= count
        continue
      }
      for (; toSkip > 0; toSkip -= 1) word &= word - 1
    }
    for (; word !== 0 && filled < target.length; word &= word - 1) {
      target[filled] = index * 32 + (31 - Math.clz32(word & -word))
      filled += 1
    }
  }
  return filled
}

/** The offsets of `list` that `other` has (`present`) or has not. */
function keep(list: Uint16Array, other: Container, present: boolean): Container {
  const kept = new Uint16Array(list.length)
  let count = 0
  for (let index = 0; index < list.length; index += 1) {
    const offset = list[index] as number
    if (containerHas(other, offset) === present) kept[count++] = offset
  }
  return { kind: 'list', list: kept.slice(0, count), count }
}

function mergeLists(a: Uint16Array, b: Uint16Array): Container {
  const merged = new Uint16Array(a.length + b.length)
  let count = 0
  let left = 0
  let right = 0
  while (left < a.length || right < b.length) {
    const one = left < a.length ? (a[left] as number) : blockSize
    const two = right < b.length ? (b[right] as number) : blockSize
    merged[count++] = Math.min(one, two)
    if (one <= two) left += 1
    if (two <= one) right += 1
  }
  return { kind: 'list', list: merged.slice(0, count), count }
}

/** Index of the first item that is not below `offset`. */
function lowerBound(list: Uint16Array, offset: number): number {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((list[middle] as number) < offset) low = middle + 1
    else high = middle
  }
  return low
}
