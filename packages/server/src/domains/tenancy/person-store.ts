import { Fault, type Instant } from '@holdfast/kernel'
import { sql } from 'kysely'
import { compileOnce, type Reader, type Tx } from '../../platform/db/index.ts'
import { emailKey } from './email.ts'
import { findGrants, replaceGrants } from './organisation-store.ts'
import type { Grant } from './rights.ts'
import type { PersonTable } from './schema.ts'

export interface NewPerson {
  readonly id: string
  readonly name: string
  readonly email: string
  readonly passwordHash: string | null
}

export async function insertPerson(tx: Tx, person: NewPerson, now: Instant): Promise<void> {
  await tx
    .insertInto('person')
    .values({
      id: person.id,
      name: person.name,
      email: person.email,
      email_key: emailKey(person.email),
      password_hash: person.passwordHash,
      created_at: now,
      last_organisation: null,
      totp_secret: null,
      totp_pending: null,
      totp_step: 0,
    })
    .execute()
}

const byId = compileOnce((db, given: { id: string }) => db.selectFrom('person').selectAll().where('id', '=', given.id))
const byEmail = compileOnce((db, given: { key: string }) =>
  db.selectFrom('person').selectAll().where('email_key', '=', given.key),
)

export async function requirePerson(db: Reader, id: string): Promise<PersonTable> {
  const [row] = await byId(db, { id })
  if (row === undefined) throw new Fault('missing', 'people.no_such_person', 'there is no such person')
  return row
}

export async function findPersonByEmail(db: Reader, key: string): Promise<PersonTable | undefined> {
  const [row] = await byEmail(db, { key })
  return row
}

export async function changePerson(
  tx: Tx,
  id: string,
  change: Partial<Omit<PersonTable, 'id' | 'email_key'>>,
): Promise<void> {
  await tx.updateTable('person').set(change).where('id', '=', id).execute()
}

export async function hasAnyPerson(db: Reader): Promise<boolean> {
  return (await db.selectFrom('person').select('id').limit(1).executeTakeFirst()) !== undefined
}

export async function insertMembership(
  tx: Tx,
  membership: { organisation: string; person: string; grants: readonly Grant[] },
  now: Instant,
): Promise<void> {
  const { organisation, person, grants } = membership
  await tx.insertInto('membership').values({ organisation, person, joined_at: now, last_sign_in: null }).execute()
  await replaceGrants(tx, organisation, person, grants)
}

export async function isMember(db: Reader, organisation: string, person: string): Promise<boolean> {
  const row = await db
    .selectFrom('membership')
    .select('person')
    .where('organisation', '=', organisation)
    .where('person', '=', person)
    .executeTakeFirst()
  return row !== undefined
}

/** The grants of somebody of this organisation; people of other organisations do not exist here. */
export async function requireMemberGrants(db: Reader, organisation: string, person: string): Promise<Grant[]> {
  if (!(await isMember(db, organisation, person))) {
    throw new Fault('missing', 'people.no_such_person', 'there is no such person')
  }
  return await findGrants(db, organisation, person)
}

/** Ends what somebody has in one organisation: grants, tokens, and sessions that are in it. */
export async function deleteMembership(tx: Tx, organisation: string, person: string): Promise<void> {
  for (const table of ['person_session', 'api_token', 'role_grant', 'membership'] as const) {
    await tx.deleteFrom(table).where('organisation', '=', organisation).where('person', '=', person).execute()
  }
  await tx.deleteFrom('invitation').where('organisation', '=', organisation).where('invited_by', '=', person).execute()
}

export interface MemberRow {
  readonly id: string
  readonly name: string
  readonly email: string
  readonly emailKey: string
  readonly secondFactor: boolean
  readonly joinedAt: Instant
  readonly lastSignIn: Instant | null
}

/** Members in the order of their ids, after `after`. */
export async function listMembers(db: Reader, organisation: string, after: string, limit: number) {
  const rows = await db
    .selectFrom('membership')
    .innerJoin('person', 'person.id', 'membership.person')
    .select(['person.id', 'person.name', 'person.email', 'person.email_key', 'joined_at', 'last_sign_in'])
    .select(
      sql<number>`case when person.totp_secret is not null or exists (select 1 from passkey where passkey.person = person.id)
        then 1 else 0 end`.as('second_factor'),
    )
    .where('membership.organisation', '=', organisation)
    .where('membership.person', '>', after)
    .orderBy('membership.person')
    .limit(limit)
    .execute()
  return rows.map(
    (row): MemberRow => ({
      id: row.id,
      name: row.name,
      email: row.email,
      emailKey: row.email_key,
      secondFactor: row.second_factor === 1,
      joinedAt: row.joined_at,
      lastSignIn: row.last_sign_in,
    }),
  )
}

export interface Reachable {
  readonly id: string
  readonly name: string
  readonly as: 'member' | 'support'
}

/** Every organisation that somebody may work in: as a member, or because it has let them in as support. */
export async function listReachable(
  db: Reader,
  person: { id: string; email_key: string; created_at: number },
  now: Instant,
): Promise<Reachable[]> {
  const memberships = await db
    .selectFrom('membership')
    .innerJoin('organisation', 'organisation.id', 'membership.organisation')
    .select(['organisation.id', 'organisation.name'])
    .where('membership.person', '=', person.id)
    .orderBy('organisation.name')
    .execute()
  const accesses = await db
    .selectFrom('support_access')
    .innerJoin('organisation', 'organisation.id', 'support_access.organisation')
    .select(['organisation.id', 'organisation.name'])
    .where('support_access.email_key', '=', person.email_key)
    .where('support_access.expires_at', '>', now)
    .where('support_access.created_at', '>=', person.created_at)
    .orderBy('organisation.name')
    .execute()
  const reachable = new Map<string, Reachable>()
  for (const row of accesses) reachable.set(row.id, { id: row.id, name: row.name, as: 'support' })
  for (const row of memberships) reachable.set(row.id, { id: row.id, name: row.name, as: 'member' })
  return [...reachable.values()]
}
