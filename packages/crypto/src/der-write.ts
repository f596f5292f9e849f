import type { Instant } from '@holdfast/kernel'
import { compareBytes, concat } from './bytes.ts'
import { contextTag, tag } from './der.ts'

/** One value with the given identifier octet and a minimal definite length (X.690 10.1). */
export function derValue(identifier: number, ...content: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of content) length += part.length
  return concat(Uint8Array.from([identifier, ...lengthBytes(length)]), ...content)
}

function lengthBytes(length: number): number[] {
  if (length < 0x80) return [length]
  const bytes: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
  return [0x80 | bytes.length, ...bytes]
}

export function sequence(...members: readonly Uint8Array[]): Uint8Array {
  return derValue(tag.sequence, ...members)
}

/** A SET OF, its members sorted as DER demands. */
export function setOf(...members: readonly Uint8Array[]): Uint8Array {
  return derValue(tag.set, ...[...members].sort(compareBytes))
}

/** [number] EXPLICIT, or IMPLICIT of a constructed type. */
export function context(number: number, ...content: readonly Uint8Array[]): Uint8Array {
  return derValue(contextTag(number, 'constructed'), ...content)
}

/** [number] IMPLICIT of a primitive type. */
export function contextPrimitive(number: number, content: Uint8Array): Uint8Array {
  return derValue(contextTag(number, 'primitive'), content)
}

/** A non-negative INTEGER from a number or from its big-endian bytes. */
export function integer(value: number | Uint8Array): Uint8Array {
  let bytes = typeof value === 'number' ? Uint8Array.from(bigEndian(value)) : value
  while (bytes.length > 1 && bytes[0] === 0) bytes = bytes.subarray(1)
  if (bytes.length === 0) bytes = Uint8Array.of(0)
  return (bytes[0] ?? 0) >= 0x80 ? derValue(tag.integer, Uint8Array.of(0), bytes) : derValue(tag.integer, bytes)
}

function bigEndian(value: number): number[] {
  const bytes: number[] = []
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
  return bytes
}

export function octetString(bytes: Uint8Array): Uint8Array {
  return derValue(tag.octetString, bytes)
}

export function bitString(bytes: Uint8Array, unused = 0): Uint8Array {
  return derValue(tag.bitString, Uint8Array.of(unused), bytes)
}

/** A BIT STRING of named bits: bit 0 is the most significant; trailing zero bits are dropped (X.690 11.2.2). */
export function namedBits(bits: readonly number[]): Uint8Array {
  const highest = Math.max(-1, ...bits)
  const bytes = new Uint8Array(Math.ceil((highest + 1) / 8))
  for (const bit of bits) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (0x80 >> (bit & 7))
  return bitString(bytes, (8 - ((highest + 1) % 8)) % 8)
}

export function oid(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const bytes: number[] = []
  for (const arc of [first * 40 + second, ...rest]) {
    const group = [arc % 128]
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) group.unshift((left % 128) | 0x80)
    bytes.push(...group)
  }
  return derValue(tag.oid, Uint8Array.from(bytes))
}

export function utf8String(text: string): Uint8Array {
  return derValue(tag.utf8String, new TextEncoder().encode(text))
}

export const nullValue: Uint8Array = derValue(tag.null)
export const booleanTrue: Uint8Array = derValue(tag.boolean, Uint8Array.of(0xff))

/** UTCTime through 2049 and GeneralizedTime from 2050, in whole seconds (RFC 5280 4.1.2.5). */
export function time(at: Instant): Uint8Array {
  const digits = new Date(at)
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:T]/g, '')
  const year = new Date(at).getUTCFullYear()
  const encode = (text: string) => new TextEncoder().encode(text)
  if (year >= 1950 && year < 2050) return derValue(tag.utcTime, encode(digits.slice(2)))
  return derValue(tag.generalizedTime, encode(digits))
}
