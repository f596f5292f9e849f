import { Fault } from '@holdfast/kernel'
import {
  blockSize,
  type Container,
  containerOfBits,
  containerOfList,
  containerSlice,
  copyToBits,
  newBits,
  popCount,
  setBit,
  setRange,
} from './container.ts'
import { VarintReader, varintSize, writeVarint } from './varint.ts'

// The first byte names the form; the rest of the blob is the form's, without a length of its own.
const gapsForm = 0
const runsForm = 1
const bitsForm = 2
const bitsLength = blockSize / 8
/** Bytes that one run takes at most. */
const longestRun = 6

/** The shortest of three forms: gaps between members, runs of members, or plain bits. */
export function encodeContainer(container: Container): Uint8Array {
  if (container.kind === 'bits') {
    const ends = runEndsOf(container.bits, Math.min(container.count, bitsLength) / longestRun)
    if (ends !== undefined) return writeEnds(ends)
  }
  const offsets = new Uint16Array(container.count)
  containerSlice(container, 0, offsets)
  const { gaps, runs } = measure(offsets)
  if (runs <= gaps && runs < bitsLength) return writeRuns(offsets, runs)
  if (gaps < bitsLength) return writeGaps(offsets, gaps)
  return writeBits(copyToBits(container))
}

// Where gaps are unpacked: it is filled and emptied without awaiting in between.
const unpacked = new Uint16Array(blockSize)

/** Throws `devices.index_damaged` for anything that `encodeContainer` does not write. */
export function decodeContainer(bytes: Uint8Array): Container {
  if (bytes[0] === gapsForm) return containerOfList(unpacked.slice(0, readGaps(bytes, unpacked)))
  const bits = newBits()
  addEncoded(bits, bytes)
  return containerOfBits(bits)
}

/** The members of an encoded container, ascending; valid until the next container is decoded. */
export function decodeOffsets(bytes: Uint8Array): Uint16Array {
  if (bytes[0] === gapsForm) return unpacked.subarray(0, readGaps(bytes, unpacked))
  const container = decodeContainer(bytes)
  const offsets = new Uint16Array(container.count)
  containerSlice(container, 0, offsets)
  return offsets
}

/** Adds the members of an encoded container to 65,536 bits, without making a container of it. */
export function addEncoded(bits: Uint32Array, bytes: Uint8Array): void {
  if (bytes[0] === gapsForm) {
    const count = readGaps(bytes, unpacked)
    for (let index = 0; index < count; index += 1) setBit(bits, unpacked[index] as number)
  } else if (bytes[0] === runsForm) addRuns(bits, bytes)
  else if (bytes[0] === bitsForm && bytes.length === 1 + bitsLength) addBits(bits, bytes)
  else throw damaged()
}

/** How many members of an encoded container are set in `bits`. */
export function countEncoded(bits: Uint32Array, bytes: Uint8Array): number {
  let common = 0
  if (bytes[0] === gapsForm) {
    const count = readGaps(bytes, unpacked)
    for (let index = 0; index < count; index += 1) {
      const offset = unpacked[index] as number
      common += ((bits[offset >>> 5] as number) >>> (offset & 31)) & 1
    }
    return common
  }
  const own = newBits()
  addEncoded(own, bytes)
  for (let word = 0; word < own.length; word += 1) common += popCount((bits[word] as number) & (own[word] as number))
  return common
}

export function damaged(): Fault {
  return new Fault(
    'unavailable',
    'devices.index_damaged',
    'The device index holds bytes it did not write: run holdfast doctor --rebuild-index',
  )
}

function measure(offsets: Uint16Array): { gaps: number; runs: number } {
  let gaps = 0
  let runs = 0
  let next = 0
  let index = 0
  while (index < offsets.length) {
    const first = offsets[index] as number
    let end = index + 1
    while (end < offsets.length && offsets[end] === first + (end - index)) end += 1
    gaps += varintSize(first - next) + (end - index - 1)
    runs += varintSize(first - next) + varintSize(end - index - 1)
    next = first + (end - index)
    index = end
  }
  return { gaps, runs }
}

/**
 * The first and the last offset of every run, or undefined when there are more than `most` runs: up to there runs are
 * the shortest form for certain, and found without unpacking every member of a dense container.
 */
function runEndsOf(bits: Uint32Array, most: number): number[] | undefined {
  const ends: number[] = []
  let inside = false
  for (let word = 0; word < bits.length; word += 1) {
    const value = bits[word] as number
    if (value === (inside ? 0xffff_ffff : 0)) continue
    for (let bit = 0; bit < 32; bit += 1) {
      if (((value >>> bit) & 1) === (inside ? 1 : 0)) continue
      ends.push(word * 32 + bit - (inside ? 1 : 0))
      inside = !inside
    }
    if (ends.length > most * 2) return undefined
  }
  if (inside) ends.push(blockSize - 1)
  return ends
}

function writeEnds(ends: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(1 + (ends.length / 2) * longestRun)
  bytes[0] = runsForm
  let at = 1
  let next = 0
  for (let index = 0; index < ends.length; index += 2) {
    const [first, last] = [ends[index] as number, ends[index + 1] as number]
    at = writeVarint(bytes, at, first - next)
    at = writeVarint(bytes, at, last - first)
    next = last + 1
  }
  return bytes.slice(0, at)
}

function writeGaps(offsets: Uint16Array, size: number): Uint8Array {
  const bytes = new Uint8Array(1 + size)
  bytes[0] = gapsForm
  let at = 1
  let next = 0
  for (let index = 0; index < offsets.length; index += 1) {
    const offset = offsets[index] as number
    at = writeVarint(bytes, at, offset - next)
    next = offset + 1
  }
  return bytes
}

/** Unpacks the gaps form into `target`, which holds 65,536 offsets; returns how many there are. Written for speed. */
function readGaps(bytes: Uint8Array, target: Uint16Array): number {
  let count = 0
  let next = 0
  for (let at = 1; at < bytes.length; ) {
    let byte = bytes[at++] as number
    let gap = byte & 0x7f
    for (let shift = 7; byte >= 0x80; shift += 7) {
      if (shift > 14 || at >= bytes.length) throw damaged()
      byte = bytes[at++] as number
      gap |= (byte & 0x7f) << shift
    }
    const offset = next + gap
    if (offset >= blockSize) throw damaged()
    target[count++] = offset
    next = offset + 1
  }
  return count
}

function writeRuns(offsets: Uint16Array, size: number): Uint8Array {
  const bytes = new Uint8Array(1 + size)
  bytes[0] = runsForm
  let at = 1
  let next = 0
  let index = 0
  while (index < offsets.length) {
    const first = offsets[index] as number
    let end = index + 1
    while (end < offsets.length && offsets[end] === first + (end - index)) end += 1
    at = writeVarint(bytes, at, first - next)
    at = writeVarint(bytes, at, end - index - 1)
    next = first + (end - index)
    index = end
  }
  return bytes
}

function addRuns(bits: Uint32Array, bytes: Uint8Array): void {
  const reader = new VarintReader(bytes, 1, damaged)
  let next = 0
  while (!reader.atEnd) {
    const first = next + reader.number()
    const last = first + reader.number()
    if (last >= blockSize) throw damaged()
    setRange(bits, first, last)
    next = last + 1
  }
}

function writeBits(bits: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(1 + bitsLength)
  bytes[0] = bitsForm
  const view = new DataView(bytes.buffer)
  for (let word = 0; word < bits.length; word += 1) view.setUint32(1 + word * 4, bits[word] as number, true)
  return bytes
}

function addBits(bits: Uint32Array, bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let word = 0; word < bits.length; word += 1) {
    bits[word] = ((bits[word] as number) | view.getUint32(1 + word * 4, true)) >>> 0
  }
}
