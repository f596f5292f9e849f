import type { Event } from '../../platform/bus/bus.ts'
import type { Database, Tx } from '../../platform/db/index.ts'
import type { Job } from '../../platform/jobs/jobs.ts'
import { eventOf } from './event-feed.ts'
import { findCursor, putCursor, recordsAfter } from './store.ts'

export interface Follower {
  /** Unique in the installation; names the place in the log that was reached. */
  readonly name: string
  /** Only events whose type begins with it are handled. */
  readonly prefix: string
  /** Handles one event in the transaction that also moves the place on: exactly once, on one node. */
  handle(tx: Tx, event: Event): Promise<void>
}

const batchSize = 200

/** Follows the log durably, from where it stopped, whatever happens to the process. The beginning is the log's beginning. */
export function followJob(db: Database, follower: Follower): Job {
  return {
    name: follower.name,
    everyMilliseconds: 250,
    async run() {
      const cursor = await findCursor(db.read, follower.name)
      if ((await recordsAfter(db.read, cursor, 1)).length === 0) return false
      return db.write(async (tx) => {
        const rows = await recordsAfter(tx, await findCursor(tx, follower.name), batchSize)
        for (const row of rows) {
          if (row.type.startsWith(follower.prefix)) await follower.handle(tx, eventOf(row))
        }
        const last = rows.at(-1)?.position
        if (last !== undefined && last !== null) await putCursor(tx, follower.name, last)
        return rows.length === batchSize
      })
    },
  }
}
