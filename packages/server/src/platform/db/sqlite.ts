import { chmodSync, closeSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { Fault } from '@holdfast/kernel'
import { Kysely } from 'kysely'
import type { Database, Tx } from './database.ts'
import { runDirectly } from './direct.ts'
import { sqliteDialect } from './sqlite-dialect.ts'
import type { Tables } from './tables.ts'

interface Job {
  readonly work: (tx: Tx) => Promise<unknown>
  readonly resolve: (value: unknown) => void
  readonly reject: (reason: unknown) => void
}

const maxBatch = 256
const sqliteFull = 13
const sqliteReadOnly = 8

/**
 * The embedded engine: WAL with `synchronous=FULL`, one writing connection and one that reads committed data.
 * Writers that are waiting together share one commit, because its fsync costs as much as hundreds of statements.
 */
export function openSqlite(file: string): Database {
  createPrivately(file)
  const writer = new DatabaseSync(file)
  writer.exec(
    'pragma page_size=4096; pragma journal_mode=wal; pragma synchronous=full; pragma foreign_keys=on; pragma busy_timeout=5000; pragma cache_size=-16000; pragma temp_store=memory',
  )
  const reader = new DatabaseSync(file, { readOnly: true })
  reader.exec('pragma busy_timeout=5000; pragma cache_size=-32000; pragma temp_store=memory')
  const read = open(reader)
  const tx = open(writer) as Tx
  const batches = new WriteBatches(writer, tx)
  return {
    engine: 'sqlite',
    read,
    write: <T>(work: (tx: Tx) => Promise<T>) => batches.add(work),
    exclusively: <T>(work: (tx: Tx) => Promise<T>) => batches.add(work),
    onCommit: (listener) => batches.listeners.push(listener),
    async close() {
      await batches.idle()
      writer.exec('pragma wal_checkpoint(truncate)')
      reader.close()
      writer.close()
    },
  }
}

function open(connection: DatabaseSync): Kysely<Tables> {
  const { dialect, run } = sqliteDialect(connection)
  const db = new Kysely<Tables>({ dialect })
  runDirectly(db, run)
  return db
}

function createPrivately(file: string): void {
  if (file === ':memory:') throw new Fault('refused', 'platform.not_durable', 'an in-memory database is not durable')
  closeSync(openSync(file, 'a', 0o600))
  chmodSync(file, 0o600)
}

class WriteBatches {
  readonly listeners: (() => void)[] = []
  readonly #connection: DatabaseSync
  readonly #tx: Tx
  #waiting: Job[] = []
  #running: Promise<void> | undefined

  constructor(connection: DatabaseSync, tx: Tx) {
    this.#connection = connection
    this.#tx = tx
  }

  add<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ work, resolve: resolve as (value: unknown) => void, reject })
      this.#running ??= this.#run()
    })
  }

  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  async #run(): Promise<void> {
    // Let every request that is already readable join the first batch.
    await turn()
    while (this.#waiting.length > 0) {
      await this.#commit(this.#waiting.splice(0, maxBatch))
      await turn()
    }
    this.#running = undefined
    if (this.#waiting.length > 0) this.#running = this.#run()
  }

  async #commit(batch: readonly Job[]): Promise<void> {
    const settle: (() => void)[] = []
    try {
      this.#connection.exec('begin immediate')
      for (const job of batch) settle.push(await this.#attempt(job))
      this.#connection.exec('commit')
    } catch (thrown) {
      if (this.#connection.isTransaction) this.#connection.exec('rollback')
      for (const job of batch) job.reject(writeFault(thrown))
      return
    }
    for (const act of settle) act()
    for (const listener of this.listeners) listener()
  }

  async #attempt(job: Job): Promise<() => void> {
    this.#connection.exec('savepoint job')
    try {
      const result = await job.work(this.#tx)
      this.#connection.exec('release job')
      return () => job.resolve(result)
    } catch (thrown) {
      // A full disk may have rolled the whole transaction back already; then no one in the batch is served.
      if (!this.#connection.isTransaction) throw thrown
      this.#connection.exec('rollback to job; release job')
      const fault = writeFault(thrown)
      return () => job.reject(fault)
    }
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function writeFault(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || !('errcode' in thrown)) return thrown
  const primary = Number(thrown.errcode) & 0xff
  if (primary === sqliteFull || primary === sqliteReadOnly || Number(thrown.errcode) === 10 /* SQLITE_IOERR */) {
    return new Fault('unavailable', 'platform.disk_full', 'the database cannot be written: is the disk full?', {
      cause: thrown,
      retryAfter: 30,
    })
  }
  return thrown
}
