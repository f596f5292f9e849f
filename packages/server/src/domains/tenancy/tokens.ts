import { type Clock, day, Fault, newId, newSecret } from '@holdfast/kernel'
import type { Permission } from '@holdfast/protocol'
import type { Actor } from '../../platform/actor.ts'
import type { Database } from '../../platform/db/index.ts'
import { record } from '../audit/index.ts'
import type { Callers } from './callers.ts'
import { readPermissions } from './organisation-store.ts'
import type { Resolved } from './resolve-credential.ts'
import { secretHash } from './secrets.ts'

const maxPerPerson = 100

export interface NewToken {
  readonly name: string
  readonly permissions: readonly Permission[]
  readonly days: number
}

/**
 * API tokens: what a program may do in somebody's name. A token never has more than its owner: what it was given is cut
 * with what the owner has, each time it is used.
 */
export function createTokens({ db, clock, callers }: { db: Database; clock: Clock; callers: Callers }) {
  return {
    async create(own: Resolved, actor: Actor, { name, permissions, days }: NewToken) {
      verifyMayHave(own, permissions)
      const now = clock.now()
      const token = `hf_${newSecret()}`
      const made = { id: newId(now), token, expiresAt: now + days * day }
      await db.write(async (tx) => {
        await tx.deleteFrom('api_token').where('person', '=', own.person).where('expires_at', '<=', now).execute()
        const held = await tx.selectFrom('api_token').select('id').where('person', '=', own.person).execute()
        if (held.length >= maxPerPerson) {
          throw new Fault('limited', 'people.too_many_tokens', `one person has at most ${maxPerPerson} tokens`)
        }
        await tx
          .insertInto('api_token')
          .values({
            token_hash: secretHash(token),
            id: made.id,
            organisation: own.organisation,
            person: own.person,
            name,
            permissions: JSON.stringify([...new Set(permissions)]),
            created_at: now,
            expires_at: made.expiresAt,
            used_at: null,
          })
          .execute()
        const detail = { name, permissions: [...permissions], expiresAt: new Date(made.expiresAt).toISOString() }
        const subject = { kind: 'token', id: made.id }
        await record(tx, {
          organisation: own.organisation,
          type: 'people.token_created',
          subject,
          actor,
          at: now,
          detail,
          after: detail,
        })
      })
      return made
    },

    /** One's own; everybody's for who may see the people. */
    async list(own: Resolved) {
      const all = own.rights.get('people.read') === 'everywhere'
      const rows = await db.read
        .selectFrom('api_token')
        .innerJoin('person', 'person.id', 'api_token.person')
        .select(['api_token.id', 'api_token.name', 'api_token.permissions', 'api_token.created_at'])
        .select(['api_token.expires_at', 'api_token.used_at', 'person.id as owner', 'person.name as owner_name'])
        .where('api_token.organisation', '=', own.organisation)
        .where('api_token.expires_at', '>', clock.now())
        .$if(!all, (query) => query.where('api_token.person', '=', own.person))
        .orderBy('api_token.id')
        .limit(10_000)
        .execute()
      return rows.map((row) => ({
        id: row.id,
        name: row.name,
        owner: { id: row.owner, name: row.owner_name },
        permissions: readPermissions(row.permissions),
        createdAt: new Date(row.created_at).toISOString(),
        expiresAt: new Date(row.expires_at).toISOString(),
        ...(row.used_at === null ? {} : { usedAt: new Date(row.used_at).toISOString() }),
      }))
    },

    /** One's own, or anybody's with `people.manage`; others do not exist. */
    async revoke(own: Resolved, actor: Actor, id: string): Promise<void> {
      const any = own.rights.get('people.manage') === 'everywhere'
      const owner = await db.write(async (tx) => {
        const row = await tx
          .selectFrom('api_token')
          .select(['person', 'name'])
          .where('id', '=', id)
          .where('organisation', '=', own.organisation)
          .executeTakeFirst()
        if (row === undefined || !(any || row.person === own.person)) {
          throw new Fault('missing', 'people.no_such_token', 'there is no such token')
        }
        await tx.deleteFrom('api_token').where('id', '=', id).execute()
        await record(tx, {
          organisation: own.organisation,
          type: 'people.token_revoked',
          subject: { kind: 'token', id },
          actor,
          at: clock.now(),
          detail: { name: row.name, owner: row.person },
        })
        return row.person
      })
      callers.forget('', owner)
    },
  }
}

function verifyMayHave(own: Resolved, permissions: readonly Permission[]): void {
  if (own.support !== undefined) {
    throw new Fault('forbidden', 'people.not_for_support', 'support looks in itself; it makes no tokens')
  }
  const lacking = permissions.find((permission) => own.rights.get(permission) === undefined)
  if (lacking !== undefined) {
    throw new Fault('forbidden', 'people.beyond_own', `you do not have ${lacking} yourself`, { at: 'permissions' })
  }
}
