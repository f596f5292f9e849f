import { type Clock, Fault } from '@holdfast/kernel'
import { LRUCache } from 'lru-cache'
import type { Database } from '../../platform/db/index.ts'
import type { AccessScope } from '../../platform/http/caller.ts'
import type { Products } from '../products/index.ts'
import { type Group, listGroups } from './group-store.ts'
import { type Catalogue, equals, filterOfGroup, nothing, resolveFilter } from './resolve-filter.ts'
import { type DeviceFacts, matchesFilter } from './search/facts.ts'
import { anyOf, everything, type Filter } from './search/filter.ts'
import { parseFilter } from './search/parse-filter.ts'

/** Names are read again after this long even when nothing said that they changed. */
const longestKept = 5_000

interface Known extends Catalogue {
  /** The dynamic groups of a device. */
  readonly dynamicGroups: (facts: DeviceFacts) => readonly string[]
}

export type Filters = ReturnType<typeof createFilters>

/** Filters as people write them, made into filters that devices can be held against. */
export function createFilters({ db, products, clock }: { db: Database; products: Products; clock: Clock }) {
  const cache = new LRUCache<string, { known: Promise<Known>; readAt: number }>({ max: 1_000 })

  function knownOf(organisation: string): Promise<Known> {
    const cached = cache.get(organisation)
    if (cached !== undefined && clock.now() - cached.readAt <= longestKept) return cached.known
    const known = load(organisation)
    cache.set(organisation, { known, readAt: clock.now() })
    known.catch(() => cache.delete(organisation))
    return known
  }

  async function load(organisation: string): Promise<Known> {
    const groups = await listGroups(db.read, organisation)
    const catalogue = { groups, products: await products.list(organisation) }
    const dynamic = groups.flatMap((group) =>
      group.filter === undefined ? [] : [{ id: group.id, filter: orNothing(() => filterOfGroup(group, catalogue)) }],
    )
    const dynamicGroups = (facts: DeviceFacts) =>
      dynamic.filter(({ filter }) => matchesFilter(filter, facts, clock.now())).map(({ id }) => id)
    return { ...catalogue, dynamicGroups }
  }

  return {
    /** Throws `devices.filter_malformed` or `devices.filter_too_large`. */
    async read(organisation: string, text: string | undefined): Promise<Filter> {
      const filter = parseFilter(text ?? '')
      return filter.is === 'everything' ? filter : resolveFilter(filter, await knownOf(organisation))
    },

    /** Who is in a group; throws `devices.group_missing`. */
    async ofGroup(organisation: string, id: string): Promise<Filter> {
      const known = await knownOf(organisation)
      const group = known.groups.find((one) => one.id === id)
      if (group === undefined) throw new Fault('missing', 'devices.group_missing', 'there is no such group')
      return filterOfGroup(group, known)
    },

    /** Throws where a group would refer to itself, or its filter cannot be read. */
    async verifyGroup(organisation: string, group: Group): Promise<void> {
      const { groups, products: named } = await load(organisation)
      const changed = { groups: [...groups.filter(({ id }) => id !== group.id), group], products: named }
      resolveFilter(filterOfGroup(group, changed), changed)
    },

    /** What somebody may see at all. */
    async ofScope(organisation: string, scope: AccessScope): Promise<Filter> {
      if (scope === 'everywhere') return everything
      const known = await knownOf(organisation)
      const parts = [
        ...[...scope.products].map((product) => equals('product', product)),
        ...known.groups
          .filter(({ id }) => scope.groups.has(id))
          .map((group) => orNothing(() => filterOfGroup(group, known))),
      ]
      const [first, ...rest] = parts
      return first === undefined ? nothing : anyOf([first, ...rest])
    },

    dynamicGroups: async (organisation: string) => (await knownOf(organisation)).dynamicGroups,

    groups: async (organisation: string) => (await knownOf(organisation)).groups,

    products: async (organisation: string) => (await knownOf(organisation)).products,

    /** To be called when groups or products changed. */
    forget(organisation: string): void {
      cache.delete(organisation)
    },
  }
}

/** A group whose filter can no longer be resolved, because of what it refers to, has no members: closed, not open. */
function orNothing(read: () => Filter): Filter {
  try {
    return read()
  } catch (thrown) {
    if (thrown instanceof Fault) return nothing
    throw thrown
  }
}
