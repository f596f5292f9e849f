import type { Database } from '../../../platform/db/index.ts'
import type { Attributes } from './attributes.ts'
import type { Bitmap } from './bitmap.ts'
import { blockSize } from './container.ts'
import { decodeOffsets } from './container-codec.ts'
import type { Place } from './cursor.ts'
import type { Finder } from './finder.ts'
import { listPostings, type Posting } from './packed-postings.ts'
import { findNames } from './store.ts'
import { afterValues, anyValue, encodeValue, firstValue, keyAfter } from './value.ts'

export const nameField = 'system.name'
/** Up to here the names of all matches are read and sorted; beyond, the index of names is walked. */
const fewMatches = 4_000
const mostWalked = 20_000
const chunk = 1_000

export interface NameOrderNeeds {
  readonly db: Database
  readonly attributes: Attributes
  readonly finder: Finder
}

export interface NamePage {
  readonly places: readonly Place[]
  /** Where to go on; absent at the end of the list. The places may be fewer than asked for. */
  readonly resume?: Place
}

interface Walk {
  readonly organisation: string
  readonly within: Bitmap
  readonly descending: boolean
  readonly after: Place | undefined
  readonly limit: number
}

/** Sorts by name ignoring ASCII case, then by number; devices without a name come last in either direction. */
export function createNameOrder({ db, attributes, finder }: NameOrderNeeds) {
  async function sortFew({ within, descending, after, limit }: Walk): Promise<NamePage> {
    const names = await findNames(db.read, [...within])
    const places = [...within].map((number): Place => {
      const name = names.get(number)
      return name === undefined || name === '' ? { number } : { number, key: hex(encodeValue(name)) }
    })
    places.sort((a, b) => comparePlaces(a, b, descending))
    const behind = after === undefined ? places : places.filter((place) => comparePlaces(place, after, descending) > 0)
    return pageOf(behind, limit)
  }

  async function walkNamed(walk: Walk, attribute: number): Promise<NamePage> {
    const { within, descending, limit } = walk
    const places: Place[] = []
    let behind = walk.after
    for (let walked = 0; walked < mostWalked; ) {
      const bound = behind?.key === undefined ? undefined : Buffer.from(String(behind.key), 'hex')
      const range = descending
        ? { from: firstValue, to: bound === undefined ? afterValues : keyAfter(bound) }
        : { from: bound ?? firstValue, to: afterValues }
      const postings = await listPostings(db.read, { attribute, ...range, limit: chunk }, descending)
      const before = walked
      for (const { value, block, members } of postings) {
        const resumed = behind !== undefined && value === behind.key ? behind.number : undefined
        for (const number of membersOf(block, members, descending)) {
          if (resumed !== undefined && (descending ? number >= resumed : number <= resumed)) continue
          walked += 1
          if (!within.has(number)) continue
          places.push({ number, key: value })
          if (places.length >= limit) return pageOf(places, limit)
        }
      }
      const last = postings.at(-1)
      if (last !== undefined) behind = lastPlace(last, descending)
      if (postings.length < chunk || walked === before) return { places }
    }
    return { places, ...(behind === undefined ? {} : { resume: behind }) }
  }

  async function walkNameless(walk: Walk, attribute: number | undefined, limit: number): Promise<Place[]> {
    const { organisation, within, descending, after } = walk
    const named = await finder.read(organisation, { field: nameField, ranges: [{ from: anyValue, to: firstValue }] })
    const nameless = attribute === undefined ? within : within.andNot(named)
    const place = after?.key === undefined ? after : undefined
    return sliceByNumber(nameless, descending, place, 0, limit).map((number) => ({ number }))
  }

  return async (walk: Walk): Promise<NamePage> => {
    if (walk.within.count <= fewMatches) return sortFew(walk)
    const attribute = await attributes.find(walk.organisation, nameField)
    const passedNames = walk.after !== undefined && walk.after.key === undefined
    const named: NamePage = attribute === undefined || passedNames ? { places: [] } : await walkNamed(walk, attribute)
    if (named.resume !== undefined) return named
    const nameless = await walkNameless(walk, attribute, walk.limit - named.places.length)
    return pageOf([...named.places, ...nameless], walk.limit)
  }
}

function pageOf(places: readonly Place[], limit: number): NamePage {
  const page = places.slice(0, limit)
  const last = page.at(-1)
  return last !== undefined && page.length === limit ? { places: page, resume: last } : { places: page }
}

/** A page of numbers, from `after` (exclusive) and then `offset` further on. */
export function sliceByNumber(
  within: Bitmap,
  descending: boolean,
  after: Place | undefined,
  offset: number,
  limit: number,
): number[] {
  if (!descending) return within.slice((after === undefined ? 0 : within.rank(after.number + 1)) + offset, limit)
  const end = (after === undefined ? within.count : within.rank(after.number)) - offset
  const start = Math.max(0, end - limit)
  return within.slice(start, Math.max(0, end - start)).reverse()
}

function comparePlaces(a: Place, b: Place, descending: boolean): number {
  if ((a.key === undefined) !== (b.key === undefined)) return a.key === undefined ? 1 : -1
  const order = compareText(String(a.key ?? ''), String(b.key ?? '')) || a.number - b.number
  return descending ? -order : order
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function lastPlace({ value, block, members }: Posting, descending: boolean): Place {
  return { number: membersOf(block, members, descending).at(-1) ?? 0, key: value }
}

function membersOf(block: number, members: Uint8Array, descending: boolean): number[] {
  const numbers: number[] = []
  for (const offset of decodeOffsets(members)) numbers.push(block * blockSize + offset)
  return descending ? numbers.reverse() : numbers
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
