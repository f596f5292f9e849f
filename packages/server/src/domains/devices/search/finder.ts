import { setImmediate } from 'node:timers/promises'
import { Fault, type Instant } from '@holdfast/kernel'
import type { Database } from '../../../platform/db/index.ts'
import type { Attributes } from './attributes.ts'
import { Bitmap, BitmapBuilder } from './bitmap.ts'
import { registeredField } from './changes.ts'
import { patternPrefix } from './compare-values.ts'
import { seenBounds, valueMatches } from './facts.ts'
import { type AgeTerm, type Filter, type Term, termsOf } from './filter.ts'
import type { LastSeen } from './last-seen.ts'
import {
  listFewMembers,
  listMembers,
  listMembersAnywhere,
  type Members,
  type RangeArguments,
} from './packed-postings.ts'
import { valueOfWord } from './parse-filter.ts'
import { combine, type Probe, probeOf } from './plan.ts'
import { listIds, listValues } from './store.ts'
import {
  anyValue,
  decodeValue,
  encodeValue,
  firstValue,
  type KeyRange,
  keyAfter,
  printed,
  textPrefixRange,
  type Value,
} from './value.ts'

/** Postings that one comparison may read, and one text: what bounds the time of a search. */
export const mostPostings = 20_000
const mostTextPostings = 12_000
/** Distinct values that one comparison may test, or one count by value may list. */
const mostValues = 4_000
/** Up to here the containers of a value are large, and better read one by one. */
const fewValues = 100

/** Milliseconds after which a search of many comparisons lets others have the main thread. */
const longestTurn = 15

export interface Found {
  readonly numbers: Bitmap
  /** False when a text was found so often that not every match was read. */
  readonly complete: boolean
}

export interface FinderNeeds {
  readonly db: Database
  readonly attributes: Attributes
  readonly lastSeen: LastSeen
}

export type Finder = ReturnType<typeof createFinder>

/** Answers filters and texts with sets of device numbers, always of one organisation. */
export function createFinder({ db, attributes, lastSeen }: FinderNeeds) {
  async function read(organisation: string, probe: Probe): Promise<Bitmap> {
    const attribute = await attributes.find(organisation, probe.field)
    if (attribute === undefined) return Bitmap.empty
    const found = new BitmapBuilder()
    let rest = mostPostings
    for (const range of probe.ranges) {
      const { from, to, test, wide } = range
      const wanted = { attribute, from, to, limit: rest + 1 }
      rest -=
        test === undefined
          ? await collectAll((wide ? listMembers : listFewMembers)(db.read, wanted), found)
          : await collectTested(wanted, test, found)
      if (rest < 0) throw tooWide(probe.field)
    }
    return found.build()
  }

  /** Reads the distinct values first: far fewer than postings, and only what passes is read whole. */
  async function collectTested(wanted: RangeArguments, test: (value: Value) => boolean, found: BitmapBuilder) {
    const values = await listValues(db.read, { ...wanted, limit: mostValues + 1 })
    if (values.length > mostValues) return wanted.limit
    const list = values.length <= fewValues ? listFewMembers : listMembers
    let read = 0
    for (const range of passingRanges(values, test)) {
      if (read >= wanted.limit) break
      read += await collectAll(list(db.read, { ...wanted, ...range, limit: wanted.limit - read }), found)
    }
    return read
  }

  async function matches(organisation: string, term: Term, everyone: Bitmap, now: Instant): Promise<Bitmap> {
    if (term.is === 'age') {
      if (term.of === 'seen') return lastSeen.between(everyone, ...seenBounds(term, now))
      return read(organisation, probeOf({ ...term, of: term.of }, now))
    }
    if (term.field.scope === 'system' && term.field.name === 'id') return readIds(organisation, term)
    return read(organisation, probeOf(term, now))
  }

  // Ids stand in the device table, which has an index of them, and not in the postings.
  async function readIds(organisation: string, term: Exclude<Term, AgeTerm>): Promise<Bitmap> {
    const found = new BitmapBuilder()
    for (const { from, to, test } of idRanges(term)) {
      const rows = await listIds(db.read, { organisation, from, to, limit: mostPostings + 1 })
      if (rows.length > mostPostings) throw tooWide('system.id')
      for (const row of rows) if (test(row.id)) found.add(row.number)
    }
    return found.build()
  }

  const everyoneOf = (organisation: string) =>
    read(organisation, { field: registeredField, ranges: [{ from: anyValue, to: firstValue }] })

  return {
    /** Every device of the organisation. */
    everyoneOf,

    /** Exact; throws `devices.filter_too_wide` when a term would have to go through too many values. */
    async find(organisation: string, filter: Filter, now: Instant): Promise<Bitmap> {
      const everyone = await everyoneOf(organisation)
      const found = new Map<Term, Bitmap>()
      let turn = performance.now()
      for (const term of termsOf(filter)) {
        if (performance.now() - turn > longestTurn) {
          await setImmediate()
          turn = performance.now()
        }
        found.set(term, await matches(organisation, term, everyone, now))
      }
      return combine(filter, everyone, found)
    },

    /** Devices with a value that begins with `text`, ignoring case, in any attribute. */
    async findText(organisation: string, text: string): Promise<Found> {
      const found = new BitmapBuilder()
      const word = valueOfWord(text)
      let rest = mostTextPostings
      const search = async (range: KeyRange) => {
        if (rest <= 0) return
        rest -= await collectAll(listMembersAnywhere(db.read, { organisation, ...range, limit: rest }), found)
      }
      await search(textPrefixRange(text))
      if (typeof word === 'number') {
        const key = encodeValue(word)
        await search({ from: key, to: Uint8Array.of(...key, 0) })
      }
      const ids = await listIds(db.read, {
        organisation,
        from: printed(text),
        to: `${printed(text)}~`,
        limit: mostPostings,
      })
      for (const row of ids) found.add(row.number)
      return { numbers: found.build(), complete: rest > 0 && ids.length < mostTextPostings }
    },

    read,
  }
}

/** Joins neighbouring values that pass into one range. */
function passingRanges(values: readonly Uint8Array[], test: (value: Value) => boolean): KeyRange[] {
  const ranges: { from: Uint8Array; to: Uint8Array }[] = []
  let open = false
  for (const value of values) {
    const passes = test(decodeValue(value))
    const last = ranges.at(-1)
    if (passes && open && last !== undefined) last.to = keyAfter(value)
    else if (passes) ranges.push({ from: value, to: keyAfter(value) })
    open = passes
  }
  return ranges
}

async function collectAll(reading: Promise<Members[]>, found: BitmapBuilder): Promise<number> {
  const postings = await reading
  for (const { block, members } of postings) found.addEncoded(block, members)
  return postings.length
}

interface IdRange {
  readonly from: string
  readonly to: string
  readonly test: (id: string) => boolean
}

/** Ids are lower-case UUIDs, so `~` sorts behind everything that one may hold. */
function idRanges(term: Exclude<Term, AgeTerm>): IdRange[] {
  if (term.is === 'has') return [{ from: '', to: '~', test: () => true }]
  if (term.is === 'range') return [{ from: '', to: '~', test: (id) => valueMatches(term, id) }]
  if (term.is === 'like') {
    const prefix = patternPrefix(term.pattern)
    return [{ from: prefix, to: `${prefix}~`, test: (id) => valueMatches(term, id) }]
  }
  const values = term.is === 'equal' ? [term.value] : term.values
  return values.map((value) => ({ from: printed(value), to: printed(value), test: () => true }))
}

export function tooWide(field: string): Fault {
  return new Fault(
    'limited',
    'devices.filter_too_wide',
    `“${field.replace(/^system\./, '')}” has too many different values for this comparison; use =, in, or like with a longer beginning`,
  )
}
