import { type Clock, day, Fault, type Instant, newId, newSecret } from '@holdfast/kernel'
import type { Actor } from '../../platform/actor.ts'
import type { Database, Reader, Tx } from '../../platform/db/index.ts'
import { record } from '../audit/index.ts'
import type { Callers } from './callers.ts'
import { emailKey } from './email.ts'
import { wireGrant } from './members.ts'
import { findCustomRoles, findGrants, replaceGrants } from './organisation-store.ts'
import type { Passwords } from './passwords.ts'
import { findPersonByEmail, insertMembership, insertPerson, isMember } from './person-store.ts'
import type { Resolved } from './resolve-credential.ts'
import { deriveRights, type Grant, uniqueGrants, verifyGrants, verifyMayGive } from './rights.ts'
import type { PersonTable } from './schema.ts'
import { secretHash } from './secrets.ts'
import { findFactors } from './session-store.ts'
import { type Begun, beginSession, personActor, type Visit } from './sessions.ts'
import type { SignInService } from './sign-in.ts'

export interface InvitationsNeeds {
  readonly db: Database
  readonly clock: Clock
  readonly passwords: Passwords
  readonly callers: Callers
  readonly signIn: SignInService
}

export interface Invite {
  readonly email: string
  readonly grants: readonly Grant[]
  readonly days: number
}

export interface Acceptance {
  readonly secret: string
  readonly name?: string | undefined
  readonly password: string
}

interface Invitation {
  readonly id: string
  readonly secretHash: string
  readonly organisation: string
  readonly email: string
  readonly emailKey: string
  readonly grants: Grant[]
  readonly invitedBy: string | null
}

/** Letting people in by a link that works once. Whoever gives it to them vouches for the address. */
export function createInvitations({ db, clock, passwords, callers, signIn }: InvitationsNeeds) {
  return {
    async invite(own: Resolved, actor: Actor, { email, grants: wanted, days }: Invite, ownUrl: string) {
      const now = clock.now()
      const secret = newSecret()
      const grants = uniqueGrants(wanted)
      const made = { id: newId(now), email, expiresAt: now + days * day }
      await db.write(async (tx) => {
        await verifyRoom(tx, own.organisation, now)
        const roles = await findCustomRoles(tx, own.organisation)
        verifyGrants(grants, roles)
        verifyMayGive(own.rights, grants, roles)
        await tx
          .insertInto('invitation')
          .values({
            secret_hash: secretHash(secret),
            id: made.id,
            organisation: own.organisation,
            email,
            email_key: emailKey(email),
            grants: JSON.stringify(grants.map(wireGrant)),
            invited_by: own.person,
            expires_at: made.expiresAt,
          })
          .execute()
        const subject = { kind: 'invitation', id: made.id }
        const detail = { email, grants: grants.map(wireGrant) }
        await record(tx, {
          organisation: own.organisation,
          type: 'people.invited',
          subject,
          actor,
          at: now,
          detail,
          after: detail,
        })
      })
      return { ...made, link: new URL(`/invitation#${secret}`, ownUrl).href }
    },

    async list(organisation: string) {
      const rows = await db.read
        .selectFrom('invitation')
        .leftJoin('person', 'person.id', 'invitation.invited_by')
        .select(['invitation.id', 'invitation.email', 'invitation.grants', 'invitation.expires_at', 'person.name'])
        .where('invitation.organisation', '=', organisation)
        .where('invitation.expires_at', '>', clock.now())
        .orderBy('invitation.id')
        .execute()
      return rows.map((row) => ({
        id: row.id,
        email: row.email,
        grants: JSON.parse(row.grants) as Grant[],
        expiresAt: new Date(row.expires_at).toISOString(),
        invitedBy: row.name ?? '',
      }))
    },

    async revoke(own: Resolved, actor: Actor, id: string): Promise<void> {
      await db.write(async (tx) => {
        const gone = await tx
          .deleteFrom('invitation')
          .where('id', '=', id)
          .where('organisation', '=', own.organisation)
          .executeTakeFirst()
        if (gone.numDeletedRows !== 1n) {
          throw new Fault('missing', 'people.no_such_invitation', 'there is no such invitation')
        }
        const subject = { kind: 'invitation', id }
        const type = 'people.invitation_withdrawn'
        await record(tx, { organisation: own.organisation, type, subject, actor, at: clock.now() })
      })
    },

    /** A new account with this password, or the existing account whose password this is. Signs in. */
    async accept({ secret, name, password }: Acceptance, visit: Visit): Promise<Begun> {
      const { email, emailKey: key } = await requireInvitation(db.read, secret, clock.now())
      const known = await findPersonByEmail(db.read, key)
      if (known === undefined) {
        if (name === undefined) {
          throw new Fault('malformed', 'people.name_needed', 'a new account needs a name', { at: 'name' })
        }
        const person = { id: newId(clock.now()), name, email, passwordHash: await passwords.hash(password) }
        return await db.write(async (tx) => {
          const now = clock.now()
          await insertNewcomer(tx, person, key, now)
          return await join(tx, secret, { ...person, email_key: key, created_at: now }, visit)
        })
      }
      await verifyAccount(known, password, visit)
      const begun = await db.write((tx) => join(tx, secret, known, visit))
      callers.forget('', known.id)
      return begun
    },
  }

  /** A session of theirs is proof enough; a password is not where there is a second factor. */
  async function verifyAccount(person: PersonTable, password: string, visit: Visit): Promise<void> {
    if ((await callers.findSession(visit.sessionToken))?.person === person.id) return
    await signIn.verifyPassword(person.email, password, visit)
    const { totp, passkeys } = await findFactors(db.read, person.id)
    if (totp || passkeys > 0) {
      throw new Fault('forbidden', 'session.sign_in_first', 'sign in first, then open the invitation again')
    }
  }

  async function join(
    tx: Tx,
    secret: string,
    person: Pick<PersonTable, 'id' | 'name' | 'email_key' | 'created_at'>,
    visit: Visit,
  ): Promise<Begun> {
    const now = clock.now()
    const invitation = await requireInvitation(tx, secret, now)
    await verifyStillMeant(tx, invitation)
    await tx.deleteFrom('invitation').where('secret_hash', '=', invitation.secretHash).execute()
    const { organisation, grants } = invitation
    if (await isMember(tx, organisation, person.id)) {
      const all = uniqueGrants([...(await findGrants(tx, organisation, person.id)), ...grants])
      await replaceGrants(tx, organisation, person.id, all)
    } else await insertMembership(tx, { organisation, person: person.id, grants }, now)
    await record(tx, {
      organisation,
      type: 'people.joined',
      subject: { kind: 'person', id: person.id },
      actor: personActor(person, visit),
      at: now,
      detail: { name: person.name, invitation: invitation.id, grants: grants.map(wireGrant) },
    })
    return await beginSession(tx, { person, method: 'invitation', organisation, visit }, now)
  }
}

const maxOpen = 1_000

async function verifyRoom(tx: Tx, organisation: string, now: Instant): Promise<void> {
  await tx.deleteFrom('invitation').where('organisation', '=', organisation).where('expires_at', '<=', now).execute()
  const open = await tx
    .selectFrom('invitation')
    .select((select) => select.fn.countAll<number>().as('n'))
    .where('organisation', '=', organisation)
    .executeTakeFirstOrThrow()
  if (Number(open.n) >= maxOpen) {
    throw new Fault('limited', 'people.too_many_invitations', `${maxOpen} invitations are open; withdraw some`)
  }
}

async function insertNewcomer(
  tx: Tx,
  person: { id: string; name: string; email: string; passwordHash: string },
  key: string,
  now: Instant,
): Promise<void> {
  if ((await findPersonByEmail(tx, key)) !== undefined) {
    throw new Fault('conflict', 'session.changed_meanwhile', 'an account with this address was made at this moment')
  }
  await insertPerson(tx, person, now)
}

/** The invitation gives only what the one who invited could still give. */
async function verifyStillMeant(tx: Tx, { organisation, invitedBy, grants }: Invitation): Promise<void> {
  if (invitedBy === null) return
  const roles = await findCustomRoles(tx, organisation)
  try {
    verifyMayGive(deriveRights(await findGrants(tx, organisation, invitedBy), roles), grants, roles)
  } catch (cause) {
    const message = 'who invited you may no longer give these rights; ask for a new invitation'
    throw new Fault('refused', 'people.invitation_void', message, { cause })
  }
}

async function requireInvitation(db: Reader, secret: string, now: Instant): Promise<Invitation> {
  const row = await db
    .selectFrom('invitation')
    .selectAll()
    .where('secret_hash', '=', secretHash(secret))
    .where('expires_at', '>', now)
    .executeTakeFirst()
  if (row === undefined) {
    throw new Fault('forbidden', 'people.invitation_spent', 'this invitation was used or withdrawn, or has expired')
  }
  return {
    id: row.id,
    secretHash: row.secret_hash,
    organisation: row.organisation,
    email: row.email,
    emailKey: row.email_key,
    grants: JSON.parse(row.grants) as Grant[],
    invitedBy: row.invited_by,
  }
}
