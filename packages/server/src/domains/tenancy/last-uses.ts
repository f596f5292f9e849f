import type { Instant } from '@holdfast/kernel'
import type { Database } from '../../platform/db/index.ts'
import { putUses } from './session-store.ts'

/** Tells the database when credentials were last used, many at a time. */
export function createLastUses(db: Database) {
  let pending = { session: new Map<string, Instant>(), token: new Map<string, Instant>() }
  let running: Promise<void> | undefined
  const flush = async (): Promise<void> => {
    const taken = pending
    pending = { session: new Map(), token: new Map() }
    await db.write(async (tx) => {
      await putUses(tx, 'person_session', taken.session)
      await putUses(tx, 'api_token', taken.token)
    })
  }
  return {
    note(via: 'session' | 'token', tokenHash: string, at: Instant): void {
      pending[via].set(tokenHash, at)
      // A database that cannot be written must not keep people from reading; the next use tries again.
      running ??= flush()
        .catch(() => {})
        .finally(() => {
          running = undefined
        })
    },
    async settled(): Promise<void> {
      await running
    },
  }
}
