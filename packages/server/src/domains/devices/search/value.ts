/** What an attribute holds: text, a finite number or a truth value. */
export type Value = string | number | boolean

const falseOrTrueTag = 1
const numberTag = 2
const textTag = 3
/** Values of every kind lie in [firstValue, afterValues); the empty key before them stands for "has any value". */
export const firstValue = Uint8Array.of(falseOrTrueTag)
export const firstText = Uint8Array.of(textTag)
export const afterValues = Uint8Array.of(textTag + 1)
export const anyValue = new Uint8Array(0)

const longestText = 200

/**
 * The form in which values are kept and compared: text without NUL, its first 200 characters, well-formed.
 * Numbers that are not finite become text; negative zero becomes zero.
 */
export function canonicalValue(value: Value): Value {
  if (typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value + 0 : String(value)
  const kept = value.includes('\0') ? value.replaceAll('\0', '') : value
  return kept.slice(0, longestText).toWellFormed()
}

/** What `=`, `in` and `like` look at: the value written as text, ASCII letters in lower case. */
export function printed(value: Value): string {
  return foldCase(String(canonicalValue(value)))
}

/** Lower-cases ASCII letters only, so that the result never depends on a language. */
export function foldCase(text: string): string {
  return /[A-Z]/.test(text) ? text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : text
}

/**
 * The key of a value in the index. Keys sort, byte by byte, as truth values, then numbers by size, then text by code
 * point ignoring ASCII case. Text in capitals carries, behind a NUL, which of its letters they are.
 */
export function encodeValue(value: Value): Uint8Array {
  const canonical = canonicalValue(value)
  if (typeof canonical === 'boolean') return Uint8Array.of(falseOrTrueTag, canonical ? 1 : 0)
  if (typeof canonical === 'number') return encodeNumber(canonical)
  return encodeText(canonical)
}

/** The inverse of `encodeValue`. */
export function decodeValue(key: Uint8Array): Value {
  if (key[0] === falseOrTrueTag) return key[1] === 1
  if (key[0] === numberTag) return decodeNumber(key)
  return decodeText(key)
}

/** A stretch of keys: `from` included, `to` excluded. */
export interface KeyRange {
  readonly from: Uint8Array
  readonly to: Uint8Array
}

/** The keys of every text that begins with `prefix`, ignoring ASCII case. */
export function textPrefixRange(prefix: string): KeyRange {
  const from = textKey(prefix)
  // 0xff never occurs in UTF-8, and the letter mask comes only after a NUL.
  return { from, to: appendByte(from, 0xff) }
}

/** The keys of every value that prints as `text` does. */
export function equalRanges(text: string): KeyRange[] {
  const wanted = printed(text)
  const from = textKey(wanted)
  const ranges = [{ from, to: appendByte(from, 1) }]
  const number = Number(wanted)
  if (Number.isFinite(number) && printed(number) === wanted) ranges.push(singleKey(encodeNumber(number)))
  if (wanted === 'true' || wanted === 'false') ranges.push(singleKey(encodeValue(wanted === 'true')))
  return ranges
}

/** The key of `text` without its capitals: the first of the keys that are equal to it but for case. */
export function textKey(text: string): Uint8Array {
  return appendBytes(firstText, Buffer.from(printed(text), 'utf8'))
}

/** A key as the text of its bytes, for maps. */
export function keyText(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')
}

/** Orders keys as the database does. */
export function compareKeys(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b)
}

/** The first key behind `key`. */
export function keyAfter(key: Uint8Array): Uint8Array {
  return appendByte(key, 0)
}

function singleKey(key: Uint8Array): KeyRange {
  return { from: key, to: keyAfter(key) }
}

function encodeNumber(number: number): Uint8Array {
  const key = new Uint8Array(9)
  key[0] = numberTag
  new DataView(key.buffer).setFloat64(1, number)
  const negative = ((key[1] as number) & 0x80) !== 0
  for (let index = 1; index < 9; index += 1) key[index] = negative ? ~(key[index] as number) : (key[index] as number)
  if (!negative) key[1] = (key[1] as number) | 0x80
  let end = 9
  while (end > 1 && key[end - 1] === 0) end -= 1
  return key.slice(0, end)
}

function decodeNumber(key: Uint8Array): number {
  const bytes = new Uint8Array(8)
  bytes.set(key.subarray(1, 9))
  const negative = ((bytes[0] as number) & 0x80) === 0
  for (let index = 0; index < 8; index += 1)
    bytes[index] = negative ? ~(bytes[index] as number) : (bytes[index] as number)
  if (!negative) bytes[0] = (bytes[0] as number) & 0x7f
  return new DataView(bytes.buffer).getFloat64(0)
}

function encodeText(text: string): Uint8Array {
  const folded = appendBytes(firstText, Buffer.from(foldCase(text), 'utf8'))
  if (!/[A-Z]/.test(text)) return folded
  const original = Buffer.from(text, 'utf8')
  const mask = new Uint8Array((original.length >>> 3) + 1)
  let end = 0
  for (let index = 0; index < original.length; index += 1) {
    if (original[index] === folded[index + 1]) continue
    mask[index >>> 3] = (mask[index >>> 3] as number) | (1 << (index & 7))
    end = (index >>> 3) + 1
  }
  return appendBytes(appendByte(folded, 0), mask.subarray(0, end))
}

function decodeText(key: Uint8Array): string {
  const end = key.indexOf(0)
  if (end === -1) return Buffer.from(key.subarray(1)).toString('utf8')
  const text = Buffer.from(key.subarray(1, end))
  for (let index = 0; index < text.length; index += 1) {
    const capital = (((key[end + 1 + (index >>> 3)] ?? 0) >>> (index & 7)) & 1) === 1
    if (capital) text[index] = (text[index] as number) & ~0x20
  }
  return text.toString('utf8')
}

function appendByte(bytes: Uint8Array, byte: number): Uint8Array {
  return appendBytes(bytes, Uint8Array.of(byte))
}

function appendBytes(bytes: Uint8Array, more: Uint8Array): Uint8Array {
  const joined = new Uint8Array(bytes.length + more.length)
  joined.set(bytes)
  joined.set(more, bytes.length)
  return joined
}
