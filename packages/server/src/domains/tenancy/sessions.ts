import { Fault, type Instant } from '@holdfast/kernel'
import type { operations } from '@holdfast/protocol'
import type { Actor } from '../../platform/actor.ts'
import type { Reader, Tx } from '../../platform/db/index.ts'
import type { Caller } from '../../platform/http/caller.ts'
import type { PublicContext, Served } from '../../platform/http/routes.ts'
import { record } from '../audit/index.ts'
import { requireOrganisation } from './organisation-store.ts'
import { changePerson, listReachable, requirePerson } from './person-store.ts'
import type { Resolved } from './resolve-credential.ts'
import { listRights } from './rights.ts'
import { secretHash } from './secrets.ts'
import { deleteSession, findFactors, insertSession, type SignInMethod } from './session-store.ts'

/** What a service may know of the request that it serves. */
export type Visit = Pick<PublicContext, 'address' | 'ownUrl' | 'sessionToken'>

export type Me = Served<(typeof operations)['session']['me']>

/** A fresh session: the token for the cookie, and where it works. */
export interface Begun {
  readonly token: string
  readonly organisation: string
  readonly person: string
}

interface Beginning {
  readonly person: {
    readonly id: string
    readonly name: string
    readonly email_key: string
    readonly created_at: number
  }
  readonly method: SignInMethod
  /** Where to work; by default where they worked last. */
  readonly organisation?: string
  readonly visit: Visit
}

/** Begins a session in the transaction that proves the right to it; the browser's session before it ends. */
export async function beginSession(
  tx: Tx,
  { person, method, organisation, visit }: Beginning,
  now: Instant,
): Promise<Begun> {
  const reachable = await listReachable(tx, person, now)
  const { last_organisation: last } = await requirePerson(tx, person.id)
  const place =
    reachable.find(({ id }) => id === organisation) ?? reachable.find(({ id }) => id === last) ?? reachable[0]
  if (place === undefined) {
    throw new Fault('forbidden', 'session.no_organisation', 'this account belongs to no organisation any more')
  }
  if (visit.sessionToken !== undefined) await deleteSession(tx, secretHash(visit.sessionToken))
  const token = await insertSession(tx, { person: person.id, organisation: place.id, method }, now)
  await arrive(tx, { person, place, method, actor: personActor(person, visit) }, now)
  return { token, organisation: place.id, person: person.id }
}

interface Arrival {
  readonly person: { readonly id: string }
  readonly place: { readonly id: string; readonly as: 'member' | 'support' }
  readonly method: SignInMethod | 'switch'
  readonly actor: Actor
}

/** Writes down that somebody begins to work in an organisation. */
export async function arrive(tx: Tx, { person, place, method, actor }: Arrival, now: Instant): Promise<void> {
  await changePerson(tx, person.id, { last_organisation: place.id })
  await tx
    .updateTable('membership')
    .set({ last_sign_in: now })
    .where('organisation', '=', place.id)
    .where('person', '=', person.id)
    .execute()
  await record(tx, {
    organisation: place.id,
    type: place.as === 'support' ? 'people.support_entered' : 'people.signed_in',
    subject: { kind: 'person', id: person.id },
    actor,
    at: now,
    detail: { method },
  })
}

export async function describeMe(db: Reader, resolved: Resolved, now: Instant): Promise<Me> {
  const person = await requirePerson(db, resolved.person)
  const organisation = await requireOrganisation(db, resolved.organisation)
  const factors = await findFactors(db, person.id)
  const reachable = await listReachable(db, person, now)
  return {
    user: { id: person.id, name: person.name, email: person.email },
    organisation: { id: organisation.id, name: organisation.name },
    organisations:
      resolved.via === 'token'
        ? [{ id: organisation.id, name: organisation.name }]
        : reachable.map(({ id, name }) => ({ id, name })),
    permissions: listRights(resolved.rights),
    secondFactor: { totp: factors.totp, passkeys: factors.passkeys },
    via: resolved.via,
  }
}

export function personActor(person: { id: string; name: string }, visit: Pick<Visit, 'address'>): Actor {
  return { kind: 'user', id: person.id, name: person.name, origin: visit.address }
}

/** One's own account is changed by oneself at the console, never by a token that was lent to a program. */
export function requireSession(caller: Caller): void {
  if (caller.via === 'session') return
  throw new Fault('forbidden', 'session.not_for_tokens', 'this needs a person who is signed in, not an API token')
}
