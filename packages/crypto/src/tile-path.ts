import { Fault } from '@holdfast/kernel'

export const tileWidth = 256

/** Where a tile of hashes stands (C2SP tlog-tiles): `width` hashes, 256 in a full tile. */
export interface TileCoordinate {
  readonly level: number
  readonly index: number
  readonly width: number
}

/** `tile/<L>/<N>[.p/<W>]`. */
export function tilePath({ level, index, width }: TileCoordinate): string {
  return `tile/${level}/${indexPath(index)}${partialSuffix(width)}`
}

/** `tile/entries/<N>[.p/<W>]`: the bundle of entries whose hashes are the level 0 tile of the same index. */
export function entriesPath(index: number, width: number = tileWidth): string {
  return `tile/entries/${indexPath(index)}${partialSuffix(width)}`
}

export type ParsedTilePath =
  | ({ readonly kind: 'tile' } & TileCoordinate)
  | { readonly kind: 'entries'; readonly index: number; readonly width: number }

const form = /^tile\/(entries|0|[1-9]\d?)\/((?:x\d{3}\/){0,5}\d{3})(?:\.p\/([1-9]\d{0,2}))?$/

/** Reads a path as `tilePath` and `entriesPath` write it, and no other; throws `crypto.bad_tile_path`. */
export function parseTilePath(path: string): ParsedTilePath {
  const [, place = '', digits = '', partial] = form.exec(path) ?? []
  const index = Number(digits.replace(/[x/]/g, ''))
  const width = partial === undefined ? tileWidth : Number(partial)
  const level = place === 'entries' ? 0 : Number(place)
  const canonical = place === 'entries' ? entriesPath(index, width) : tilePath({ level, index, width })
  if (digits === '' || level > 63 || (partial !== undefined && width >= tileWidth) || canonical !== path) {
    throw new Fault('missing', 'crypto.bad_tile_path', 'there is no such tile')
  }
  return place === 'entries' ? { kind: 'entries', index, width } : { kind: 'tile', level, index, width }
}

function indexPath(index: number): string {
  const groups: string[] = []
  let rest = index
  do {
    groups.unshift(String(rest % 1000).padStart(3, '0'))
    rest = Math.floor(rest / 1000)
  } while (rest > 0)
  return groups.map((group, at) => (at === groups.length - 1 ? group : `x${group}`)).join('/')
}

function partialSuffix(width: number): string {
  return width === tileWidth ? '' : `.p/${width}`
}
