/** Runs a compiled statement and answers its rows. */
export type RunStatement = (sql: string, parameters: readonly unknown[]) => unknown[]

const runners = new WeakMap<object, RunStatement>()

/** Lets compiled statements of `db` skip the query builder's own way to its connection, which costs more than they do. */
export function runDirectly(db: object, run: RunStatement): void {
  runners.set(db, run)
}

export function directRunnerOf(db: object): RunStatement | undefined {
  return runners.get(db)
}
