import { Fault } from './fault.ts'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined }

/**
 * The one serialisation of a JSON value that is hashed or signed (RFC 8785): keys sorted by UTF-16 code units,
 * no white space, ECMAScript numbers. Properties that are `undefined` are left out. Throws `kernel.not_json`.
 */
export function canonicalJson(value: Json): string {
  return write(value, '$', 0)
}

const maxDepth = 64

function write(value: Json | undefined, path: string, depth: number): string {
  if (depth > maxDepth) throw notJson(path, `nested deeper than ${maxDepth}`)
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw notJson(path, 'a number that is not finite')
    return JSON.stringify(value)
  }
  if (isList(value)) return `[${value.map((item, index) => write(item, `${path}[${index}]`, depth + 1)).join(',')}]`
  if (typeof value !== 'object') throw notJson(path, `a ${typeof value}`)
  const members: string[] = []
  for (const key of Object.keys(value).sort()) {
    const member = value[key]
    if (member !== undefined) members.push(`${JSON.stringify(key)}:${write(member, `${path}.${key}`, depth + 1)}`)
  }
  return `{${members.join(',')}}`
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value)
}

function notJson(path: string, what: string): Fault {
  return new Fault('malformed', 'kernel.not_json', `${what} has no canonical JSON`, { at: path })
}
