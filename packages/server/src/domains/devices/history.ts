import { Fault } from '@holdfast/kernel'
import type { Answer, Input, operations } from '@holdfast/protocol'
import type { Database } from '../../platform/db/index.ts'
import type { AttributeValue } from './device.ts'
import type { InventoryFields } from './field-names.ts'
import { time } from './lists.ts'
import type { Operate, Operator } from './operate.ts'

type Wire = typeof operations.devices.inventoryHistory

export interface HistoryNeeds {
  readonly db: Database
  readonly fields: InventoryFields
  readonly operate: Operate
}

interface Place {
  readonly revision: number
  readonly index: number
}

export type History = ReturnType<typeof createHistory>

/** What a device's inventory was, newest change first. A device keeps a few hundred changes, so all are looked at. */
export function createHistory({ db, fields, operate }: HistoryNeeds) {
  return {
    async list(operator: Operator, id: string, query: Input<Wire>['query']): Promise<Answer<Wire>> {
      const device = await operate.requireVisible(operator, id)
      const after = query.cursor === undefined ? undefined : readCursor(query.cursor)
      const rows = await db.read
        .selectFrom('inventory_change')
        .selectAll()
        .where('device', '=', device.number)
        .where('revision', '<=', after?.revision ?? Number.MAX_SAFE_INTEGER)
        .orderBy('revision', 'desc')
        .execute()
      const items: (Answer<Wire>['items'][number] & Place)[] = []
      for (const { revision, at, changes } of rows) {
        const parsed = JSON.parse(changes) as [string, AttributeValue | null, AttributeValue | null][]
        const nameOf = await fields.namesOf(
          db.read,
          device.organisation,
          parsed.map(([key]) => key),
        )
        for (const [index, [key, before, after_]] of parsed.entries()) {
          if (after !== undefined && revision === after.revision && index <= after.index) continue
          const name = nameOf(key)
          if (query.name !== undefined && query.name !== name) continue
          items.push({
            revision,
            index,
            scope: 'inventory',
            name,
            ...(before === null ? {} : { before: before as string }),
            ...(after_ === null ? {} : { after: after_ as string }),
            at: time(at),
          })
        }
        if (items.length > query.limit) break
      }
      const page = items.slice(0, query.limit)
      const last = page.at(-1)
      return {
        items: page.map(({ revision: _, index: __, ...item }) => item),
        ...(items.length > page.length && last !== undefined ? { next: `${last.revision}.${last.index}` } : {}),
      }
    },
  }
}

function readCursor(text: string): Place {
  const [, revision, index] = /^(\d{1,15})\.(\d{1,6})$/.exec(text) ?? []
  if (revision === undefined || index === undefined) {
    throw new Fault('malformed', 'devices.cursor_malformed', 'not a cursor of this list', { at: 'cursor' })
  }
  return { revision: Number(revision), index: Number(index) }
}
