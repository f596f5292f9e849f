import { Fault, type Instant, toHex } from '@holdfast/kernel'
import { compareBytes } from './bytes.ts'

/** Identifier octets of the universal types that X.509 and CMS use. */
export const tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const

/** Identifier octet of a context-specific tag. */
export function contextTag(number: number, form: 'primitive' | 'constructed'): number {
  return (form === 'constructed' ? 0xa0 : 0x80) | number
}

/** One decoded value; `whole` and `content` are views of the input. */
export interface DerNode {
  readonly tag: number
  readonly whole: Uint8Array
  readonly content: Uint8Array
  /** Members of a constructed value; empty for a primitive one. */
  readonly children: readonly DerNode[]
}

export interface DerLimits {
  readonly maxBytes?: number
  readonly maxNodes?: number
}

const maxDepth = 32

/**
 * Decodes exactly one DER value (X.690 clause 10): definite, minimal lengths, single-byte tags, no trailing bytes.
 * Depth, size and number of values are bounded. Throws `crypto.bad_der` with the offset.
 */
export function readDer(bytes: Uint8Array, limits: DerLimits = {}): DerNode {
  const maxBytes = limits.maxBytes ?? 1 << 20
  if (bytes.length > maxBytes) throw new Fault('limited', 'crypto.too_large', `DER is larger than ${maxBytes} bytes`)
  const budget = { left: limits.maxNodes ?? 20_000 }
  const node = readNode(bytes, 0, bytes.length, 0, budget)
  if (node.whole.length !== bytes.length) throw badDer('bytes follow the value', node.whole.length)
  return node
}

function readNode(bytes: Uint8Array, start: number, end: number, depth: number, budget: { left: number }): DerNode {
  if (depth > maxDepth) throw badDer(`nested deeper than ${maxDepth}`, start)
  budget.left -= 1
  if (budget.left < 0) throw new Fault('limited', 'crypto.too_large', 'DER has too many values')
  const identifier = bytes[start]
  if (identifier === undefined || start + 2 > end) throw badDer('the value is cut off', start)
  if ((identifier & 0x1f) === 0x1f) throw badDer('a tag of several bytes', start)
  const { length, at } = readLength(bytes, start + 1, end)
  if (length > end - at) throw badDer('the value is cut off', start)
  const stop = at + length
  const children: DerNode[] = []
  if ((identifier & 0x20) !== 0) {
    for (let next = at; next < stop; ) {
      const child = readNode(bytes, next, stop, depth + 1, budget)
      children.push(child)
      next += child.whole.length
    }
  } else if (identifier === 0x10 || identifier === 0x11) {
    throw badDer('a primitive SEQUENCE or SET', start)
  }
  return { tag: identifier, whole: bytes.subarray(start, stop), content: bytes.subarray(at, stop), children }
}

function readLength(bytes: Uint8Array, start: number, end: number): { length: number; at: number } {
  const first = bytes[start] ?? 0
  if (first < 0x80) return { length: first, at: start + 1 }
  const count = first & 0x7f
  if (count === 0) throw badDer('an indefinite length', start)
  if (count > 4 || start + 1 + count > end) throw badDer('a length that cannot be', start)
  let length = 0
  for (let index = 1; index <= count; index += 1) length = length * 256 + (bytes[start + index] ?? 0)
  if (length < 0x80 || length < 256 ** (count - 1)) throw badDer('a length that is not minimal', start)
  return { length, at: start + 1 + count }
}

/** Reads the members of a constructed value in order; every take names what it wants, for the message. */
export class DerFields {
  readonly #nodes: readonly DerNode[]
  readonly #name: string
  #next = 0

  constructor(node: DerNode, expected: number, name: string) {
    if (node.tag !== expected) throw badDer(`${name} has tag ${node.tag}, not ${expected}`)
    this.#nodes = node.children
    this.#name = name
  }

  get atEnd(): boolean {
    return this.#next === this.#nodes.length
  }

  any(what: string): DerNode {
    const node = this.#nodes[this.#next]
    if (node === undefined) throw badDer(`${this.#name} has no ${what}`)
    this.#next += 1
    return node
  }

  take(expected: number, what: string): DerNode {
    const node = this.any(what)
    if (node.tag !== expected) throw badDer(`${this.#name}: ${what} has tag ${node.tag}, not ${expected}`)
    return node
  }

  find(expected: number): DerNode | undefined {
    const node = this.#nodes[this.#next]
    if (node === undefined || node.tag !== expected) return undefined
    this.#next += 1
    return node
  }

  end(): void {
    if (!this.atEnd) throw badDer(`${this.#name} has more members than it may`)
  }
}

/** The only member of an explicitly tagged value. */
export function soleChild(node: DerNode, name: string): DerNode {
  const [child, ...rest] = node.children
  if (child === undefined || rest.length > 0) throw badDer(`${name} does not hold exactly one value`)
  return child
}

/** Throws unless the members stand in DER order and none occurs twice (X.690 11.6). */
export function requireSetOrder(nodes: readonly DerNode[], name: string): void {
  for (let index = 1; index < nodes.length; index += 1) {
    const before = nodes[index - 1]
    const after = nodes[index]
    if (before === undefined || after === undefined || compareBytes(before.whole, after.whole) >= 0) {
      throw badDer(`the members of ${name} are not in DER order`)
    }
  }
}

export function readOid(node: DerNode): string {
  const { content } = node
  if (node.tag !== tag.oid || content.length === 0 || content.length > 32) throw badDer('not an object identifier')
  const arcs: number[] = []
  let value = 0
  let fresh = true
  for (const byte of content) {
    if (fresh && byte === 0x80) throw badDer('an object identifier that is not minimal')
    value = value * 128 + (byte & 0x7f)
    if (value > Number.MAX_SAFE_INTEGER) throw badDer('an object identifier with a huge arc')
    fresh = (byte & 0x80) === 0
    if (!fresh) continue
    if (arcs.length === 0) {
      const first = Math.min(2, Math.floor(value / 40))
      arcs.push(first, value - first * 40)
    } else arcs.push(value)
    value = 0
  }
  if (!fresh) throw badDer('an object identifier that is cut off')
  return arcs.join('.')
}

/** The content octets of an INTEGER after checking that they are minimal. */
export function readIntegerBytes(node: DerNode): Uint8Array {
  const { content } = node
  const [first, second] = content
  if (node.tag !== tag.integer || first === undefined) throw badDer('not an integer')
  if (second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))) {
    throw badDer('an integer that is not minimal')
  }
  return content
}

/** A non-negative INTEGER that fits a double. */
export function readSmallInteger(node: DerNode): number {
  const content = readIntegerBytes(node)
  if (content.length > 6 || (content[0] ?? 0) >= 0x80) throw badDer('an integer out of range')
  return Number.parseInt(toHex(content), 16)
}

export function readBoolean(node: DerNode): boolean {
  const value = node.content[0]
  if (node.tag !== tag.boolean || node.content.length !== 1 || (value !== 0 && value !== 0xff)) {
    throw badDer('not a boolean')
  }
  return value === 0xff
}

/** The bits as bytes; `unused` low bits of the last byte must be zero (X.690 11.2.1). */
export function readBitString(node: DerNode): { bytes: Uint8Array; unused: number } {
  const unused = node.content[0]
  if (node.tag !== tag.bitString || unused === undefined || unused > 7) throw badDer('not a bit string')
  const bytes = node.content.subarray(1)
  const last = bytes[bytes.length - 1]
  if (last === undefined ? unused !== 0 : (last & ((1 << unused) - 1)) !== 0)
    throw badDer('a bit string with bits set in its padding')
  return { bytes, unused }
}

/** A BIT STRING of whole bytes: a key or a signature. */
export function readBitBytes(node: DerNode): Uint8Array {
  const { bytes, unused } = readBitString(node)
  if (unused !== 0) throw badDer('a bit string that is not whole bytes')
  return bytes
}

/** Time as RFC 5280 4.1.2.5 writes it: UTCTime or GeneralizedTime in whole seconds and Zulu. */
export function readTime(node: DerNode): Instant {
  const text = latin1(node.content)
  const pattern =
    node.tag === tag.utcTime ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/ : /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/
  if (node.tag !== tag.utcTime && node.tag !== tag.generalizedTime) throw badDer('not a time')
  const parts = pattern.exec(text)?.slice(1).map(Number)
  if (parts === undefined) throw badDer('a time in a form that is not allowed')
  const [stated = 0, month = 0, date = 0, hours = 0, minutes = 0, seconds = 0] = parts
  const year = node.tag === tag.utcTime ? stated + (stated < 50 ? 2000 : 1900) : stated
  const instant = Date.UTC(year, month - 1, date, hours, minutes, seconds)
  const back = new Date(instant)
  // Date rolls 31 February over into March; a time that does not survive the way back is none.
  const same = back.getUTCFullYear() === year && back.getUTCMonth() === month - 1 && back.getUTCDate() === date
  if (!same || hours > 23 || minutes > 59 || seconds > 59) throw badDer('a time that does not exist')
  return instant
}

/** The text of the string types that names and alternative names use. */
export function readText(node: DerNode): string {
  switch (node.tag) {
    case tag.utf8String:
      try {
        return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(node.content)
      } catch {
        throw badDer('text that is not UTF-8')
      }
    case tag.printableString:
    case tag.ia5String:
      if (node.content.some((byte) => byte >= 0x80)) throw badDer('text that is not ASCII')
      return latin1(node.content)
    case tag.teletexString:
      return latin1(node.content)
    case tag.bmpString:
      if (node.content.length % 2 !== 0) throw badDer('a BMP string of odd length')
      return new TextDecoder('utf-16be').decode(node.content)
    default:
      throw badDer('not a text')
  }
}

export function latin1(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return text
}

export function badDer(message: string, at?: number): Fault {
  return new Fault('malformed', 'crypto.bad_der', message, at === undefined ? {} : { at: `byte ${at}` })
}
