import { type Clock, newId } from '@holdfast/kernel'
import type { Database, Migration } from '../db/index.ts'

declare module '../db/tables.ts' {
  interface Tables {
    lease: { name: string; holder: string; expires_at: number }
  }
}

export const jobMigrations: readonly Migration[] = [
  {
    id: 'platform.1',
    statements: ({ int }) => [
      `create table lease (name text primary key, holder text not null, expires_at ${int} not null)`,
    ],
  },
]

export interface Job {
  /** Unique in the installation. */
  readonly name: string
  readonly everyMilliseconds: number
  /** Runs on one node at a time. Answers true when there is more to do at once. */
  run(): Promise<boolean | void>
}

export interface Jobs {
  add(job: Job): void
  /** Runs the job as soon as possible, without waiting for its turn. */
  wake(name: string): void
  /** Resolves when nothing runs any more; leases are given back. */
  stop(): Promise<void>
}

const leaseMilliseconds = 15_000

/** Runs jobs that must run on one node only: whoever holds a job's lease runs it, and a dead holder's lease runs out. */
export function createJobs(needs: {
  db: Database
  clock: Clock
  onFailure: (job: string, thrown: unknown) => void
}): Jobs {
  const holder = newId()
  const running = new Map<string, Runner>()
  return {
    add(job) {
      const runner = new Runner(job, new Lease(needs.db, needs.clock, job.name, holder), needs.onFailure)
      running.set(job.name, runner)
      runner.start()
    },
    wake: (name) => running.get(name)?.wake(),
    async stop() {
      await Promise.all([...running.values()].map((runner) => runner.stop()))
    },
  }
}

class Lease {
  #until = 0
  readonly #db: Database
  readonly #clock: Clock
  readonly #name: string
  readonly #holder: string

  constructor(db: Database, clock: Clock, name: string, holder: string) {
    this.#db = db
    this.#clock = clock
    this.#name = name
    this.#holder = holder
  }

  /** True while this node may run the job; renewed when a third of its time is left. */
  async hold(): Promise<boolean> {
    const now = this.#clock.now()
    if (this.#until - now > leaseMilliseconds / 3) return true
    const row = { name: this.#name, holder: this.#holder, expires_at: now + leaseMilliseconds }
    const got = await this.#db.write(async (tx) => {
      const held = await tx.selectFrom('lease').selectAll().where('name', '=', this.#name).executeTakeFirst()
      if (held !== undefined && held.holder !== this.#holder && held.expires_at > now) return false
      await tx
        .insertInto('lease')
        .values(row)
        .onConflict((conflict) =>
          conflict.column('name').doUpdateSet({ holder: row.holder, expires_at: row.expires_at }),
        )
        .execute()
      return true
    })
    this.#until = got ? row.expires_at : 0
    return got
  }

  async release(): Promise<void> {
    if (this.#until === 0) return
    await this.#db.write((tx) =>
      tx.deleteFrom('lease').where('name', '=', this.#name).where('holder', '=', this.#holder).execute(),
    )
  }
}

class Runner {
  readonly #job: Job
  readonly #lease: Lease
  readonly #onFailure: (job: string, thrown: unknown) => void
  #timer: NodeJS.Timeout | undefined
  #busy: Promise<void> | undefined
  #again = false
  #stopped = false

  constructor(job: Job, lease: Lease, onFailure: (job: string, thrown: unknown) => void) {
    this.#job = job
    this.#lease = lease
    this.#onFailure = onFailure
  }

  start(): void {
    this.#schedule(0)
  }

  wake(): void {
    if (this.#busy !== undefined) this.#again = true
    else this.#schedule(0)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#busy
    await this.#lease.release().catch(() => {})
  }

  #schedule(delay: number): void {
    if (this.#stopped) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#busy = this.#turn().finally(() => {
        this.#busy = undefined
      })
    }, delay)
  }

  async #turn(): Promise<void> {
    let more = false
    this.#again = false
    try {
      if (await this.#lease.hold()) more = (await this.#job.run()) === true
    } catch (thrown) {
      this.#onFailure(this.#job.name, thrown)
    }
    this.#schedule(more || this.#again ? 0 : this.#job.everyMilliseconds)
  }
}
