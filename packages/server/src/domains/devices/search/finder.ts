import { Fault, type Instant } from '@holdfast/kernel'
import type { Database } from '../../../platform/db/index.ts'
import type { Attributes } from './attributes.ts'
import { Bitmap, BitmapBuilder } from './bitmap.ts'
import { registeredField } from './changes.ts'
import { decodeContainer } from './container-codec.ts'
import { seenMatches } from './facts.ts'
import { type Filter, type Term, termsOf } from './filter.ts'
import type { LastSeen } from './last-seen.ts'
import { valueOfWord } from './parse-filter.ts'
import { combine, type Probe, probeOf } from './plan.ts'
import { listPostings, listPostingsAnywhere, type Posting } from './store.ts'
import { anyValue, compareKeys, decodeValue, encodeValue, firstValue, type KeyRange, textPrefixRange } from './value.ts'

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
    return read(organisation, probeOf(term, now))
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
      return { numbers: found.build(), complete: rest > 0 }
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

function tooWide(field: string): Fault {
  return new Fault(
    'limited',
    'devices.filter_too_wide',
    `“${field.replace(/^system\./, '')}” has too many different values for this comparison; use =, in, or like with a longer beginning`,
  )
}
