import type { Instant } from './clock.ts'

let lastTime = 0
let counter = 0

/**
 * An RFC 9562 version 7 UUID in lower-case text: unique, and sorting by time of creation, those of one process also within
 * a millisecond (section 6.2, method 1).
 */
export function newId(now: Instant = Date.now()): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  counter = now > lastTime ? (((bytes[6] ?? 0) & 0x07) << 8) | (bytes[7] ?? 0) : counter + 1
  // A full counter borrows the next millisecond; a clock that went back goes on where it was.
  lastTime = Math.max(now, lastTime) + (counter > 0xfff ? 1 : 0)
  counter &= 0xfff
  let rest = lastTime
  for (let index = 5; index >= 0; index -= 1) {
    bytes[index] = rest % 256
    rest = Math.floor(rest / 256)
  }
  bytes[6] = 0x70 | (counter >> 8)
  bytes[7] = counter & 0xff
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = toHex(bytes)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

export function isId(text: string): boolean {
  return uuid.test(text)
}

/** 256 random bits as 43 characters of base64url: for tokens, links and secrets. */
export function newSecret(): string {
  return toBase64Url(crypto.getRandomValues(new Uint8Array(32)))
}

export function toHex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += (byte + 0x100).toString(16).slice(1)
  return text
}

export function toBase64Url(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}
