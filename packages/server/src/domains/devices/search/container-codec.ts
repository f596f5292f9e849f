import { Fault } from '@holdfast/kernel'
import {
  blockSize,
  type Container,
  containerOfBits,
  containerOfList,
  containerSlice,
  copyToBits,
  emptyContainer,
  newBits,
  setRange,
} from './container.ts'
import { VarintReader, varintSize, writeVarint } from './varint.ts'

// The first byte names the form; the rest of the blob is the form's, without a length of its own.
const gapsForm = 0
const runsForm = 1
const bitsForm = 2
const bitsLength = blockSize / 8

/** The shortest of three forms: gaps between members, runs of members, or plain bits. */
export function encodeContainer(container: Container): Uint8Array {
  const offsets = new Uint16Array(container.count)
  containerSlice(container, 0, offsets)
  const { gaps, runs } = measure(offsets)
  if (runs <= gaps && runs < bitsLength) return writeRuns(offsets, runs)
  if (gaps < bitsLength) return writeGaps(offsets, gaps)
  return writeBits(copyToBits(container))
}

/** Throws `devices.index_damaged` for anything that `encodeContainer` does not write. */
export function decodeContainer(bytes: Uint8Array): Container {
  if (bytes.length === 0) throw damaged()
  if (bytes[0] === gapsForm) return readGaps(bytes)
  if (bytes[0] === runsForm) return readRuns(bytes)
  if (bytes[0] === bitsForm && bytes.length === 1 + bitsLength) return containerOfBits(readBits(bytes))
  throw damaged()
}

export function damaged(): Fault {
  return new Fault('unavailable', 'devices.index_damaged', 'The device index holds bytes it did not write; rebuild it')
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

function readGaps(bytes: Uint8Array): Container {
  if (bytes.length === 1) return emptyContainer
  const offsets = new Uint16Array(bytes.length - 1)
  let count = 0
  let next = 0
  const reader = new VarintReader(bytes, 1, damaged)
  while (!reader.atEnd) {
    const offset = next + reader.number()
    if (offset >= blockSize) throw damaged()
    offsets[count++] = offset
    next = offset + 1
  }
  return containerOfList(count === offsets.length ? offsets : offsets.slice(0, count))
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

function readRuns(bytes: Uint8Array): Container {
  const bits = newBits()
  const reader = new VarintReader(bytes, 1, damaged)
  let next = 0
  while (!reader.atEnd) {
    const first = next + reader.number()
    const last = first + reader.number()
    if (last >= blockSize) throw damaged()
    setRange(bits, first, last)
    next = last + 1
  }
  return containerOfBits(bits)
}

function writeBits(bits: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(1 + bitsLength)
  bytes[0] = bitsForm
  const view = new DataView(bytes.buffer)
  for (let word = 0; word < bits.length; word += 1) view.setUint32(1 + word * 4, bits[word] as number, true)
  return bytes
}

function readBits(bytes: Uint8Array): Uint32Array {
  const bits = newBits()
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let word = 0; word < bits.length; word += 1) bits[word] = view.getUint32(1 + word * 4, true)
  return bits
}
