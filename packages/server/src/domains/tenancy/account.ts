import { type Clock, Fault } from '@holdfast/kernel'
import type { Actor } from '../../platform/actor.ts'
import type { Database, Tx } from '../../platform/db/index.ts'
import { record } from '../audit/index.ts'
import { accountKey, forgetAttempts } from './attempts-store.ts'
import type { Callers } from './callers.ts'
import { emailKey } from './email.ts'
import { describeTotp, findTotpStep, newRecoveryCodes, newTotpSecret } from './one-time-codes.ts'
import type { Passwords } from './passwords.ts'
import { changePerson, findPersonByEmail, listReachable, requirePerson } from './person-store.ts'
import type { Resolved } from './resolve-credential.ts'
import { type Secrets, secretHash } from './secrets.ts'
import { deleteSession, deleteSessions, moveSession } from './session-store.ts'
import { arrive, type Visit } from './sessions.ts'
import { clearTotp, type SignInService, totpContext } from './sign-in.ts'

export interface AccountNeeds {
  readonly db: Database
  readonly clock: Clock
  readonly passwords: Passwords
  readonly secrets: Secrets
  readonly callers: Callers
  readonly signIn: SignInService
}

/** What people do with their own account while they are signed in. */
export function createAccount({ db, clock, passwords, secrets, callers, signIn }: AccountNeeds) {
  const change = async (own: Resolved, actor: Actor, type: string, work: (tx: Tx) => Promise<void>): Promise<void> => {
    await db.write(async (tx) => {
      await work(tx)
      const subject = { kind: 'person', id: own.person }
      await record(tx, { organisation: own.organisation, type, subject, actor, at: clock.now() })
    })
    callers.forget('', own.person)
  }

  return {
    signOut: (own: Resolved, actor: Actor) =>
      change(own, actor, 'people.signed_out', (tx) => deleteSession(tx, own.tokenHash)),

    async switchOrganisation(own: Resolved, actor: Actor, organisation: string): Promise<void> {
      await db.write(async (tx) => {
        const person = await requirePerson(tx, own.person)
        const place = (await listReachable(tx, person, clock.now())).find(({ id }) => id === organisation)
        if (place === undefined) {
          throw new Fault('missing', 'people.no_such_organisation', 'there is no such organisation')
        }
        await moveSession(tx, own.tokenHash, organisation)
        await arrive(tx, { person, place, method: 'switch', actor }, clock.now())
      })
      callers.forget('', own.person)
    },

    async changePassword(own: Resolved, actor: Actor, given: { current: string; next: string }, visit: Visit) {
      const person = await requirePerson(db.read, own.person)
      await signIn.verifyPassword(person.email, given.current, visit)
      const password_hash = await passwords.hash(given.next)
      await change(own, actor, 'people.password_changed', async (tx) => {
        const now = await requirePerson(tx, own.person)
        if (now.password_hash !== person.password_hash) {
          throw new Fault('conflict', 'session.changed_meanwhile', 'the password was changed at this moment')
        }
        await changePerson(tx, own.person, { password_hash })
        await deleteSessions(tx, own.person, own.tokenHash)
      })
    },

    async startTotp(own: Resolved, actor: Actor): Promise<{ secret: string; uri: string }> {
      const person = await requirePerson(db.read, own.person)
      const secret = newTotpSecret()
      const totp_pending = secrets.seal(secret, totpContext(own.person))
      await change(own, actor, 'people.totp_started', async (tx) => {
        const { totp_secret } = await requirePerson(tx, own.person)
        if (totp_secret !== null) {
          throw new Fault('conflict', 'session.totp_on', 'one-time codes are on already; switch them off first')
        }
        await changePerson(tx, own.person, { totp_pending })
      })
      return describeTotp(secret, person.email)
    },

    /** Other sessions end: they were begun without the second factor. */
    async confirmTotp(own: Resolved, actor: Actor, code: string): Promise<{ recoveryCodes: string[] }> {
      const { totp_pending, totp_step } = await requirePerson(db.read, own.person)
      if (totp_pending === null) {
        throw new Fault('conflict', 'session.totp_not_started', 'begin to set up one-time codes first')
      }
      const secret = secrets.open(totp_pending, totpContext(own.person))
      const step = findTotpStep(secret, code, totp_step, clock.now())
      if (step === undefined) throw new Fault('refused', 'session.wrong_code', 'this code is not right', { at: 'code' })
      const recoveryCodes = newRecoveryCodes()
      await change(own, actor, 'people.totp_on', async (tx) => {
        const moved = await tx
          .updateTable('person')
          .set({ totp_secret: totp_pending, totp_pending: null, totp_step: step })
          .where('id', '=', own.person)
          .where('totp_pending', '=', totp_pending)
          .executeTakeFirst()
        if (moved.numUpdatedRows !== 1n) {
          throw new Fault('conflict', 'session.changed_meanwhile', 'one-time codes were begun anew at this moment')
        }
        const rows = recoveryCodes.map((text) => ({ person: own.person, code_hash: secretHash(text) }))
        await tx.deleteFrom('recovery_code').where('person', '=', own.person).execute()
        await tx.insertInto('recovery_code').values(rows).execute()
        await deleteSessions(tx, own.person, own.tokenHash)
      })
      return { recoveryCodes }
    },

    async removeTotp(own: Resolved, actor: Actor, password: string, visit: Visit): Promise<void> {
      const person = await requirePerson(db.read, own.person)
      await signIn.verifyPassword(person.email, password, visit)
      await change(own, actor, 'people.totp_off', (tx) => clearTotp(tx, own.person))
    },

    /**
     * The way back in for who lost everything, from the server's own command line only: sets a password, ends second
     * factors, passkeys and sessions, and lifts the lock-out. Recorded in every organisation of theirs.
     */
    async recover(actor: Actor, email: string, password: string): Promise<void> {
      const password_hash = await passwords.hash(password)
      const id = await db.write(async (tx) => {
        const person = await findPersonByEmail(tx, emailKey(email))
        if (person === undefined) throw new Fault('missing', 'people.no_such_person', `nobody has the address ${email}`)
        await changePerson(tx, person.id, { password_hash })
        await clearTotp(tx, person.id)
        await tx.deleteFrom('passkey').where('person', '=', person.id).execute()
        await deleteSessions(tx, person.id, '')
        await forgetAttempts(tx, accountKey(person.email_key))
        for (const { id: organisation } of await listReachable(tx, person, clock.now())) {
          const subject = { kind: 'person', id: person.id }
          await record(tx, { organisation, type: 'people.account_recovered', subject, actor, at: clock.now() })
        }
        return person.id
      })
      callers.forget('', id)
    },
  }
}
