import { createHash } from 'node:crypto'
import { canonicalJson, Fault } from '@holdfast/kernel'
import type { Identity } from './device.ts'

const mostAttributes = 32
const longestName = 128
const longestValue = 1_024
const mostValues = 32
const longestIdentity = 8_192

/** The identity attribute by which DDI names a device; alone it is the whole identity there. */
export const controllerAttribute = 'controllerId'

/** Throws `devices.bad_identity` for what is empty, unbounded or not text. */
export function verifyIdentity(identity: Identity): void {
  const entries = Object.entries(identity)
  if (entries.length === 0 || entries.length > mostAttributes)
    throw bad(`an identity has 1 to ${mostAttributes} attributes`)
  for (const [name, value] of entries) {
    if (name.length === 0 || name.length > longestName) throw bad('the name of an attribute is empty or too long', name)
    const values = typeof value === 'string' ? [value] : value
    if (!Array.isArray(values) || values.length > mostValues)
      throw bad('a value is not text or a short list of texts', name)
    for (const one of values) {
      if (typeof one !== 'string' || one.length > longestValue) throw bad('a value is not text or too long', name)
    }
  }
  if (canonicalIdentity(identity).length > longestIdentity) throw bad('the identity is too large')
}

export function canonicalIdentity(identity: Identity): string {
  return canonicalJson(identity as { [name: string]: string | readonly string[] })
}

/**
 * What makes a device unique: its organisation and its whole identity, or the controller id alone where it has one,
 * because DDI knows no more.
 */
export function identityHash(organisation: string, identity: Identity): Uint8Array {
  const controller = identity[controllerAttribute]
  const unique = controller === undefined ? identity : { [controllerAttribute]: controller }
  return new Uint8Array(
    createHash('sha256')
      .update(`${organisation}\n${canonicalIdentity(unique)}`)
      .digest(),
  )
}

/**
 * Whether every named attribute of an identity fits its pattern, in which `*` stands for any text. An absent attribute
 * fits nothing; of a list, every value must fit.
 */
export function fitsPattern(pattern: Readonly<Record<string, string>>, identity: Identity): boolean {
  return Object.entries(pattern).every(([name, wanted]) => {
    const value = Object.hasOwn(identity, name) ? identity[name] : undefined
    if (value === undefined) return false
    const values = typeof value === 'string' ? [value] : value
    return values.length > 0 && values.every((one) => fitsText(wanted, one))
  })
}

/** Glob matching in time linear in the product of the lengths: patterns are data, and must not become a way to stall. */
function fitsText(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  const last = rest.pop()
  if (last === undefined) return pattern === text
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false
  let at = first.length
  const end = text.length - last.length
  for (const piece of rest) {
    const found = text.indexOf(piece, at)
    if (found === -1 || found + piece.length > end) return false
    at = found + piece.length
  }
  return true
}

function bad(message: string, at?: string): Fault {
  return new Fault('malformed', 'devices.bad_identity', message, at === undefined ? {} : { at: `identity.${at}` })
}
