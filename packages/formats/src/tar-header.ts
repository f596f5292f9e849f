import { Fault } from '@holdfast/kernel'
import { decodeUtf8 } from './safe-name.ts'

export const blockSize = 512

export interface TarHeader {
  readonly name: string
  readonly size: number
  readonly mode: number
  readonly type: string
}

const maxOctalSize = 0o77777777777
const encoder = new TextEncoder()

/** One header block (POSIX.1-2001 ustar, or GNU's reading of it). Throws `formats.tar_header`. */
export function decodeTarHeader(block: Uint8Array): TarHeader {
  if (octal(block, 148, 8, 'checksum') !== checksumOf(block)) throw broken('its checksum is wrong')
  const magic = String.fromCharCode(...block.subarray(257, 265))
  if (magic !== 'ustar\u000000' && magic !== 'ustar  \0') throw broken('it is not a ustar header')
  const prefix = magic === 'ustar\u000000' ? text(block, 345, 155, 'prefix') : ''
  const name = text(block, 0, 100, 'name')
  if (text(block, 157, 100, 'link name') !== '') throw broken('it carries a link name')
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    size: sizeOf(block),
    mode: octal(block, 100, 8, 'mode'),
    type: String.fromCharCode(block[156] ?? 0),
  }
}

/** Header of a regular file, with fixed times and owner so that equal input gives equal bytes. */
export function encodeTarHeader(name: string, size: number, mode: number): Uint8Array {
  const fields = splitName(name)
  if (fields !== null && size <= maxOctalSize) return encodeBlock(fields.name, fields.prefix, size, mode, '0')
  const records = encodePax([
    ...(fields === null ? [`path=${name}`] : []),
    ...(size > maxOctalSize ? [`size=${size}`] : []),
  ])
  const parts = [
    encodeBlock('PaxHeaders.0/member', '', records.length, 0o600, 'x'),
    records,
    new Uint8Array(paddingOf(records.length)),
    encodeBlock(fields?.name ?? 'member', fields?.prefix ?? '', size > maxOctalSize ? 0 : size, mode, '0'),
  ]
  return Buffer.concat(parts)
}

/** Bytes between the end of a member of `size` bytes and the next block. */
export function paddingOf(size: number): number {
  return (blockSize - (size % blockSize)) % blockSize
}

export interface PaxRecords {
  readonly path?: string
  readonly size?: number
}

const harmlessPaxKeys = new Set(['mtime', 'atime', 'ctime', 'uid', 'gid', 'uname', 'gname', 'comment'])

/** Extended header records (POSIX pax, “Extended Header”); one that could change what is created is refused. */
export function decodePax(bytes: Uint8Array): PaxRecords {
  const records: { path?: string; size?: number } = {}
  let rest = bytes
  while (rest.length > 0) {
    const space = rest.indexOf(0x20)
    const digits = space > 0 && space <= 6 ? String.fromCharCode(...rest.subarray(0, space)) : ''
    const length = /^[1-9][0-9]*$/.test(digits) ? Number(digits) : 0
    if (length <= space + 2 || length > rest.length || rest[length - 1] !== 0x0a)
      throw broken('a pax record is malformed')
    const record = decodeUtf8(rest.subarray(space + 1, length - 1), 'a pax record')
    const equals = record.indexOf('=')
    const key = record.slice(0, Math.max(equals, 0))
    const value = record.slice(equals + 1)
    if (key === 'path' && records.path === undefined) records.path = value
    else if (key === 'size' && records.size === undefined) records.size = paxSize(value)
    else if (!harmlessPaxKeys.has(key))
      throw broken(`the pax record ${JSON.stringify(key.slice(0, 40))} is not allowed`)
    rest = rest.subarray(length)
  }
  return records
}

function paxSize(value: string): number {
  const size = Number(value)
  if (!/^[0-9]{1,16}$/.test(value) || !Number.isSafeInteger(size)) throw broken('the pax size is malformed')
  return size
}

function encodePax(records: readonly string[]): Uint8Array {
  return encoder.encode(
    records
      .map((record) => {
        const body = ` ${record}\n`
        const bytes = encoder.encode(body).length
        let length = bytes + String(bytes).length
        if (bytes + String(length).length > length) length += 1
        return `${length}${body}`
      })
      .join(''),
  )
}

function splitName(name: string): { name: string; prefix: string } | null {
  const bytes = encoder.encode(name)
  if (bytes.length !== name.length) return null
  if (bytes.length <= 100) return { name, prefix: '' }
  const slash = name.indexOf('/', name.length - 101)
  if (slash < 1 || slash > 155 || slash === name.length - 1) return null
  return { name: name.slice(slash + 1), prefix: name.slice(0, slash) }
}

function encodeBlock(name: string, prefix: string, size: number, mode: number, type: string): Uint8Array {
  const block = new Uint8Array(blockSize)
  const put = (offset: number, value: string) => block.set(encoder.encode(value), offset)
  put(0, name)
  put(100, `${mode.toString(8).padStart(7, '0')}\0`)
  put(108, '0000000\u00000000000\0')
  put(124, `${size.toString(8).padStart(11, '0')}\0`)
  put(136, '00000000000\0')
  put(156, type)
  put(257, 'ustar\u000000')
  put(329, '0000000\u00000000000\0')
  put(345, prefix)
  put(148, `${checksumOf(block).toString(8).padStart(6, '0')}\0 `)
  return block
}

function checksumOf(block: Uint8Array): number {
  let sum = 8 * 0x20
  for (let index = 0; index < blockSize; index += 1) {
    if (index < 148 || index >= 156) sum += block[index] ?? 0
  }
  return sum
}

function text(block: Uint8Array, offset: number, length: number, what: string): string {
  const field = block.subarray(offset, offset + length)
  const end = field.indexOf(0)
  const used = end === -1 ? field : field.subarray(0, end)
  if (end !== -1 && field.subarray(end).some((byte) => byte !== 0)) throw broken(`its ${what} goes on after a NUL`)
  return decodeUtf8(used, `the ${what} of a tar member`)
}

function octal(block: Uint8Array, offset: number, length: number, what: string): number {
  const field = String.fromCharCode(...block.subarray(offset, offset + length))
  const match = /^ *([0-7]*)[ \0]*$/.exec(field)
  if (match === null) throw broken(`its ${what} is not a number`)
  return match[1] === '' ? 0 : Number.parseInt(match[1] ?? '', 8)
}

function sizeOf(block: Uint8Array): number {
  if (((block[124] ?? 0) & 0x80) === 0) return octal(block, 124, 12, 'size')
  // GNU's base-256 form, for sizes beyond 8 GiB
  let size = (block[124] ?? 0) & 0x7f
  for (let index = 125; index < 136; index += 1) size = size * 256 + (block[index] ?? 0)
  if (!Number.isSafeInteger(size)) throw broken('its size is beyond all measure')
  return size
}

function broken(why: string): Fault {
  return new Fault('malformed', 'formats.tar_header', `a tar header is not acceptable: ${why}`)
}
