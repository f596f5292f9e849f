import { Fault } from '@holdfast/kernel'
import { LRUCache } from 'lru-cache'
import { compileOnce, type Database, type Reader, type Tx } from '../../platform/db/index.ts'
import { createAttributes } from './search/attributes.ts'

const cachedOrganisations = 1_000
const scopePrefix = 'inventory.'

const selectNames = compileOnce((db, { organisation }: { organisation: string }) =>
  db
    .selectFrom('attribute')
    .select(['id', 'name'])
    .where('organisation', '=', organisation)
    .where('scope', '=', 'inventory'),
)

/** Names of inventory attributes by the key under which a device's record holds the value. */
export type FieldNames = (key: string) => string

export type InventoryFields = ReturnType<typeof createInventoryFields>

interface Names {
  readonly numbers: ReadonlyMap<number, string>
  readonly nameOf: FieldNames
}

function namesFrom(numbers: ReadonlyMap<number, string>): Names {
  return { numbers, nameOf: (key) => (key.startsWith(':') ? key.slice(1) : (numbers.get(Number(key)) ?? '')) }
}

const nobody = namesFrom(new Map())

/** Inventory is stored by the numbers that the search gives to attributes: names would be most of its bytes. */
export function createInventoryFields({ db }: { db: Database }) {
  const attributes = createAttributes({ db })
  const known = new LRUCache<string, Names>({ max: cachedOrganisations })

  async function load(reader: Reader, organisation: string): Promise<Map<number, string>> {
    const rows = await selectNames(reader, { organisation })
    return new Map(rows.map(({ id, name }) => [id, name]))
  }

  return {
    /** The key for a name, which is given a number if need be and if the organisation has any left. */
    async keyOf(tx: Tx, organisation: string, name: string): Promise<string> {
      try {
        return String(await attributes.require(tx, organisation, scopePrefix + name))
      } catch (thrown) {
        if (thrown instanceof Fault && thrown.kind === 'limited') return `:${name}`
        throw thrown
      }
    },

    /** The key for a name that was seen before; undefined for a new one. */
    async findKey(organisation: string, name: string): Promise<string | undefined> {
      const id = await attributes.find(organisation, scopePrefix + name)
      return id === undefined ? undefined : String(id)
    },

    /** How to name every one of `keys`. What a transaction has not committed yet is read, but not remembered. */
    async namesOf(reader: Reader, organisation: string, keys: Iterable<string>): Promise<FieldNames> {
      const names = known.get(organisation) ?? nobody
      for (const key of keys) {
        if (key.startsWith(':') || names.numbers.has(Number(key))) continue
        const read = namesFrom(await load(reader, organisation))
        if (reader === db.read) known.set(organisation, read)
        return read.nameOf
      }
      return names.nameOf
    },

    /** Remembers the numbers that transactions since the last call made; to be called outside of them. */
    learn: () => attributes.learn(),
  }
}
