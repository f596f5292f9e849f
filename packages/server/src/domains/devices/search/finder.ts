import { Fault, type Instant } from '@holdfast/kernel'
import type { Database } from '../../../platform/db/index.ts'
import type { Attributes } from './attributes.ts'
import { Bitmap, BitmapBuilder } from './bitmap.ts'
import { registeredField } from './changes.ts'
import { patternPrefix } from './compare-values.ts'
import { decodeContainer } from './container-codec.ts'
import { seenMatches, valueMatches } from './facts.ts'
import { type AgeTerm, type Filter, type Term, termsOf } from './filter.ts'
import type { LastSeen } from './last-seen.ts'
import { valueOfWord } from './parse-filter.ts'
import { combine, type Probe, probeOf } from './plan.ts'
import { listIds, listPostings, listPostingsAnywhere, type Posting } from './store.ts'
import {
  anyValue,
  compareKeys,
  decodeValue,
  encodeValue,
  firstValue,
  type KeyRange,
  printed,
  textPrefixRange,
} from './value.ts'

/** Postings that one search may read: what bounds its time. */
export const mostPostings = 20_000

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
      const postings = await listPostings(db.read, { attribute, ...range, limit: rest + 1 })
      rest -= postings.length
      if (rest < 0) throw tooWide(probe.field)
      collect(postings, probe.test, found)
    }
    return found.build()
  }

  async function matches(organisation: string, term: Term, everyone: Bitmap, now: Instant): Promise<Bitmap> {
    if (term.is === 'age') {
      if (term.of === 'seen') return lastSeen.matching(everyone, (seen) => seenMatches(term, seen, now))
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
      for (const term of termsOf(filter)) found.set(term, await matches(organisation, term, everyone, now))
      return combine(filter, everyone, found)
    },

    /** Devices with a value that begins with `text`, ignoring case, in any attribute. */
    async findText(organisation: string, text: string): Promise<Found> {
      const found = new BitmapBuilder()
      const word = valueOfWord(text)
      let rest = mostPostings
      const search = async (range: KeyRange) => {
        if (rest <= 0) return
        const postings = await listPostingsAnywhere(db.read, { organisation, ...range, limit: rest })
        rest -= postings.length
        collect(postings, undefined, found)
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
      return { numbers: found.build(), complete: rest > 0 && ids.length < mostPostings }
    },

    read,
  }
}

function collect(postings: readonly Posting[], test: Probe['test'], found: BitmapBuilder): void {
  let decided: { value: Uint8Array; passes: boolean } | undefined
  for (const { value, block, members } of postings) {
    if (test !== undefined) {
      if (decided === undefined || compareKeys(decided.value, value) !== 0) {
        decided = { value, passes: test(decodeValue(value)) }
      }
      if (!decided.passes) continue
    }
    found.addContainer(block, decodeContainer(members))
  }
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

function tooWide(field: string): Fault {
  return new Fault(
    'limited',
    'devices.filter_too_wide',
    `“${field.replace(/^system\./, '')}” has too many different values for this comparison; use =, in, or like with a longer beginning`,
  )
}
