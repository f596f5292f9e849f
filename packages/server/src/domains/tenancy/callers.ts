import { type Clock, Fault, type Instant, minute, second } from '@holdfast/kernel'
import { LRUCache } from 'lru-cache'
import type { Bus, Event } from '../../platform/bus/bus.ts'
import type { Database } from '../../platform/db/index.ts'
import type { Authenticate, Caller, Credentials } from '../../platform/http/caller.ts'
import { createLastUses } from './last-uses.ts'
import { endedSession, loadSession, loadToken, type Resolved } from './resolve-credential.ts'
import { secretHash } from './secrets.ts'
import { createSupportJournal, type SupportJournal } from './support-journal.ts'

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
  const uses = createLastUses(db)
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
    return admit(entry.resolved, credentials.origin, journal)
  }
  const admit = (resolved: Resolved, origin: string, acts?: SupportJournal): Caller => {
    const caller = callerOf(resolved, origin, acts)
    resolvedOf.set(caller, resolved)
    return caller
  }
  const requireResolved = (caller: Caller): Resolved => {
    const resolved = resolvedOf.get(caller)
    if (resolved === undefined) throw new Error('a caller that was not authenticated here')
    return resolved
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
    /** What the browser's cookie stands for, where it is a session at all. */
    async findSession(token: string | undefined): Promise<Resolved | undefined> {
      if (token === undefined || !tokenForm.test(token)) return undefined
      try {
        return (await resolve('session', secretHash(token))).resolved
      } catch (thrown) {
        if (thrown instanceof Fault && thrown.kind === 'unauthenticated') return undefined
        throw thrown
      }
    },
    resolveSessionHash: async (tokenHash: string) => (await resolve('session', tokenHash)).resolved,
    /** What a caller that `authenticate` answered stands for. */
    requireResolved,
    /**
     * The caller as they are now, for what outlives a request; undefined: signed out, revoked, or gone elsewhere. It is no
     * act of support: an event about support must not cause the next.
     */
    async renew(caller: Caller): Promise<Caller | undefined> {
      const { via, tokenHash } = requireResolved(caller)
      try {
        const { resolved } = await resolve(via, tokenHash)
        return resolved.organisation === caller.organisation ? admit(resolved, caller.actor.origin ?? '') : undefined
      } catch (thrown) {
        if (thrown instanceof Fault && thrown.kind === 'unauthenticated') return undefined
        throw thrown
      }
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
  if (!tokenForm.test(cookie)) throw endedSession()
  return { via: 'session' as const, token: cookie }
}

/** A browser sends the cookie whoever asks it to; only our own pages can add the header. */
function verifySameOrigin({ method, sameOrigin }: Credentials): void {
  if (method === 'GET' || method === 'HEAD' || sameOrigin) return
  throw new Fault('forbidden', 'session.cross_site', 'this request does not come from the console')
}

function callerOf(resolved: Resolved, origin: string, journal: SupportJournal | undefined): Caller {
  const { via, support, rights, person, organisation } = resolved
  const kind = via === 'token' ? 'token' : 'user'
  const actor = { kind, id: resolved.actorId, name: resolved.actorName, origin } as const
  let noted = journal === undefined
  return {
    actor,
    user: person,
    organisation,
    via,
    scopeOf(permission) {
      const scope = rights.get(permission)
      // The first question is the operation's own; those after it only shape the answer.
      if (support !== undefined && !noted) {
        noted = true
        journal?.note({ organisation, access: support, actor, permission, allowed: scope !== undefined })
      }
      return scope
    },
  }
}
