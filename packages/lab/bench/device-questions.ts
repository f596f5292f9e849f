import type { Client } from '@holdfast/client'
import { fleetMember } from './fleet-member.ts'

/** Devices of the fleet that is asked about. */
export const fleet = 1_000_000

type Query = NonNullable<NonNullable<Parameters<Client['devices']['list']>[0]>['query']>
/** A kind of question. */
export interface Shape {
  readonly name: string
  /** The query of one sample; samples ask about different devices and values. */
  readonly query: (sample: number) => Query
  /** How many devices it must find, where that is known. */
  readonly total?: number
}

const place = (sample: number) => (sample * 7_919 + 13) % fleet
const member = (sample: number) => fleetMember(place(sample))
const filter = (text: (sample: number) => string) => (sample: number) => ({ filter: text(sample), limit: 50 })
const versions = ['4.2.0', '4.3.0', '5.0.0', '5.1.0']

/** What people do with a list of devices: leaf through it, sort it, filter it, type into its search. */
export const shapes: readonly Shape[] = [
  { name: 'newest first', query: () => ({ sort: 'newest', limit: 50 }), total: fleet },
  { name: 'a page in the middle', query: (sample) => ({ offset: place(sample), limit: 50 }), total: fleet },
  { name: 'the longest page', query: (sample) => ({ offset: place(sample), limit: 200 }), total: fleet },
  { name: 'by last seen', query: () => ({ sort: 'last_seen', limit: 50 }), total: fleet },
  { name: 'by name', query: (sample) => ({ sort: 'name', offset: sample * 10, limit: 50 }), total: fleet },
  {
    name: 'one identity',
    query: filter((sample) => `identity.mac = "${member(sample).identity.mac}"`),
    total: 1,
  },
  { name: 'state and product', query: filter(() => 'state = accepted and product = bench-gateway'), total: fleet },
  { name: 'a common value', query: filter(() => 'inventory.os = "Debian GNU/Linux 12"'), total: fleet },
  { name: 'a rare value', query: filter((sample) => `inventory.site = "site-${String(sample).padStart(3, '0')}"`) },
  {
    name: 'a tag and a version',
    query: filter((sample) => `tag = beta and software = "gateway-${versions[sample % 4]}"`),
  },
  {
    name: 'numbers in a range',
    query: filter((sample) => `inventory.rack >= ${sample % 30} and inventory.rack < ${(sample % 30) + 5}`),
  },
  {
    name: 'versions below',
    query: filter(() => 'inventory.kernel < "6.0" and not inventory.country = DE'),
  },
  {
    name: 'a pattern',
    query: filter((sample) => `inventory.hostname like "${String(member(sample).inventory.hostname).slice(0, 7)}*"`),
  },
  {
    name: 'one of several',
    query: filter(() => 'inventory.country in (DE, FR, PL) and inventory.secure_boot = false'),
  },
  { name: 'silent for a day', query: filter(() => 'seen > 1d') },
  {
    name: 'six comparisons',
    query: filter(
      (sample) =>
        `inventory.country = DE and inventory.model in ("gw-200", "gw-210") and inventory.rack > ${sample % 20} and seen < 2h and not tag = beta and inventory.mem_total_kB >= 2000000`,
    ),
  },
  {
    name: 'text: a serial number',
    query: (sample) => ({ search: `HF${String(place(sample)).padStart(8, '0')}`, limit: 50 }),
    total: 1,
  },
  {
    name: 'text: part of a name',
    query: (sample) => ({ search: `Gateway ${String(place(sample)).padStart(7, '0').slice(0, 5)}`, limit: 50 }),
    total: 100,
  },
  { name: 'text: a very common word', query: () => ({ search: 'debian', limit: 50 }) },
]
