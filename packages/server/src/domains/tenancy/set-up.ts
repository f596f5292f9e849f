import { type Clock, day, Fault, type Instant, newId, newSecret } from '@holdfast/kernel'
import type { Actor } from '../../platform/actor.ts'
import type { Database, Tx } from '../../platform/db/index.ts'
import { record } from '../audit/index.ts'
import { emailKey } from './email.ts'
import {
  changeOrganisation,
  findByDdiTenant,
  insertOrganisation,
  listOrganisationIds,
  type Organisation,
  requireOrganisation,
} from './organisation-store.ts'
import type { Passwords } from './passwords.ts'
import { findPersonByEmail, hasAnyPerson, insertMembership, insertPerson } from './person-store.ts'
import { secretHash } from './secrets.ts'
import { type Begun, beginSession, personActor, type Visit } from './sessions.ts'

const linkLifetime = day

export interface FirstOwner {
  readonly organisation: string
  readonly name: string
  readonly email: string
  readonly password: string
}

/** How organisations and their first owners come to be. There is no account, and no password, before somebody makes one. */
export function createSetUp({ db, clock, passwords }: { db: Database; clock: Clock; passwords: Passwords }) {
  return {
    isWaiting: async (): Promise<boolean> => !(await hasAnyPerson(db.read)),

    /** The one-time link for the first owner, made anew at each start; undefined once there is one. */
    async link(ownUrl: string): Promise<string | undefined> {
      const secret = newSecret()
      const waiting = await db.write(async (tx) => {
        await tx.deleteFrom('setup_secret').execute()
        if (await hasAnyPerson(tx)) return false
        const expires_at = clock.now() + linkLifetime
        await tx
          .insertInto('setup_secret')
          .values({ id: 1, secret_hash: secretHash(secret), expires_at })
          .execute()
        return true
      })
      // Behind the hash sign, so that no server or proxy ever writes it into a log.
      return waiting ? new URL(`/setup#${secret}`, ownUrl).href : undefined
    },

    async setUp(secret: string, first: FirstOwner, visit: Visit): Promise<Begun> {
      const now = clock.now()
      // Checked before the password is hashed, so that strangers cannot make the server work, and again inside.
      await verifySecret(db.read, secret, now)
      const passwordHash = await passwords.hash(first.password)
      return await db.write(async (tx) => {
        await verifySecret(tx, secret, now)
        await tx.deleteFrom('setup_secret').execute()
        const prepared = await takeOverPrepared(tx, first.organisation)
        const organisation = prepared ?? (await addOrganisation(tx, first.organisation, now))
        const person = { id: newId(now), name: first.name, email: first.email, passwordHash }
        await insertPerson(tx, person, now)
        const actor = personActor(person, visit)
        if (prepared === undefined) await recordOrganisation(tx, organisation, actor, now)
        await addOwner(tx, organisation, person, actor, now)
        const account = { ...person, email_key: emailKey(person.email), created_at: now }
        return await beginSession(tx, { person: account, method: 'setup', visit }, now)
      })
    },

    /** An organisation that is filled before anybody has an account, by a demo; the first owner takes it over. */
    async prepareOrganisation(actor: Actor, name: string): Promise<Organisation> {
      const now = clock.now()
      return await db.write(async (tx) => {
        if ((await hasAnyPerson(tx)) || (await listOrganisationIds(tx)).length > 0) {
          throw new Fault('conflict', 'people.not_first', 'there is an organisation already')
        }
        const organisation = await addOrganisation(tx, name, now)
        await recordOrganisation(tx, organisation, actor, now)
        return organisation
      })
    },

    /** A further organisation with its first owner: an account that exists, as it is, or a new one with this password. */
    async createOrganisation(actor: Actor, first: FirstOwner): Promise<{ organisation: Organisation; owner: string }> {
      const now = clock.now()
      const passwordHash = await passwords.hash(first.password)
      return await db.write(async (tx) => {
        const organisation = await addOrganisation(tx, first.organisation, now)
        await recordOrganisation(tx, organisation, actor, now)
        const known = await findPersonByEmail(tx, emailKey(first.email))
        const person = known ?? { id: newId(now), name: first.name, email: first.email }
        if (known === undefined) await insertPerson(tx, { ...person, passwordHash }, now)
        await tx.deleteFrom('setup_secret').execute()
        await addOwner(tx, organisation, person, actor, now)
        return { organisation, owner: person.id }
      })
    },
  }
}

async function verifySecret(db: Database['read'], secret: string, now: Instant): Promise<void> {
  const row = await db
    .selectFrom('setup_secret')
    .select('expires_at')
    .where('secret_hash', '=', secretHash(secret))
    .executeTakeFirst()
  if (row === undefined || row.expires_at <= now || (await hasAnyPerson(db))) {
    throw new Fault(
      'forbidden',
      'session.setup_link_spent',
      'this set-up link was used, replaced or has expired; restarting the server prints a new one while there is no owner',
    )
  }
}

/** The organisation that waits for its first owner, if one was prepared; it gets the name that they give. */
async function takeOverPrepared(tx: Tx, name: string): Promise<Organisation | undefined> {
  const [id] = await listOrganisationIds(tx)
  if (id === undefined) return undefined
  await changeOrganisation(tx, id, { name })
  return await requireOrganisation(tx, id)
}

async function addOrganisation(tx: Tx, name: string, now: Instant): Promise<Organisation> {
  const organisation: Organisation = {
    id: newId(now),
    name,
    createdAt: now,
    tenantToken: newSecret(),
    ddiTenant: await freeSlug(tx, name),
    requireSecondFactor: false,
  }
  await insertOrganisation(tx, organisation)
  return organisation
}

async function recordOrganisation(tx: Tx, { id, name, ddiTenant }: Organisation, actor: Actor, at: Instant) {
  const subject = { kind: 'organisation', id }
  const detail = { name, ddiTenant }
  await record(tx, { organisation: id, type: 'people.organisation_created', subject, actor, at, detail })
}

async function addOwner(
  tx: Tx,
  organisation: Organisation,
  person: { id: string; name: string },
  actor: Actor,
  at: Instant,
): Promise<void> {
  const grants = [{ role: 'owner' }]
  await insertMembership(tx, { organisation: organisation.id, person: person.id, grants }, at)
  await record(tx, {
    organisation: organisation.id,
    type: 'people.joined',
    subject: { kind: 'person', id: person.id },
    actor,
    at,
    detail: { name: person.name, roles: ['owner'] },
  })
}

/** A name made for addresses; a number tells namesakes apart. */
async function freeSlug(tx: Tx, name: string): Promise<string> {
  const slug = deriveSlug(name)
  for (let number = 1; ; number += 1) {
    const candidate = number === 1 ? slug : `${slug}-${number}`
    if ((await findByDdiTenant(tx, candidate)) === undefined) return candidate
  }
}

export function deriveSlug(name: string): string {
  const plain = name.normalize('NFKD').toLowerCase().replaceAll(/\p{M}/gu, '')
  const slug = plain.replaceAll(/[^a-z0-9]+/g, '-').slice(0, 50)
  return slug.replaceAll(/^-+|-+$/g, '') || 'organisation'
}
