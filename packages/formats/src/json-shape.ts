import { Fault } from '@holdfast/kernel'
import { decodeUtf8 } from './safe-name.ts'

export type JsonObject = { readonly [key: string]: unknown }

const maxEntries = 1_000
const maxTextLength = 4_096
const maxDepth = 32

/** The JSON object in an archive member. Throws `formats.json`. */
export function parseJsonObject(bytes: Uint8Array, at: string): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(decodeUtf8(bytes, at))
  } catch (cause) {
    throw cause instanceof Fault ? cause : malformed(at, 'is not JSON', cause)
  }
  refuseDepth(value, at, 0)
  return requireObject(value, at)
}

export function requireObject(value: unknown, at: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(at, 'is not an object')
  if (Object.hasOwn(value, '__proto__')) throw malformed(at, 'has a member __proto__')
  return value as JsonObject
}

export function requireText(value: unknown, at: string): string {
  if (typeof value !== 'string' || value === '') throw malformed(at, 'is not a text')
  if (value.length > maxTextLength) throw malformed(at, `is longer than ${maxTextLength} characters`)
  return value
}

export function optionalText(value: unknown, at: string): string | null {
  return value === undefined || value === null || value === '' ? null : requireText(value, at)
}

export function textList(value: unknown, at: string): string[] {
  if (value === undefined || value === null) return []
  return requireList(value, at).map((item, index) => requireText(item, `${at}[${index}]`))
}

export function requireList(value: unknown, at: string): readonly unknown[] {
  if (!Array.isArray(value)) throw malformed(at, 'is not a list')
  if (value.length > maxEntries) throw malformed(at, `has more than ${maxEntries} entries`)
  return value
}

export function textMap(value: unknown, at: string): Record<string, string> {
  return Object.fromEntries(entries(value, at).map(([key, item]) => [key, mapText(item, `${at}.${key}`)]))
}

export function textOrListMap(value: unknown, at: string): Record<string, string | string[]> {
  return Object.fromEntries(
    entries(value, at).map(([key, item]) => {
      const place = `${at}.${key}`
      return [key, Array.isArray(item) ? textList(item, place) : mapText(item, place)]
    }),
  )
}

function mapText(value: unknown, at: string): string {
  return value === '' ? '' : requireText(value, at)
}

function entries(value: unknown, at: string): [string, unknown][] {
  if (value === undefined || value === null) return []
  const found = Object.entries(requireObject(value, at))
  if (found.length > maxEntries) throw malformed(at, `has more than ${maxEntries} entries`)
  return found
}

function refuseDepth(value: unknown, at: string, depth: number): void {
  if (typeof value !== 'object' || value === null) return
  if (depth > maxDepth) throw malformed(at, `is nested deeper than ${maxDepth}`)
  for (const member of Object.values(value)) refuseDepth(member, at, depth + 1)
}

function malformed(at: string, why: string, cause?: unknown): Fault {
  return new Fault('malformed', 'formats.json', `${at} ${why}`, { at, cause })
}
