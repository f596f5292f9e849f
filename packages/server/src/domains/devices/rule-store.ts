import type { Instant } from '@holdfast/kernel'
import { sql } from 'kysely'
import type { Reader, Tx } from '../../platform/db/index.ts'

/** Accepts devices by itself while quota and time last; every condition that it has must hold. */
export interface AcceptRule {
  readonly id: string
  readonly organisation: string
  readonly name: string
  /** DER of the authority that must have issued the device's certificate. */
  readonly issuer: Uint8Array | undefined
  readonly identityPattern: Readonly<Record<string, string>> | undefined
  readonly product: string | undefined
  readonly quotaLeft: number
  readonly accepted: number
  readonly expiresAt: Instant
}

export async function listRules(db: Reader, organisation: string): Promise<AcceptRule[]> {
  const rows = await db
    .selectFrom('accept_rule')
    .selectAll()
    .where('organisation', '=', organisation)
    .orderBy('id')
    .execute()
  return rows.map((row) => ({
    id: row.id,
    organisation: row.organisation,
    name: row.name,
    issuer: row.issuer ?? undefined,
    identityPattern:
      row.identity_pattern === null ? undefined : (JSON.parse(row.identity_pattern) as Record<string, string>),
    product: row.product ?? undefined,
    quotaLeft: row.quota_left,
    accepted: row.accepted,
    expiresAt: row.expires_at,
  }))
}

export async function insertRule(tx: Tx, rule: AcceptRule): Promise<void> {
  await tx
    .insertInto('accept_rule')
    .values({
      id: rule.id,
      organisation: rule.organisation,
      name: rule.name,
      issuer: rule.issuer ?? null,
      identity_pattern: rule.identityPattern === undefined ? null : JSON.stringify(rule.identityPattern),
      product: rule.product ?? null,
      quota_left: rule.quotaLeft,
      accepted: rule.accepted,
      expires_at: rule.expiresAt,
    })
    .execute()
}

/** Takes one device off the quota; the caller saw in the same transaction that some is left. */
export async function spendQuota(tx: Tx, id: string): Promise<void> {
  await tx
    .updateTable('accept_rule')
    .set({ quota_left: sql<number>`quota_left - 1`, accepted: sql<number>`accepted + 1` })
    .where('id', '=', id)
    .execute()
}

export async function deleteRule(tx: Tx, organisation: string, id: string): Promise<boolean> {
  const done = await tx
    .deleteFrom('accept_rule')
    .where('organisation', '=', organisation)
    .where('id', '=', id)
    .executeTakeFirst()
  return done.numDeletedRows > 0n
}

/** A certificate authority that vouches for the devices it certifies. */
export interface DeviceAuthority {
  readonly id: string
  readonly organisation: string
  readonly name: string
  readonly certificate: Uint8Array
  readonly fingerprint: string
}

export function listAuthorities(db: Reader, organisation: string): Promise<DeviceAuthority[]> {
  return db.selectFrom('device_authority').selectAll().where('organisation', '=', organisation).orderBy('id').execute()
}

export async function insertAuthority(tx: Tx, authority: DeviceAuthority): Promise<void> {
  await tx.insertInto('device_authority').values(authority).execute()
}

export async function deleteAuthority(tx: Tx, organisation: string, id: string): Promise<boolean> {
  const done = await tx
    .deleteFrom('device_authority')
    .where('organisation', '=', organisation)
    .where('id', '=', id)
    .executeTakeFirst()
  return done.numDeletedRows > 0n
}
