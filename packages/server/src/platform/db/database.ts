import type { Kysely } from 'kysely'
import type { Tables } from './tables.ts'

/** The right to read committed data. */
export type Reader = Kysely<Tables>

declare const writes: unique symbol

/** An open transaction: the right to write is this type. A `Tx` reads what it wrote and serves as a `Reader`. */
export type Tx = Kysely<Tables> & { readonly [writes]: true }

export type Engine = 'sqlite' | 'postgres'

export interface Database {
  readonly engine: Engine
  readonly read: Reader
  /**
   * Runs `work` in a transaction that is serialisable against all others and resolves only after the commit is
   * durable. `work` may run more than once (PostgreSQL retries conflicts) and must await nothing but its own
   * queries: on SQLite many transactions share one commit. Throws `platform.disk_full` when nothing can be written.
   */
  write<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /** Calls `listener` after each commit of this process. */
  onCommit(listener: () => void): void
  /** Runs statements outside of any transaction batch: migrations and maintenance only. */
  exclusively<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  close(): Promise<void>
}
