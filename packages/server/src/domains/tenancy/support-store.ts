import type { Instant } from '@holdfast/kernel'
import { compileOnce, type Reader } from '../../platform/db/index.ts'

const liveAccess = compileOnce((db, given: { organisation: string; key: string; now: number; joined: number }) =>
  db
    .selectFrom('support_access')
    .select(['id', 'expires_at'])
    .where('organisation', '=', given.organisation)
    .where('email_key', '=', given.key)
    .where('expires_at', '>', given.now)
    .where('created_at', '>=', given.joined)
    .orderBy('expires_at', 'desc')
    .limit(1),
)

/**
 * The access that an organisation gives a person as support. An account that is younger than the access does not have
 * it: else whoever takes the address first would be let in.
 */
export async function findSupportAccess(
  db: Reader,
  organisation: string,
  person: { email_key: string; created_at: number },
  now: Instant,
): Promise<{ id: string; expiresAt: Instant } | undefined> {
  const [row] = await liveAccess(db, { organisation, key: person.email_key, now, joined: person.created_at })
  return row === undefined ? undefined : { id: row.id, expiresAt: row.expires_at }
}
