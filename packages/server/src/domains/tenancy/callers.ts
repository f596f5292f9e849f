import { type Clock, Fault, type Instant, minute, second } from '@holdfast/kernel'
import { LRUCache } from 'lru-cache'
import type { Bus, Event } from '../../platform/bus/bus.ts'
import type { Database } from '../../platform/db/index.ts'
import type { Authenticate, Caller, Credentials } from '../../platform/http/caller.ts'
import { findCustomRoles, findGrants, readPermissions } from './organisation-store.ts'
import { isMember } from './person-store.ts'
import { deriveRights, narrow, noRights, type Rights } from './rights.ts'
import { secretHash } from './secrets.ts'
import { findFactors, findSession, findToken, idleLimit, putUses } from './session-store.ts'
import { createSupportJournal } from './support-journal.ts'
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

interface Entry {
  readonly resolved: Resolved
  /** When the database was last told that the credential is in use. */
  notedAt: Instant
}

/** How long a resolved caller is believed without asking the database again, whatever else may fail to reach this node. */
const trustFor = second
const noteUseEvery = minute
const tokenForm = /^[A-Za-z0-9_-]{43}$/
const bearerForm = /^bearer +(hf_[A-Za-z0-9_-]{43})$/i

/** Events that change nobody's rights. */
const harmless: ReadonlySet<string> = new Set([
  'people.signed_in',
  'people.sign_in_failed',
  'people.locked_out',
  'people.invited',
  'people.support_read',
  'people.support_denied',
  'people.support_entered',
])

/**
 * Finds out who calls. Answers are remembered for a second at most, and dropped at once when an event says that rights have
 * changed: most revocations take effect sooner, none depends on the event.
 */
export function createCallers({ db, clock, bus }: { db: Database; clock: Clock; bus: Bus }) {
  const cache = new LRUCache<string, Entry>({ max: 20_000 })
  const resolvedOf = new WeakMap<Caller, Resolved>()
  const journal = createSupportJournal({ db, clock })
  const uses = createUses(db)
  let generation = 0

  const forget = (organisation: string, person: string): void => {
    generation += 1
    for (const [key, { resolved }] of cache.entries()) {
      if (resolved.organisation === organisation || resolved.person === person) cache.delete(key)
    }
  }
  const stop = bus.subscribe('people.', (event: Event) => {
    if (!harmless.has(event.type)) forget(event.organisation, event.subject.id)
  })

  const resolve = async (via: Resolved['via'], tokenHash: string): Promise<Entry> => {
    const now = clock.now()
    const known = cache.get(tokenHash)
    if (known !== undefined && isFresh(known.resolved, now)) return known
    const before = generation
    const loaded = via === 'session' ? await loadSession(db, tokenHash, now) : await loadToken(db, tokenHash, now)
    const entry: Entry = { resolved: loaded.resolved, notedAt: loaded.usedAt }
    // An event that arrived meanwhile may be about what was just read.
    if (before === generation) cache.set(tokenHash, entry)
    else cache.delete(tokenHash)
    return entry
  }

  const authenticate: Authenticate = async (credentials) => {
    const given = readCredential(credentials)
    if (given === undefined) return undefined
    const entry = await resolve(given.via, secretHash(given.token))
    if (given.via === 'session') verifySameOrigin(credentials)
    const now = clock.now()
    if (now - entry.notedAt >= noteUseEvery) {
      entry.notedAt = now
      uses.note(given.via, entry.resolved.tokenHash, now)
    }
    if (entry.resolved.support !== undefined) await journal.settled()
    const caller = callerOf(entry.resolved, credentials.origin, journal)
    resolvedOf.set(caller, entry.resolved)
    return caller
  }

  const settled = async (): Promise<void> => {
    await Promise.allSettled([journal.settled(), uses.settled()])
  }

  return {
    authenticate,
    /** Drops what is remembered of everybody in an organisation and of a person wherever they are. */
    forget,
    /** What a session token stands for; throws as `authenticate` does. */
    resolveSession: async (token: string) => (await resolve('session', secretHash(token))).resolved,
    resolveSessionHash: async (tokenHash: string) => (await resolve('session', tokenHash)).resolved,
    /** What a caller that `authenticate` answered stands for. */
    requireResolved(caller: Caller): Resolved {
      const resolved = resolvedOf.get(caller)
      if (resolved === undefined) throw new Error('a caller that was not authenticated here')
      return resolved
    },
    settled,
    async close() {
      stop()
      await settled()
    },
  }
}

export type Callers = ReturnType<typeof createCallers>

/** A clock that was set back must not keep anybody alive. */
function isFresh({ loadedAt, expiresAt }: Resolved, now: Instant): boolean {
  return now >= loadedAt && now - loadedAt < trustFor && now < expiresAt
}

function readCredential({ authorization, cookie }: Credentials) {
  if (authorization !== undefined) {
    const token = bearerForm.exec(authorization)?.[1]
    if (token === undefined) throw new Fault('unauthenticated', 'session.bad_token', 'this is no API token')
    return { via: 'token' as const, token }
  }
  if (cookie === undefined) return undefined
  if (!tokenForm.test(cookie)) throw ended()
  return { via: 'session' as const, token: cookie }
}

/** A browser sends the cookie whoever asks it to; only our own pages can add the header. */
function verifySameOrigin({ method, sameOrigin }: Credentials): void {
  if (method === 'GET' || method === 'HEAD' || sameOrigin) return
  throw new Fault('forbidden', 'session.cross_site', 'this request does not come from the console')
}

async function loadSession(db: Database, tokenHash: string, now: Instant) {
  const row = await findSession(db.read, tokenHash)
  if (row === undefined || row.expires_at <= now || row.used_at + idleLimit <= now) throw ended()
  const member = await isMember(db.read, row.organisation, row.person)
  const access = member
    ? undefined
    : await findSupportAccess(db.read, row.organisation, { email_key: row.email_key, created_at: row.created_at }, now)
  if (!member && access === undefined) throw ended()
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

async function loadToken(db: Database, tokenHash: string, now: Instant) {
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

function callerOf(resolved: Resolved, origin: string, journal: ReturnType<typeof createSupportJournal>): Caller {
  const { via, support, rights, person, organisation } = resolved
  const kind = via === 'token' ? 'token' : 'user'
  const actor = { kind, id: resolved.actorId, name: resolved.actorName, origin } as const
  return {
    actor,
    user: person,
    organisation,
    via,
    scopeOf(permission) {
      const scope = rights.get(permission)
      if (support !== undefined) {
        journal.note({ organisation, access: support, actor, permission, allowed: scope !== undefined })
      }
      return scope
    },
  }
}

function createUses(db: Database) {
  let pending = { session: new Map<string, Instant>(), token: new Map<string, Instant>() }
  let running: Promise<void> | undefined
  const flush = async (): Promise<void> => {
    const taken = pending
    pending = { session: new Map(), token: new Map() }
    await db.write(async (tx) => {
      await putUses(tx, 'person_session', taken.session)
      await putUses(tx, 'api_token', taken.token)
    })
  }
  return {
    note(via: Resolved['via'], tokenHash: string, at: Instant): void {
      pending[via].set(tokenHash, at)
      // A database that cannot be written must not keep people from reading; the next use tries again.
      running ??= flush()
        .catch(() => {})
        .finally(() => {
          running = undefined
        })
    },
    async settled(): Promise<void> {
      await running
    },
  }
}

function ended(): Fault {
  return new Fault('unauthenticated', 'session.ended', 'the session has ended; sign in again')
}
