import { Fault } from '@holdfast/kernel'

export interface Sort {
  readonly by: 'number' | 'name' | 'seen'
  readonly descending: boolean
}

/** Where a page ended. `key` is the name's key in hexadecimal or the instant of last seen; a device without a name has none. */
export interface Place {
  readonly number: number
  readonly key?: string | number
}

/** An opaque text that continues a search behind `place`, in the same order. */
export function encodeCursor(sort: Sort, place: Place): string {
  const parts = [sort.by, sort.descending ? 1 : 0, place.number, ...(place.key === undefined ? [] : [place.key])]
  return Buffer.from(JSON.stringify(parts)).toString('base64url')
}

/** Throws `devices.cursor_malformed` unless the text came from `encodeCursor` with the same order. */
export function decodeCursor(sort: Sort, cursor: string): Place {
  const parts = parseList(cursor)
  const [by, descending, number, key] = parts
  const lawful =
    by === sort.by &&
    descending === (sort.descending ? 1 : 0) &&
    typeof number === 'number' &&
    Number.isInteger(number) &&
    number >= 0 &&
    number <= 0xffff_ffff
  if (!lawful) throw malformed()
  if (sort.by === 'name') {
    if (key !== undefined && (typeof key !== 'string' || !/^(?:[0-9a-f]{2}){1,1000}$/.test(key))) throw malformed()
    return key === undefined ? { number } : { number, key }
  }
  if (sort.by === 'number') return { number }
  if (typeof key !== 'number' || !Number.isFinite(key)) throw malformed()
  return { number, key }
}

function parseList(cursor: string): readonly unknown[] {
  if (cursor.length > 4_000) throw malformed()
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    if (Array.isArray(parsed)) return parsed
  } catch {
    // Said below, as for any other text that is no cursor.
  }
  throw malformed()
}

function malformed(): Fault {
  return new Fault(
    'malformed',
    'devices.cursor_malformed',
    'The cursor is not one that this list gave out, in this order',
  )
}
