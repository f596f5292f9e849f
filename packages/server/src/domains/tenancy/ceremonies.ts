import { Fault, type Instant, minute } from '@holdfast/kernel'
import type { Tx } from '../../platform/db/index.ts'
import { secretHash } from './secrets.ts'

const lifetime = 10 * minute
/** Strangers may begin ceremonies; this many at once are more than people do. */
const maxOpen = 20_000

export type CeremonyKind = 'passkey_add' | 'passkey_use' | `sso:${string}`

/** Begins something that may be finished once, within ten minutes, by whoever `binding` names. */
export async function insertCeremony(
  tx: Tx,
  { key, kind, binding }: { key: string; kind: CeremonyKind; binding: string },
  now: Instant,
): Promise<void> {
  await tx.deleteFrom('ceremony').where('expires_at', '<=', now).execute()
  const { n } = await tx
    .selectFrom('ceremony')
    .select((select) => select.fn.countAll<number>().as('n'))
    .executeTakeFirstOrThrow()
  if (Number(n) >= maxOpen) {
    throw new Fault('unavailable', 'session.busy', 'too many people sign in at this moment', { retryAfter: 60 })
  }
  await tx
    .insertInto('ceremony')
    .values({ key_hash: secretHash(key), kind, binding, expires_at: now + lifetime })
    .execute()
}

/** Uses a ceremony up. False: it was never begun here, is over, or belongs to another browser; it is gone either way. */
export async function takeCeremony(
  tx: Tx,
  { key, kind, binding }: { key: string; kind: CeremonyKind; binding: string },
  now: Instant,
): Promise<boolean> {
  const row = await tx.deleteFrom('ceremony').where('key_hash', '=', secretHash(key)).returningAll().executeTakeFirst()
  return row !== undefined && row.kind === kind && row.binding === binding && row.expires_at > now
}
