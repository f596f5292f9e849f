import { Fault, type Instant, newId } from '@holdfast/kernel'
import type { Tx } from '../../platform/db/index.ts'
import { record } from '../audit/index.ts'
import { emailKey } from './email.ts'
import { findCustomRoles, listOrganisationIds } from './organisation-store.ts'
import { findPersonByEmail, insertMembership, insertPerson, listReachable, requirePerson } from './person-store.ts'
import { permissionsOf } from './rights.ts'
import type { PersonTable } from './schema.ts'
import { type Begun, beginSession, personActor, type Visit } from './sessions.ts'
import type { SsoIdentity } from './sso-providers.ts'

export interface Admission {
  readonly identity: SsoIdentity & { readonly provider: string }
  /** Who was signed in when it began: the identity becomes theirs. */
  readonly signedIn: string | undefined
  readonly join: { readonly organisation?: string | undefined; readonly role: string }
  readonly visit: Visit
}

/**
 * Signs in whoever a provider vouches for. An account that was made with another way of signing in is taken over only by
 * its own session, or where it belongs to the provider's organisation and no other: whoever made an account with somebody
 * else's address must not meet them in it, and no provider opens another organisation's doors.
 */
export async function admitIdentity(tx: Tx, admission: Admission, now: Instant): Promise<Begun> {
  const { identity, signedIn, join, visit } = admission
  const known = await tx
    .selectFrom('sso_identity')
    .select('person')
    .where('provider', '=', identity.provider)
    .where('subject', '=', identity.subject)
    .executeTakeFirst()
  if (known !== undefined) {
    if (signedIn !== undefined && signedIn !== known.person) {
      throw new Fault('conflict', 'session.sso_taken', 'this identity belongs to another account')
    }
    return await enter(tx, await requirePerson(tx, known.person), visit, now)
  }
  const holder = await findPersonByEmail(tx, emailKey(identity.email))
  if (signedIn !== undefined) return await linkOwn(tx, admission, signedIn, holder, now)
  if (holder === undefined) return await addNewcomer(tx, admission, now)
  if (join.organisation === undefined || !(await belongsOnlyTo(tx, join.organisation, holder, now))) {
    const message = 'an account with this address exists; sign in to it first, then connect it'
    throw new Fault('forbidden', 'session.sso_not_linked', message)
  }
  await link(tx, admission, holder, join.organisation, now)
  return await enter(tx, holder, visit, now)
}

async function belongsOnlyTo(tx: Tx, organisation: string, holder: PersonTable, now: Instant): Promise<boolean> {
  const reachable = await listReachable(tx, holder, now)
  return reachable.length > 0 && reachable.every(({ id, as }) => id === organisation && as === 'member')
}

async function linkOwn(
  tx: Tx,
  admission: Admission,
  signedIn: string,
  holder: PersonTable | undefined,
  now: Instant,
): Promise<Begun> {
  if (holder?.id !== signedIn) {
    throw new Fault('conflict', 'session.sso_other_address', 'the provider knows you by another e-mail address')
  }
  const [place] = await listReachable(tx, holder, now)
  await link(tx, admission, holder, holder.last_organisation ?? place?.id ?? '', now)
  return await enter(tx, holder, admission.visit, now)
}

async function addNewcomer(tx: Tx, admission: Admission, now: Instant): Promise<Begun> {
  const { identity, join, visit } = admission
  if (join.organisation === undefined) {
    throw new Fault('forbidden', 'session.sso_no_account', 'nobody with this address has been invited yet')
  }
  await verifyPlace(tx, join.organisation, join.role)
  const person = { id: newId(now), name: identity.name, email: identity.email, passwordHash: null }
  await insertPerson(tx, person, now)
  await insertMembership(tx, { organisation: join.organisation, person: person.id, grants: [{ role: join.role }] }, now)
  await record(tx, {
    organisation: join.organisation,
    type: 'people.joined',
    subject: { kind: 'person', id: person.id },
    actor: personActor(person, visit),
    at: now,
    detail: { name: person.name, provider: identity.provider, grants: [{ role: join.role }] },
  })
  const account = await requirePerson(tx, person.id)
  await link(tx, admission, account, join.organisation, now)
  return await enter(tx, account, visit, now)
}

/** The configuration names an organisation and a role by hand. */
async function verifyPlace(tx: Tx, organisation: string, role: string): Promise<void> {
  const exists = (await listOrganisationIds(tx)).includes(organisation)
  if (exists && permissionsOf(role, await findCustomRoles(tx, organisation)) !== undefined) return
  const message = 'the server’s configuration names an organisation or a role for this provider that does not exist'
  throw new Fault('unavailable', 'session.sso_misconfigured', message)
}

async function link(tx: Tx, { identity, visit }: Admission, person: PersonTable, organisation: string, now: Instant) {
  const { provider, subject } = identity
  await tx.insertInto('sso_identity').values({ provider, subject, person: person.id, added_at: now }).execute()
  await record(tx, {
    organisation,
    type: 'people.sso_linked',
    subject: { kind: 'person', id: person.id },
    actor: personActor(person, visit),
    at: now,
    detail: { provider },
  })
}

async function enter(tx: Tx, person: PersonTable, visit: Visit, now: Instant): Promise<Begun> {
  return await beginSession(tx, { person, method: 'sso', visit }, now)
}
