import { type Clock, Fault, newId } from '@holdfast/kernel'
import {
  type AuthenticationResponseJSON,
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server'
import { decodeAttestationObject } from '@simplewebauthn/server/helpers'
import type { z } from 'zod'
import type { Actor } from '../../platform/actor.ts'
import type { Database } from '../../platform/db/index.ts'
import { zodFault } from '../../platform/http/fault-answer.ts'
import { record } from '../audit/index.ts'
import type { Callers } from './callers.ts'
import { insertCeremony, takeCeremony } from './ceremonies.ts'
import { AuthenticationResponse, RegistrationResponse } from './passkey-shapes.ts'
import { requirePerson } from './person-store.ts'
import type { Resolved } from './resolve-credential.ts'
import { deleteSessions, findFactors } from './session-store.ts'
import { type Begun, beginSession, type Visit } from './sessions.ts'
import { recordFailedSignIn } from './sign-in.ts'

const maxPerPerson = 20
/** EdDSA, ES256, RS256 (RFC 9053): what authenticators have. */
const algorithms = [-8, -7, -257]

/**
 * Passkeys (WebAuthn level 2): always with user verification, so that one is two factors in itself. What the
 * authenticator is made of is not asked and not believed (attestation `none`).
 */
export function createPasskeys({ db, clock, callers }: { db: Database; clock: Clock; callers: Callers }) {
  const take = (kind: 'passkey_add' | 'passkey_use', binding: string) => (key: string) =>
    db.write((tx) => takeCeremony(tx, { key, kind, binding }, clock.now()))

  return {
    async list(own: Resolved) {
      const rows = await db.read
        .selectFrom('passkey')
        .selectAll()
        .where('person', '=', own.person)
        .orderBy('id')
        .execute()
      return rows.map((row) => ({
        id: row.id,
        name: row.name,
        addedAt: new Date(row.added_at).toISOString(),
        ...(row.used_at === null ? {} : { usedAt: new Date(row.used_at).toISOString() }),
      }))
    },

    async startAdding(own: Resolved, visit: Visit): Promise<Record<string, unknown>> {
      const person = await requirePerson(db.read, own.person)
      const held = await db.read.selectFrom('passkey').selectAll().where('person', '=', own.person).execute()
      if (held.length >= maxPerPerson) {
        throw new Fault('limited', 'session.too_many_passkeys', `one person has at most ${maxPerPerson} passkeys`)
      }
      const options = await generateRegistrationOptions({
        rpName: 'Holdfast',
        rpID: new URL(visit.ownUrl).hostname,
        userID: new TextEncoder().encode(person.id),
        userName: person.email,
        userDisplayName: person.name,
        attestationType: 'none',
        supportedAlgorithmIDs: algorithms,
        excludeCredentials: held.map(({ credential }) => ({ id: credential })),
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      })
      const ceremony = { key: options.challenge, kind: 'passkey_add', binding: own.tokenHash } as const
      await db.write((tx) => insertCeremony(tx, ceremony, clock.now()))
      return { ...options }
    },

    async add(own: Resolved, actor: Actor, given: { name: string; response: unknown }, visit: Visit) {
      const response = parse(RegistrationResponse, given.response) as RegistrationResponseJSON
      const { credential } = await refusing(async () => {
        verifyNoCertificates(response)
        const { verified, registrationInfo } = await verifyRegistrationResponse({
          response,
          expectedChallenge: take('passkey_add', own.tokenHash),
          expectedOrigin: new URL(visit.ownUrl).origin,
          expectedRPID: new URL(visit.ownUrl).hostname,
          requireUserVerification: true,
          supportedAlgorithmIDs: algorithms,
        })
        if (!verified) throw new Error('the signature is wrong')
        return registrationInfo
      })
      const now = clock.now()
      const id = newId(now)
      await db.write(async (tx) => {
        const taken = await tx
          .selectFrom('passkey')
          .select('id')
          .where('credential', '=', credential.id)
          .executeTakeFirst()
        if (taken !== undefined) throw new Fault('conflict', 'session.passkey_known', 'this passkey is known already')
        const before = await findFactors(tx, own.person)
        await tx
          .insertInto('passkey')
          .values({
            id,
            person: own.person,
            credential: credential.id,
            name: given.name,
            public_key: credential.publicKey,
            counter: credential.counter,
            transports: JSON.stringify(response.response.transports ?? []),
            added_at: now,
            used_at: null,
          })
          .execute()
        // Sessions from before the first second factor were begun without one.
        if (!before.totp && before.passkeys === 0) await deleteSessions(tx, own.person, own.tokenHash)
        const subject = { kind: 'person', id: own.person }
        const detail = { passkey: id, name: given.name }
        await record(tx, {
          organisation: own.organisation,
          type: 'people.passkey_added',
          subject,
          actor,
          at: now,
          detail,
        })
      })
      callers.forget('', own.person)
      return { id }
    },

    async remove(own: Resolved, actor: Actor, id: string): Promise<void> {
      await db.write(async (tx) => {
        const gone = await tx
          .deleteFrom('passkey')
          .where('id', '=', id)
          .where('person', '=', own.person)
          .executeTakeFirst()
        if (gone.numDeletedRows !== 1n)
          throw new Fault('missing', 'session.no_such_passkey', 'there is no such passkey')
        const subject = { kind: 'person', id: own.person }
        const about = { organisation: own.organisation, subject, actor, at: clock.now(), detail: { passkey: id } }
        await record(tx, { ...about, type: 'people.passkey_removed' })
      })
      callers.forget('', own.person)
    },

    /** Names no account, so that strangers cannot ask who has passkeys. */
    async startSignIn(visit: Visit): Promise<Record<string, unknown>> {
      const rpID = new URL(visit.ownUrl).hostname
      const options = await generateAuthenticationOptions({ rpID, userVerification: 'required' })
      const ceremony = { key: options.challenge, kind: 'passkey_use', binding: '' } as const
      await db.write((tx) => insertCeremony(tx, ceremony, clock.now()))
      return { ...options }
    },

    async signIn(given: unknown, visit: Visit): Promise<Begun> {
      const response = parse(AuthenticationResponse, given) as AuthenticationResponseJSON
      const passkey = await db.read
        .selectFrom('passkey')
        .selectAll()
        .where('credential', '=', response.id)
        .executeTakeFirst()
      if (passkey === undefined) throw refused(new Error('no such passkey'))
      const verify = async (): Promise<number> => {
        verifyUser(response, passkey.person)
        const { verified, authenticationInfo } = await verifyAuthenticationResponse({
          response,
          expectedChallenge: take('passkey_use', ''),
          expectedOrigin: new URL(visit.ownUrl).origin,
          expectedRPID: new URL(visit.ownUrl).hostname,
          credential: {
            id: passkey.credential,
            publicKey: new Uint8Array(passkey.public_key),
            counter: passkey.counter,
          },
          requireUserVerification: true,
        })
        if (!verified) throw new Error('the signature is wrong')
        return authenticationInfo.newCounter
      }
      const counter = await refusing(verify).catch(async (fault) => {
        const person = await requirePerson(db.read, passkey.person)
        await db.write((tx) => recordFailedSignIn(tx, { person, visit, reason: 'passkey' }, clock.now()))
        throw fault
      })
      return await db.write(async (tx) => {
        const now = clock.now()
        const moved = await tx
          .updateTable('passkey')
          .set({ counter, used_at: now })
          .where('credential', '=', response.id)
          // 7.2 step 21: a counter that did not advance says that there are two of them; zero says that it does not count.
          .where((where) => where.or([where('counter', '<', counter), where('counter', '=', 0)]))
          .returning('person')
          .executeTakeFirst()
        if (moved === undefined) throw refused(new Error('the counter did not advance'))
        return await beginSession(tx, { person: await requirePerson(tx, moved.person), method: 'passkey', visit }, now)
      })
    },
  }
}

function parse<T>(shape: z.ZodType<T>, given: unknown): T {
  const parsed = shape.safeParse(given)
  if (!parsed.success) throw zodFault(parsed.error)
  return parsed.data
}

/** The verifier's errors all mean one thing to whoever tries; the log keeps which. */
async function refusing<T>(verify: () => Promise<T>): Promise<T> {
  try {
    return await verify()
  } catch (thrown) {
    throw thrown instanceof Fault ? thrown : refused(thrown)
  }
}

function refused(cause: unknown): Fault {
  return new Fault('unauthenticated', 'session.passkey_refused', 'this passkey was not accepted', { cause })
}

/** Certificates in an attestation would have the server fetch revocation lists from addresses that they name. */
function verifyNoCertificates(response: RegistrationResponseJSON): void {
  const bytes = Uint8Array.from(Buffer.from(response.response.attestationObject, 'base64url'))
  const attestation = decodeAttestationObject(bytes)
  const format = attestation.get('fmt')
  const self = format === 'packed' && attestation.get('attStmt').get('x5c') === undefined
  if (format !== 'none' && !self) throw new Error(`attestation ${format} was not asked for`)
}

/** 7.2 step 6: the handle, where one is given, is that of the passkey's owner. */
function verifyUser({ response }: AuthenticationResponseJSON, person: string): void {
  if (response.userHandle === undefined) return
  if (Buffer.from(response.userHandle, 'base64url').toString('utf8') !== person)
    throw new Error('another user’s handle')
}
