import { type Clock, Fault, type Instant } from '@holdfast/kernel'
import { systemActor } from '../../platform/actor.ts'
import type { Database, Tx } from '../../platform/db/index.ts'
import { record } from '../audit/index.ts'
import { type AttemptKeys, attemptKeys, claimAttempt, findAttempts, redeemAttempts } from './attempts-store.ts'
import { emailKey } from './email.ts'
import { type Attempts, accountPolicy } from './lock-out.ts'
import { findTotpStep, readRecoveryCode } from './one-time-codes.ts'
import type { Passwords } from './passwords.ts'
import { changePerson, findPersonByEmail, listReachable } from './person-store.ts'
import type { PersonTable } from './schema.ts'
import { type Secrets, secretHash } from './secrets.ts'
import { findFactors, type SignInMethod } from './session-store.ts'
import { type Begun, beginSession, type Visit } from './sessions.ts'

export interface SignInNeeds {
  readonly db: Database
  readonly clock: Clock
  readonly passwords: Passwords
  readonly secrets: Secrets
}

export interface GivenCredentials {
  readonly email: string
  readonly password: string
  readonly code?: string | undefined
}

export type SignInOutcome = { readonly begun: Begun } | { readonly needs: ('totp' | 'passkey')[] }

/** A second factor that was found right and still has to be used up, in the transaction that accepts it. */
type Proof = { readonly step: number } | { readonly recoveryCode: string }

/**
 * Signing in with a password. An attempt is counted before it is tried and forgiven by success, so neither haste nor
 * another spelling gets past the limit; accounts that do not exist are treated, counted and timed like those that do.
 */
export function createSignIn({ db, clock, passwords, secrets }: SignInNeeds) {
  /** Checks a password under the lock-out; answers the person, or records the failure and throws. */
  const requirePassword = async (email: string, password: string, visit: Visit) => {
    const keys = attemptKeys(emailKey(email), visit.address)
    await db.write((tx) => claimAttempt(tx, keys, clock.now()))
    const person = await findPersonByEmail(db.read, emailKey(email))
    const right = await passwords.matches(password, person?.password_hash)
    if (person !== undefined && right) return { person, keys }
    return await refuse(keys, person, visit, 'password')
  }

  const refuse = async (keys: AttemptKeys, person: PersonTable | undefined, visit: Visit, reason: string) => {
    // The transaction is made for strangers too: it is what takes the time.
    await db.write((tx) => recordFailure(tx, { keys, person, visit, reason }, clock.now()))
    throw new Fault('unauthenticated', 'session.wrong', 'the e-mail address, the password or the code is wrong')
  }

  /** Takes the attempt back where the password was only part of something else. */
  const redeem = (keys: AttemptKeys, outcome: 'success' | 'half') => db.write((tx) => redeemAttempts(tx, keys, outcome))

  return {
    async signIn({ email, password, code }: GivenCredentials, visit: Visit): Promise<SignInOutcome> {
      const { person, keys } = await requirePassword(email, password, visit)
      const factors = await findFactors(db.read, person.id)
      if (!factors.totp && factors.passkeys === 0) {
        return { begun: await db.write((tx) => accept(tx, { person, keys, visit, method: 'password' }, clock.now())) }
      }
      if (code === undefined || code === '') {
        await redeem(keys, 'half')
        return {
          needs: [
            ...(factors.totp ? (['totp'] as const) : []),
            ...(factors.passkeys > 0 ? (['passkey'] as const) : []),
          ],
        }
      }
      const proof = findProof(secrets, person, code, clock.now())
      const method = proof !== undefined && 'step' in proof ? 'totp' : 'recovery'
      const begun = await db.write(async (tx) => {
        if (proof === undefined || !(await useUp(tx, person.id, proof))) return undefined
        return await accept(tx, { person, keys, visit, method }, clock.now())
      })
      return { begun: begun ?? (await refuse(keys, person, visit, 'code')) }
    },

    /** Proves the password of somebody who is signed in already, or who accepts an invitation. */
    async verifyPassword(email: string, password: string, visit: Visit): Promise<void> {
      const { keys } = await requirePassword(email, password, visit)
      await redeem(keys, 'half')
    },
  }
}

export type SignInService = ReturnType<typeof createSignIn>

interface Acceptance {
  readonly person: PersonTable
  readonly keys: AttemptKeys
  readonly visit: Visit
  readonly method: SignInMethod
}

async function accept(tx: Tx, { person, keys, visit, method }: Acceptance, now: Instant): Promise<Begun> {
  // The password may have been changed while it was being compared.
  const current = await findPersonByEmail(tx, person.email_key)
  if (current?.password_hash !== person.password_hash) {
    throw new Fault('unauthenticated', 'session.wrong', 'the password was changed at this moment')
  }
  await redeemAttempts(tx, keys, 'success')
  return await beginSession(tx, { person, method, visit }, now)
}

function findProof(secrets: Secrets, person: PersonTable, code: string, now: Instant): Proof | undefined {
  const recoveryCode = readRecoveryCode(code)
  if (recoveryCode !== undefined) return { recoveryCode }
  if (person.totp_secret === null) return undefined
  const secret = secrets.open(person.totp_secret, totpContext(person.id))
  const step = findTotpStep(secret, code, person.totp_step, now)
  return step === undefined ? undefined : { step }
}

/** False: somebody was quicker with the same code. */
async function useUp(tx: Tx, person: string, proof: Proof): Promise<boolean> {
  if ('step' in proof) {
    const moved = await tx
      .updateTable('person')
      .set({ totp_step: proof.step })
      .where('id', '=', person)
      .where('totp_step', '<', proof.step)
      .where('totp_secret', 'is not', null)
      .executeTakeFirst()
    return moved.numUpdatedRows === 1n
  }
  const used = await tx
    .deleteFrom('recovery_code')
    .where('person', '=', person)
    .where('code_hash', '=', secretHash(proof.recoveryCode))
    .executeTakeFirst()
  return used.numDeletedRows === 1n
}

interface Failure {
  readonly keys: AttemptKeys
  readonly person: PersonTable | undefined
  readonly visit: Visit
  readonly reason: string
}

async function recordFailure(tx: Tx, { keys, person, visit, reason }: Failure, now: Instant): Promise<void> {
  const attempts = await findAttempts(tx, keys.account)
  if (person !== undefined) await recordFailedSignIn(tx, { person, visit, reason, attempts }, now)
}

interface FailedSignIn {
  readonly person: Pick<PersonTable, 'id' | 'email_key' | 'created_at' | 'last_organisation'>
  readonly visit: Visit
  readonly reason: string
  readonly attempts?: Attempts | undefined
}

/** Where the person worked last is where it is written down; so is the lock-out that it causes. */
export async function recordFailedSignIn(
  tx: Tx,
  { person, visit, reason, attempts }: FailedSignIn,
  now: Instant,
): Promise<void> {
  const reachable = await listReachable(tx, person, now)
  const place = reachable.find(({ id }) => id === person.last_organisation) ?? reachable[0]
  if (place === undefined) return
  const about = {
    organisation: place.id,
    subject: { kind: 'person', id: person.id },
    // Who it was is just what nobody knows.
    actor: { ...systemActor('sign-in'), origin: visit.address },
    at: now,
  }
  await record(tx, { ...about, type: 'people.sign_in_failed', detail: { wrong: reason } })
  if (attempts !== undefined && attempts.count >= accountPolicy.free) {
    const until = new Date(attempts.lockedUntil).toISOString()
    await record(tx, { ...about, type: 'people.locked_out', detail: { failures: attempts.count, until } })
  }
}

/** Where a one-time-code secret belongs; a secret copied to another row does not open. */
export function totpContext(person: string): string {
  return `person/${person}/totp`
}

/** Ends the second factors and recovery codes of an account. */
export async function clearTotp(tx: Tx, person: string): Promise<void> {
  await changePerson(tx, person, { totp_secret: null, totp_pending: null })
  await tx.deleteFrom('recovery_code').where('person', '=', person).execute()
}
