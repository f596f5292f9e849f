import { Fault, type Instant } from '@holdfast/kernel'
import type { Database } from '../../platform/db/index.ts'
import { findCustomRoles, findGrants, readPermissions } from './organisation-store.ts'
import { isMember } from './person-store.ts'
import { deriveRights, narrow, noRights, type Rights } from './rights.ts'
import { findFactors, findSession, findToken, idleLimit } from './session-store.ts'
import { findSupportAccess } from './support-store.ts'

/** What a credential stands for, as the database said at `loadedAt`. */
export interface Resolved {
  readonly via: 'session' | 'token'
  readonly tokenHash: string
  /** Of the person for a session, of the token for a token: what the audit log names. */
  readonly actorId: string
  readonly actorName: string
  readonly person: string
  readonly organisation: string
  readonly rights: Rights
  /** The support access that lets them in, where they are no member. */
  readonly support: string | undefined
  readonly expiresAt: Instant
  readonly loadedAt: Instant
}

export interface Loaded {
  readonly resolved: Resolved
  readonly usedAt: Instant
}

export async function loadSession(db: Database, tokenHash: string, now: Instant): Promise<Loaded> {
  const row = await findSession(db.read, tokenHash)
  if (row === undefined || row.expires_at <= now || row.used_at + idleLimit <= now) throw endedSession()
  const member = await isMember(db.read, row.organisation, row.person)
  const access = member
    ? undefined
    : await findSupportAccess(db.read, row.organisation, { email_key: row.email_key, created_at: row.created_at }, now)
  if (!member && access === undefined) throw endedSession()
  const factors = await findFactors(db.read, row.person)
  const strong = row.method === 'sso' || factors.totp || factors.passkeys > 0
  const roles = await findCustomRoles(db.read, row.organisation)
  const grants = member ? await findGrants(db.read, row.organisation, row.person) : [{ role: 'support' }]
  const resolved: Resolved = {
    via: 'session',
    tokenHash,
    actorId: row.person,
    actorName: row.name,
    person: row.person,
    organisation: row.organisation,
    rights: row.require_second_factor === 1 && !strong ? noRights : deriveRights(grants, roles),
    support: access?.id,
    expiresAt: Math.min(row.expires_at, access?.expiresAt ?? row.expires_at),
    loadedAt: now,
  }
  return { resolved, usedAt: row.used_at }
}

export async function loadToken(db: Database, tokenHash: string, now: Instant): Promise<Loaded> {
  const row = await findToken(db.read, tokenHash)
  if (row === undefined || row.expires_at <= now) {
    throw new Fault('unauthenticated', 'session.bad_token', 'this API token is unknown, revoked or expired')
  }
  const factors = await findFactors(db.read, row.person)
  const strong = factors.totp || factors.passkeys > 0 || factors.identities > 0
  const roles = await findCustomRoles(db.read, row.organisation)
  const grants = await findGrants(db.read, row.organisation, row.person)
  const rights = narrow(deriveRights(grants, roles), readPermissions(row.permissions))
  const resolved: Resolved = {
    via: 'token',
    tokenHash,
    actorId: row.id,
    actorName: row.name,
    person: row.person,
    organisation: row.organisation,
    rights: row.require_second_factor === 1 && !strong ? noRights : rights,
    support: undefined,
    expiresAt: row.expires_at,
    loadedAt: now,
  }
  return { resolved, usedAt: row.used_at ?? 0 }
}

export function endedSession(): Fault {
  return new Fault('unauthenticated', 'session.ended', 'the session has ended; sign in again')
}
