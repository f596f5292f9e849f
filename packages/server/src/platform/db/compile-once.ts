import type { CompiledQuery, Kysely } from 'kysely'
import type { Reader } from './database.ts'
import { directRunnerOf } from './direct.ts'
import type { Tables } from './tables.ts'

class Placeholder {
  readonly key: string
  constructor(key: string) {
    this.key = key
  }
}

interface Compilable<R> {
  compile(): CompiledQuery<R>
}

interface Compiled<R> {
  readonly query: CompiledQuery<R>
  /** For each SQL parameter: the name of the argument that fills it, or the constant itself. */
  readonly slots: readonly unknown[]
}

/**
 * A query that is built and compiled at its first use per connection pool and only bound afterwards: building one per
 * call costs several times its execution. `build` sees placeholders instead of values, so it must not
 * branch on them, and lists (`in`) are not possible.
 */
export function compileOnce<P extends object, R>(
  build: (db: Kysely<Tables>, arguments_: P) => Compilable<R>,
): (db: Reader, values: P) => Promise<R[]> {
  const compiled = new Map<string, Compiled<R>>()
  const placeholders = new Proxy({}, { get: (_, key) => new Placeholder(String(key)) }) as P
  return async (db, values) => {
    const dialect = db.getExecutor().adapter.constructor.name
    let entry = compiled.get(dialect)
    if (entry === undefined) {
      const query = build(db, placeholders).compile()
      entry = { query, slots: query.parameters }
      compiled.set(dialect, entry)
    }
    const named = values as Record<string, unknown>
    const parameters = entry.slots.map((slot) => (slot instanceof Placeholder ? named[slot.key] : slot))
    const run = directRunnerOf(db)
    if (run !== undefined) return run(entry.query.sql, parameters) as R[]
    return (await db.executeQuery<R>({ ...entry.query, parameters })).rows
  }
}
