import { isIPv6 } from 'node:net'
import { day, Fault, type Instant } from '@holdfast/kernel'
import type { Reader, Tx } from '../../platform/db/index.ts'
import { type Attempts, accountPolicy, addressPolicy, decideAttempt, redeemAttempt } from './lock-out.ts'
import { secretHash } from './secrets.ts'

/** What an attempt is counted under. What was typed is hashed: it may be a password in the wrong field. */
export interface AttemptKeys {
  readonly account: string
  readonly address: string
}

export function attemptKeys(emailKey: string, address: string): AttemptKeys {
  return { account: accountKey(emailKey), address: `address:${networkOf(address)}` }
}

export function accountKey(emailKey: string): string {
  return `account:${secretHash(emailKey)}`
}

/** Counts an attempt, or throws `session.locked`. The account need not exist: strangers learn nothing. */
export async function claimAttempt(tx: Tx, keys: AttemptKeys, now: Instant): Promise<void> {
  await tx
    .deleteFrom('sign_in_attempts')
    .where('last_at', '<', now - 2 * day)
    .execute()
  for (const [key, policy] of [
    [keys.address, addressPolicy],
    [keys.account, accountPolicy],
  ] as const) {
    const before = await findAttempts(tx, key)
    const after = decideAttempt(policy, before, now)
    if (after === undefined) {
      throw new Fault('limited', 'session.locked', 'too many failed attempts; try again later', {
        retryAfter: Math.ceil(((before?.lockedUntil ?? now) - now) / 1000),
      })
    }
    await putAttempts(tx, key, after)
  }
}

/** The attempt succeeded, or was not finished yet (`half`): only a whole success forgives the failures before it. */
export async function redeemAttempts(tx: Tx, keys: AttemptKeys, outcome: 'success' | 'half'): Promise<void> {
  const redeemed = outcome === 'success' ? [keys.address] : [keys.address, keys.account]
  for (const key of redeemed) {
    const before = await findAttempts(tx, key)
    if (before !== undefined) await putAttempts(tx, key, redeemAttempt(before))
  }
  if (outcome === 'success') await forgetAttempts(tx, keys.account)
}

export async function forgetAttempts(tx: Tx, key: string): Promise<void> {
  await tx.deleteFrom('sign_in_attempts').where('key', '=', key).execute()
}

/** Which of the accounts are locked now. */
export async function findLocked(db: Reader, accounts: readonly string[], now: Instant): Promise<Set<string>> {
  if (accounts.length === 0) return new Set()
  const rows = await db
    .selectFrom('sign_in_attempts')
    .select('key')
    .where('key', 'in', accounts)
    .where('locked_until', '>', now)
    .execute()
  return new Set(rows.map((row) => row.key))
}

export async function findAttempts(db: Reader, key: string): Promise<Attempts | undefined> {
  const row = await db.selectFrom('sign_in_attempts').selectAll().where('key', '=', key).executeTakeFirst()
  return row === undefined ? undefined : { count: row.count, lastAt: row.last_at, lockedUntil: row.locked_until }
}

async function putAttempts(tx: Tx, key: string, { count, lastAt, lockedUntil }: Attempts): Promise<void> {
  const values = { count, last_at: lastAt, locked_until: lockedUntil }
  await tx
    .insertInto('sign_in_attempts')
    .values({ key, ...values })
    .onConflict((conflict) => conflict.column('key').doUpdateSet(values))
    .execute()
}

/** An IPv6 subscriber has a whole /64 to send from. */
function networkOf(address: string): string {
  if (!isIPv6(address) || address.toLowerCase().startsWith('::ffff:')) return address.replace(/^::ffff:/i, '')
  const [head = '', tail] = address.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length
  const groups = [...left, ...Array<string>(Math.max(0, zeros)).fill('0'), ...right]
  return `${groups.slice(0, 4).join(':')}::/64`
}
