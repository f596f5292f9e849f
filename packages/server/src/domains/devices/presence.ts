import type { Clock, Instant } from '@holdfast/kernel'
import { sql } from 'kysely'
import type { Database, Tx } from '../../platform/db/index.ts'
import type { DevicePrincipal } from './device.ts'
import type { LastSeen } from './search/last-seen.ts'

/** Rows in one commit, which holds everything up for some milliseconds: few commits delay fewer check-ins than small ones. */
const rowsPerCommit = 5_000
const rowsPerRead = 5_000
const flushEvery = 2_000
/** Other servers on the same database write what they saw; this is how late it may be known here. */
const rereadEvery = 60_000

export interface PresenceNeeds {
  readonly db: Database
  readonly clock: Clock
  readonly lastSeen: LastSeen
  readonly logDefect: (thrown: unknown) => void
}

export type Presence = ReturnType<typeof createPresence>

/** When devices last called: noted in memory at each call, written every other second. */
export function createPresence({ db, clock, lastSeen, logDefect }: PresenceNeeds) {
  let unwritten = new Map<number, Instant>()
  let running: Promise<void> | undefined
  let closed = false

  async function write(): Promise<void> {
    const batch = unwritten
    unwritten = new Map()
    const rows = [...batch]
    for (let start = 0; start < rows.length; start += rowsPerCommit) {
      try {
        await db.write((tx) => upsert(tx, db.engine, rows.slice(start, start + rowsPerCommit)))
      } catch (thrown) {
        for (const [device, seen] of rows.slice(start)) {
          unwritten.set(device, Math.max(seen, unwritten.get(device) ?? 0))
        }
        throw thrown
      }
    }
  }

  function flush(): Promise<void> {
    running ??= write().finally(() => {
      running = undefined
    })
    return running
  }

  async function load(): Promise<void> {
    for (let after = 0; !closed; ) {
      const rows = await db.read
        .selectFrom('presence')
        .selectAll()
        .where('device', '>', after)
        .orderBy('device')
        .limit(rowsPerRead)
        .execute()
      for (const { device, last_seen } of rows) lastSeen.note(device, last_seen)
      const last = rows.at(-1)
      if (last === undefined) return
      after = last.device
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  const timers = [
    setInterval(() => {
      if (unwritten.size > 0) flush().catch(logDefect)
    }, flushEvery),
  ]
  if (db.engine === 'postgres') timers.push(setInterval(() => load().catch(logDefect), rereadEvery))
  for (const timer of timers) timer.unref()

  return {
    seen({ number }: DevicePrincipal): void {
      const now = clock.now()
      lastSeen.note(number, now)
      unwritten.set(number, now)
    },

    /** Reads what earlier runs and other servers saw. */
    load,

    flush,

    async close(): Promise<void> {
      closed = true
      for (const timer of timers) clearInterval(timer)
      await running?.catch(() => {})
      await flush()
    },
  }
}

async function upsert(
  tx: Tx,
  engine: Database['engine'],
  rows: readonly (readonly [number, Instant])[],
): Promise<void> {
  const json = `{${rows.map(([device, seen]) => `"${device}":${seen}`).join()}}`
  // One statement with one parameter: its preparation does not depend on how many devices called.
  const source =
    engine === 'sqlite'
      ? sql`select key, value from json_each(${json}) where true`
      : sql`select key::bigint, value::bigint from json_each_text(${json}::json)`
  const keepLatest = sql`on conflict (device) do update set last_seen = excluded.last_seen where excluded.last_seen > presence.last_seen`
  await sql`insert into presence (device, last_seen) ${source} ${keepLatest}`.execute(tx)
}
