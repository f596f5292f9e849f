import { Fault } from '@holdfast/kernel'
import type { ByteRange } from '../platform/blobs/index.ts'

const maxRanges = 64
const maxHeader = 4_096

/**
 * The parts of a representation that a `Range` header asks for (RFC 9110 section 14), in its order. Undefined: the whole,
 * because there is no header or one that may be ignored. An empty list: none can be served. Too many or overlapping
 * ranges are an attack (section 17.15) and refused.
 */
export function decideRanges(header: string | undefined, size: number): readonly ByteRange[] | undefined {
  if (header === undefined) return undefined
  const list = /^bytes=(.*)$/i.exec(header.trim())?.[1]
  if (list === undefined) return undefined
  if (header.length > maxHeader) throw tooMany()
  const specs = list
    .split(',')
    .map((spec) => spec.trim())
    .filter((spec) => spec !== '')
  if (specs.length > maxRanges) throw tooMany()
  const ranges: ByteRange[] = []
  for (const spec of specs) {
    const parts = /^(\d{0,16})-(\d{0,16})$/.exec(spec)
    if (parts === null || spec === '-') return undefined
    const range = resolve(parts[1] ?? '', parts[2] ?? '', size)
    if (range === 'malformed') return undefined
    if (range !== 'beyond') ranges.push(range)
  }
  if (specs.length === 0) return undefined
  requireSparse(ranges)
  return ranges
}

function resolve(first: string, last: string, size: number): ByteRange | 'malformed' | 'beyond' {
  if (first === '') {
    const suffix = Number(last)
    return suffix === 0 || size === 0 ? 'beyond' : { start: Math.max(0, size - suffix), end: size - 1 }
  }
  const start = Number(first)
  const end = last === '' ? size - 1 : Number(last)
  if (last !== '' && end < start) return 'malformed'
  return start >= size ? 'beyond' : { start, end: Math.min(end, size - 1) }
}

function requireSparse(ranges: readonly ByteRange[]): void {
  const sorted = [...ranges].sort((one, other) => one.start - other.start)
  for (const [index, range] of sorted.entries()) {
    const before = sorted[index - 1]
    if (before !== undefined && range.start <= before.end) throw tooMany()
  }
}

function tooMany(): Fault {
  return new Fault('malformed', 'gateway.ranges', `at most ${maxRanges} ranges that do not overlap are served`)
}
