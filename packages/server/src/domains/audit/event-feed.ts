import type { Clock, Instant } from '@holdfast/kernel'
import type { Bus, Event } from '../../platform/bus/bus.ts'
import type { Database } from '../../platform/db/index.ts'
import { lastPosition, oldestWaiting, type RecordRow, recordsAfter } from './store.ts'

export interface EventFeed extends Bus {
  /** Looks for new events now; the feed of the node that sequenced them need not wait for its turn. */
  poke(): void
  /** Begins at the present. */
  start(): Promise<void>
  stop(): Promise<void>
}

const batchSize = 500
const pollMilliseconds = 200

/** The bus of one node: follows the sequenced audit records, which are the outbox. */
export function createEventFeed(needs: {
  db: Database
  clock: Clock
  onFailure: (thrown: unknown) => void
}): EventFeed {
  return new Feed(needs.db, needs.clock, needs.onFailure)
}

class Feed implements EventFeed {
  readonly #db: Database
  readonly #clock: Clock
  readonly #onFailure: (thrown: unknown) => void
  readonly #subscribers = new Set<{ prefix: string; handler: (event: Event) => void }>()
  #cursor = -1
  #caughtUpAt: Instant = 0
  #timer: NodeJS.Timeout | undefined
  #reading: Promise<void> | undefined
  #again = false
  #stopped = false

  constructor(db: Database, clock: Clock, onFailure: (thrown: unknown) => void) {
    this.#db = db
    this.#clock = clock
    this.#onFailure = onFailure
  }

  subscribe(prefix: string, handler: (event: Event) => void): () => void {
    const subscriber = { prefix, handler }
    this.#subscribers.add(subscriber)
    return () => this.#subscribers.delete(subscriber)
  }

  caughtUpAt(): Instant {
    return this.#caughtUpAt
  }

  poke(): void {
    if (this.#reading !== undefined) this.#again = true
    else this.#schedule(0)
  }

  async start(): Promise<void> {
    const now = this.#clock.now()
    this.#cursor = await lastPosition(this.#db.read)
    this.#caughtUpAt = now
    this.#schedule(pollMilliseconds)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#reading
  }

  #schedule(delay: number): void {
    if (this.#stopped) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#reading = this.#read().finally(() => {
        this.#reading = undefined
        this.#schedule(this.#again ? 0 : pollMilliseconds)
        this.#again = false
      })
    }, delay)
  }

  async #read(): Promise<void> {
    try {
      while (!this.#stopped) {
        const now = this.#clock.now()
        // What is not in order yet will be heard of later: until then this node does not know everything.
        const waiting = await oldestWaiting(this.#db.read)
        const rows = await recordsAfter(this.#db.read, this.#cursor, batchSize)
        for (const row of rows) this.#deliver(row)
        if (rows.length < batchSize) {
          this.#caughtUpAt = Math.min(now, waiting ?? now)
          return
        }
      }
    } catch (thrown) {
      this.#onFailure(thrown)
    }
  }

  #deliver(row: RecordRow): void {
    this.#cursor = row.position ?? this.#cursor
    const event = eventOf(row)
    for (const { prefix, handler } of this.#subscribers) {
      if (!event.type.startsWith(prefix)) continue
      try {
        handler(event)
      } catch (thrown) {
        this.#onFailure(thrown)
      }
    }
  }
}

export function eventOf(row: RecordRow): Event {
  const { subject, detail } = JSON.parse(row.body) as { subject: Event['subject']; detail?: Event['detail'] }
  return {
    position: row.position ?? -1,
    organisation: row.organisation,
    type: row.type,
    subject,
    at: row.at,
    detail: detail ?? {},
  }
}
