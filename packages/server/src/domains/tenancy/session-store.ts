import { day, hour, type Instant, newId, newSecret } from '@holdfast/kernel'
import { compileOnce, type Reader, type Tx } from '../../platform/db/index.ts'
import { secretHash } from './secrets.ts'

export const idleLimit = 12 * hour
export const absoluteLimit = 30 * day

export type SignInMethod = 'password' | 'totp' | 'recovery' | 'passkey' | 'sso' | 'invitation' | 'setup'

/** A new token each time, so that nobody can plant one. Answers it; only its hash is kept. */
export async function insertSession(
  tx: Tx,
  begun: { person: string; organisation: string; method: SignInMethod; token?: string },
  now: Instant,
): Promise<string> {
  const token = begun.token ?? newSecret()
  await tx.deleteFrom('person_session').where('expires_at', '<', now).execute()
  await tx
    .insertInto('person_session')
    .values({
      token_hash: secretHash(token),
      id: newId(now),
      person: begun.person,
      organisation: begun.organisation,
      method: begun.method,
      created_at: now,
      used_at: now,
      expires_at: now + absoluteLimit,
    })
    .execute()
  return token
}

const sessionByHash = compileOnce((db, given: { hash: string }) =>
  db
    .selectFrom('person_session')
    .innerJoin('person', 'person.id', 'person_session.person')
    .innerJoin('organisation', 'organisation.id', 'person_session.organisation')
    .select([
      'person_session.id as id',
      'person_session.organisation as organisation',
      'person_session.method as method',
      'person_session.used_at as used_at',
      'person_session.expires_at as expires_at',
      'person.id as person',
      'person.name as name',
      'person.email_key as email_key',
      'person.created_at as created_at',
      'organisation.require_second_factor as require_second_factor',
    ])
    .where('person_session.token_hash', '=', given.hash),
)

export async function findSession(db: Reader, tokenHash: string) {
  return (await sessionByHash(db, { hash: tokenHash }))[0]
}

const tokenByHash = compileOnce((db, given: { hash: string }) =>
  db
    .selectFrom('api_token')
    .innerJoin('organisation', 'organisation.id', 'api_token.organisation')
    .select([
      'api_token.id as id',
      'api_token.organisation as organisation',
      'api_token.person as person',
      'api_token.name as name',
      'api_token.permissions as permissions',
      'api_token.used_at as used_at',
      'api_token.expires_at as expires_at',
      'organisation.require_second_factor as require_second_factor',
    ])
    .where('api_token.token_hash', '=', given.hash),
)

export async function findToken(db: Reader, tokenHash: string) {
  return (await tokenByHash(db, { hash: tokenHash }))[0]
}

export async function deleteSession(tx: Tx, tokenHash: string): Promise<void> {
  await tx.deleteFrom('person_session').where('token_hash', '=', tokenHash).execute()
}

/** Ends every session of a person but the one given. */
export async function deleteSessions(tx: Tx, person: string, but: string): Promise<void> {
  await tx.deleteFrom('person_session').where('person', '=', person).where('token_hash', '!=', but).execute()
}

export async function moveSession(tx: Tx, tokenHash: string, organisation: string): Promise<void> {
  await tx.updateTable('person_session').set({ organisation }).where('token_hash', '=', tokenHash).execute()
}

const factorsOf = compileOnce((db, given: { person: string }) =>
  db
    .selectFrom('person')
    .select(({ selectFrom, fn }) => [
      'totp_secret',
      selectFrom('passkey')
        .select(fn.countAll<number>().as('n'))
        .whereRef('passkey.person', '=', 'person.id')
        .as('passkeys'),
      selectFrom('sso_identity')
        .select(fn.countAll<number>().as('n'))
        .whereRef('sso_identity.person', '=', 'person.id')
        .as('identities'),
    ])
    .where('person.id', '=', given.person),
)

export interface Factors {
  readonly totp: boolean
  readonly passkeys: number
  /** Accounts at single sign-on providers, which answer for second factors themselves. */
  readonly identities: number
}

export async function findFactors(db: Reader, person: string): Promise<Factors> {
  const [row] = await factorsOf(db, { person })
  return {
    totp: row !== undefined && row.totp_secret !== null,
    passkeys: Number(row?.passkeys ?? 0),
    identities: Number(row?.identities ?? 0),
  }
}

/** When credentials were last used, written in bulk: once in a while, not once a request. */
export async function putUses(tx: Tx, table: 'person_session' | 'api_token', uses: ReadonlyMap<string, Instant>) {
  for (const [tokenHash, at] of uses) {
    await tx.updateTable(table).set({ used_at: at }).where('token_hash', '=', tokenHash).execute()
  }
}
