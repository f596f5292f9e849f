import { setImmediate } from 'node:timers/promises'
import { Fault, type Instant } from '@holdfast/kernel'
import type { Database, Tx } from '../../../platform/db/index.ts'
import { createAttributes } from './attributes.ts'
import type { Bitmap } from './bitmap.ts'
import { countEncoded } from './container-codec.ts'
import { decodeCursor, encodeCursor, type Sort } from './cursor.ts'
import { allOf, everything, type Field, type Filter, fieldKey } from './filter.ts'
import { createFinder, mostPostings, tooWide } from './finder.ts'
import { type BatchLimits, createIndexWriter, type DeviceChange } from './index-writer.ts'
import type { LastSeen } from './last-seen.ts'
import { createNameOrder, type NamePage, sliceByNumber } from './name-order.ts'
import { listPostings, type Posting } from './packed-postings.ts'
import { listValues } from './store.ts'
import { afterValues, decodeValue, firstValue, keyAfter, type Value } from './value.ts'

/** Milliseconds that a search may spend on taking in changes before it answers from what the index has. */
const catchUpBudget = 15
const longestPage = 500
const deepestOffset = 5_000
const mostFacets = 1_000
/** Values counted before others get the main thread. */
const facetsPerTurn = 50

export interface Question {
  readonly organisation: string
  readonly filter: Filter
  /** What the asker may see at all; joined with the filter. */
  readonly within?: Filter
}

export interface SearchRequest extends Question {
  /** The beginning of a name, an id or any other value. */
  readonly text?: string
  readonly sort?: Sort
  /** `next` of the page before. */
  readonly cursor?: string
  readonly offset?: number
  readonly limit: number
}

export interface SearchPage {
  readonly numbers: readonly number[]
  readonly total: number
  /** False: there are more than `total`, because the text was found too often to read every match. */
  readonly exact: boolean
  /** Present when there is more; a page may be shorter than its limit and still have a next one. */
  readonly next?: string
  /** False while a large import is being taken in: what was written last may be missing. */
  readonly upToDate: boolean
}

export interface Facet {
  readonly value: Value
  readonly count: number
}

export interface DeviceSearchNeeds {
  readonly db: Database
  readonly lastSeen: LastSeen
  readonly now: () => Instant
}

export type DeviceSearch = ReturnType<typeof createDeviceSearch>

/** Finds devices by what the index knows about them; all answers are device numbers. */
export function createDeviceSearch({ db, lastSeen, now }: DeviceSearchNeeds) {
  const attributes = createAttributes({ db })
  const writer = createIndexWriter({ db, attributes })
  const finder = createFinder({ db, attributes, lastSeen })
  const byName = createNameOrder({ db, attributes, finder })

  const find = ({ organisation, filter, within = everything }: Question) =>
    finder.find(organisation, allOf([within, filter]), now())

  /** One place more than asked for tells whether there is a next page. */
  async function placesOf(request: SearchRequest, sort: Sort, matches: Bitmap): Promise<NamePage> {
    const after = request.cursor === undefined ? undefined : decodeCursor(sort, request.cursor)
    const offset = request.offset ?? 0
    const { organisation } = request
    const limit = request.limit + 1
    if (sort.by === 'number') {
      const numbers = sliceByNumber(matches, sort.descending, after, offset, limit)
      return { places: numbers.map((number) => ({ number })) }
    }
    if (offset > deepestOffset) throw tooDeep()
    if (sort.by === 'seen') {
      const behind = after === undefined ? undefined : { number: after.number, seen: Number(after.key) }
      const places = lastSeen.firstBySeen(matches, offset + limit, sort.descending, behind)
      return { places: places.slice(offset).map(({ number, seen }) => ({ number, key: seen })) }
    }
    const page = await byName({
      organisation,
      within: matches,
      descending: sort.descending,
      after,
      limit: offset + limit,
    })
    if (offset > 0 && page.resume !== undefined && page.places.length < offset + limit) throw tooDeep()
    return { ...page, places: page.places.slice(offset) }
  }

  return {
    /** For writers: notes a change of one device in their own transaction, after they wrote its row. */
    record: (tx: Tx, change: DeviceChange): Promise<void> => writer.record(tx, change),

    /** For a background job: one bounded batch; returns how many changes it applied. */
    async catchUp(limits?: BatchLimits): Promise<number> {
      await attributes.learn()
      return writer.catchUp(limits)
    },

    /** One page and the number of all matches. Throws `devices.filter_too_wide`, `devices.cursor_malformed`. */
    async search(request: SearchRequest): Promise<SearchPage> {
      const limit = Math.min(Math.max(1, request.limit), longestPage)
      const upToDate = await writer.settle(catchUpBudget)
      const matches = await find(request)
      const text = request.text?.trim() ?? ''
      const found = text === '' ? undefined : await finder.findText(request.organisation, text)
      const all = found === undefined ? matches : matches.and(found.numbers)
      const sort = request.sort ?? { by: 'number', descending: false }
      const { places, resume } = await placesOf({ ...request, limit }, sort, all)
      const shown = places.slice(0, limit)
      const next = places.length > limit ? shown.at(-1) : resume
      return {
        numbers: shown.map((place) => place.number),
        total: all.count,
        exact: found?.complete ?? true,
        upToDate,
        ...(next === undefined ? {} : { next: encodeCursor(sort, next) }),
      }
    },

    async count(question: Question): Promise<number> {
      await writer.settle(catchUpBudget)
      return (await find(question)).count
    },

    /** Every match, exactly, including what was written a moment ago: for a snapshot that is kept. */
    async population(question: Question): Promise<Bitmap> {
      await writer.requireSettled()
      return find(question)
    },

    /** How many matches have each value of `field`, most frequent first; throws `devices.filter_too_wide`. */
    async facets(question: Question, field: Field, limit = 50): Promise<Facet[]> {
      await writer.settle(catchUpBudget)
      const attribute = await attributes.find(question.organisation, fieldKey(field))
      if (attribute === undefined) return []
      const matches = await find(question)
      const values = await listValues(db.read, { attribute, from: firstValue, to: afterValues, limit: mostFacets + 1 })
      if (values.length > mostFacets) throw tooWide(fieldKey(field))
      const counts = new FacetCounts(matches)
      for (let start = 0; start < values.length; start += facetsPerTurn) {
        const part = values.slice(start, start + facetsPerTurn)
        const range = { from: part[0] ?? firstValue, to: keyAfter(part.at(-1) ?? firstValue) }
        for (const posting of await listPostings(db.read, { attribute, ...range, limit: mostPostings }))
          counts.add(posting)
        await setImmediate()
      }
      return counts.sorted(limit)
    },
  }
}

/** Counts what the postings share with `matches`, value by value. */
class FacetCounts {
  readonly #matches: Bitmap
  readonly #bits = new Map<number, Uint32Array>()
  readonly #counts = new Map<string, { readonly value: Value; count: number }>()

  constructor(matches: Bitmap) {
    this.#matches = matches
  }

  add({ value, block, members }: Posting): void {
    const bits = this.#bits.get(block) ?? this.#matches.bitsOf(block)
    this.#bits.set(block, bits)
    const facet = this.#counts.get(value) ?? { value: decodeValue(Buffer.from(value, 'hex')), count: 0 }
    facet.count += countEncoded(bits, members)
    this.#counts.set(value, facet)
  }

  sorted(limit: number): Facet[] {
    const facets = [...this.#counts.values()].filter((facet) => facet.count > 0)
    return facets.sort((a, b) => b.count - a.count).slice(0, limit)
  }
}

function tooDeep(): Fault {
  return new Fault(
    'limited',
    'devices.page_too_deep',
    `In this order at most ${deepestOffset} devices can be skipped; go on from the cursor, or sort by number`,
  )
}
