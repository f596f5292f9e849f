import { Fault } from '@holdfast/kernel'
import { LRUCache } from 'lru-cache'
import type { Database, Tx } from '../../../platform/db/index.ts'
import { countAttributes, findAttribute, insertAttribute } from './store.ts'

/** Devices choose the names of their inventory; this bounds what one organisation's devices can make of it. */
const mostAttributes = 1_000
const cachedAttributes = 20_000

export type Attributes = ReturnType<typeof createAttributes>

/**
 * Field names to ids. An id never changes and is never removed, so it is cached for good, but only once it was
 * read from committed data: the transaction that makes one may still fail.
 */
export function createAttributes({ db }: { db: Database }) {
  const known = new LRUCache<string, number>({ max: cachedAttributes })
  const unseen = new Map<string, { organisation: string; field: string }>()
  const cacheKey = (organisation: string, field: string) => `${organisation}\0${field}`

  async function find(organisation: string, field: string): Promise<number | undefined> {
    const key = cacheKey(organisation, field)
    const cached = known.get(key)
    if (cached !== undefined) return cached
    const id = await findAttribute(db.read, attributeKey(organisation, field))
    if (id !== undefined) known.set(key, id)
    return id
  }

  return {
    find,

    /** The id of a field, which is made if need be; throws `devices.too_many_attributes`. */
    async require(tx: Tx, organisation: string, field: string): Promise<number> {
      const key = cacheKey(organisation, field)
      const cached = known.get(key)
      if (cached !== undefined) return cached
      if (unseen.size < mostAttributes) unseen.set(key, { organisation, field })
      const wanted = attributeKey(organisation, field)
      const id = await findAttribute(tx, wanted)
      if (id !== undefined) return id
      if ((await countAttributes(tx, organisation)) >= mostAttributes) {
        throw new Fault(
          'limited',
          'devices.too_many_attributes',
          `The devices of an organisation have at most ${mostAttributes} different attributes; “${field}” is one too many`,
        )
      }
      return insertAttribute(tx, wanted)
    },

    /** Caches what transactions since the last call asked for; to be called outside of them. */
    async learn(): Promise<void> {
      const wanted = [...unseen.values()]
      unseen.clear()
      for (const { organisation, field } of wanted) await find(organisation, field)
    },
  }
}

function attributeKey(organisation: string, field: string) {
  const dot = field.indexOf('.')
  return { organisation, scope: field.slice(0, dot), name: field.slice(dot + 1) }
}
