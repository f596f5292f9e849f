import { type Clock, Fault, hour, newId } from '@holdfast/kernel'
import type { Actor } from '../../platform/actor.ts'
import type { Database } from '../../platform/db/index.ts'
import { record } from '../audit/index.ts'
import type { Callers } from './callers.ts'
import { emailKey } from './email.ts'
import type { Resolved } from './resolve-credential.ts'

const maxOpen = 100

/**
 * Support from outside looks in only where the organisation lets it, reads only, for a limited time, and leaves a record
 * of what it looked at.
 */
export function createSupport({ db, clock, callers }: { db: Database; clock: Clock; callers: Callers }) {
  return {
    async list(organisation: string) {
      const rows = await db.read
        .selectFrom('support_access')
        .innerJoin('person', 'person.id', 'support_access.granted_by')
        .select(['support_access.id', 'support_access.email', 'reason', 'expires_at', 'person.name'])
        .where('organisation', '=', organisation)
        .where('expires_at', '>', clock.now())
        .orderBy('support_access.id')
        .execute()
      return rows.map((row) => ({
        id: row.id,
        email: row.email,
        reason: row.reason,
        expiresAt: new Date(row.expires_at).toISOString(),
        grantedBy: row.name,
      }))
    },

    async grant(own: Resolved, actor: Actor, given: { email: string; reason: string; hours: number }) {
      const now = clock.now()
      const made = { id: newId(now), expiresAt: now + given.hours * hour }
      await db.write(async (tx) => {
        const open = await tx
          .selectFrom('support_access')
          .select('id')
          .where('organisation', '=', own.organisation)
          .where('expires_at', '>', now)
          .execute()
        if (open.length >= maxOpen) {
          throw new Fault('limited', 'people.too_much_support', `support has ${maxOpen} accesses; end some first`)
        }
        await tx
          .insertInto('support_access')
          .values({
            id: made.id,
            organisation: own.organisation,
            email: given.email,
            email_key: emailKey(given.email),
            reason: given.reason,
            granted_by: own.person,
            created_at: now,
            expires_at: made.expiresAt,
          })
          .execute()
        await record(tx, {
          organisation: own.organisation,
          type: 'people.support_granted',
          subject: { kind: 'support_access', id: made.id },
          actor,
          at: now,
          detail: { email: given.email, reason: given.reason, until: new Date(made.expiresAt).toISOString() },
          after: { email: given.email, reason: given.reason, expiresAt: made.expiresAt },
        })
      })
      callers.forget(own.organisation, '')
      return made
    },

    async revoke(own: Resolved, actor: Actor, id: string): Promise<void> {
      await db.write(async (tx) => {
        const gone = await tx
          .deleteFrom('support_access')
          .where('id', '=', id)
          .where('organisation', '=', own.organisation)
          .executeTakeFirst()
        if (gone.numDeletedRows !== 1n) throw new Fault('missing', 'people.no_such_access', 'there is no such access')
        const subject = { kind: 'support_access', id }
        await record(tx, {
          organisation: own.organisation,
          type: 'people.support_ended',
          subject,
          actor,
          at: clock.now(),
        })
      })
      callers.forget(own.organisation, '')
    },
  }
}
