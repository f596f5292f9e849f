import { type Clock, second } from '@holdfast/kernel'
import { LRUCache } from 'lru-cache'
import type { Config } from '../../config.ts'
import type { Actor } from '../../platform/actor.ts'
import type { Bus } from '../../platform/bus/bus.ts'
import type { Database } from '../../platform/db/index.ts'
import type { Authenticate, Caller } from '../../platform/http/caller.ts'
import type { Route } from '../../platform/http/routes.ts'
import { createAccount } from './account.ts'
import { createCallers } from './callers.ts'
import { createInvitations } from './invitations.ts'
import { createMembers } from './members.ts'
import { findByDdiTenant, findByTenantToken, listOrganisationIds, type Organisation } from './organisation-store.ts'
import { createPasskeys } from './passkeys.ts'
import { createPasswords } from './passwords.ts'
import { accessRoutes, organisationRoutes } from './people-routes.ts'
import type { Secrets } from './secrets.ts'
import { accountRoutes, signInRoutes } from './session-routes.ts'
import { describeMe } from './sessions.ts'
import { createSetUp, type FirstOwner } from './set-up.ts'
import { createSignIn } from './sign-in.ts'
import { createSso } from './sso.ts'
import { createSupport } from './support.ts'
import { createTokens } from './tokens.ts'

export interface TenancyNeeds {
  readonly db: Database
  readonly clock: Clock
  readonly config: Pick<Config, 'sso' | 'devices'>
  readonly bus: Bus
  readonly secrets: Secrets
}

export interface Tenancy {
  readonly authenticate: Authenticate
  /** The caller as they are now, for what outlives a request; undefined: signed out, revoked, or gone elsewhere. */
  renew(caller: Caller): Promise<Caller | undefined>
  readonly routes: readonly Route[]
  /** The one-time link for the first owner, made anew; undefined once there is one. */
  setupLink(ownUrl: string): Promise<string | undefined>
  /** An organisation that is filled before anybody has an account; the first owner takes it over. For the demo. */
  prepareOrganisation(actor: Actor, name: string): Promise<Organisation>
  /** A further organisation with its first owner; for the server's own command line, which is who `actor` says. */
  createOrganisation(actor: Actor, first: FirstOwner): Promise<{ organisation: Organisation; owner: string }>
  /** The way back in for who lost everything; for the server's own command line. Ends second factors and sessions. */
  recoverAccount(actor: Actor, email: string, password: string): Promise<void>
  /** The organisation whose token a Mender client sent. */
  findOrganisationByTenantToken(token: string): Promise<Organisation | undefined>
  /** The organisation that the tenant segment of a DDI address names. */
  findOrganisationByDdiTenant(name: string): Promise<Organisation | undefined>
  organisationIds(): Promise<string[]>
  /** Waits for what is still being written in the background: last uses, and what support looked at. */
  settled(): Promise<void>
  /** Stops listening, then settles. */
  close(): Promise<void>
}

export function createTenancy({ db, clock, config, bus, secrets }: TenancyNeeds): Tenancy {
  const passwords = createPasswords()
  const callers = createCallers({ db, clock, bus })
  const signIn = createSignIn({ db, clock, passwords, secrets })
  const setUp = createSetUp({ db, clock, passwords })
  const account = createAccount({ db, clock, passwords, secrets, callers, signIn })
  const invitations = createInvitations({ db, clock, passwords, callers, signIn })
  const session = {
    callers,
    setUp,
    signIn,
    account,
    invitations,
    passkeys: createPasskeys({ db, clock, callers }),
    sso: createSso({ db, clock, callers, providers: config.sso }),
    describe: (resolved: Parameters<typeof describeMe>[1]) => describeMe(db.read, resolved, clock.now()),
  }
  const people = {
    db,
    callers,
    invitations,
    members: createMembers({ db, clock, callers }),
    tokens: createTokens({ db, clock, callers }),
    support: createSupport({ db, clock, callers }),
    maxDevices: config.devices.maxPerOrganisation,
  }
  return {
    authenticate: callers.authenticate,
    renew: callers.renew,
    routes: [
      ...signInRoutes(session),
      ...accountRoutes(session),
      ...organisationRoutes(people),
      ...accessRoutes(people),
    ],
    setupLink: setUp.link,
    prepareOrganisation: setUp.prepareOrganisation,
    createOrganisation: setUp.createOrganisation,
    recoverAccount: account.recover,
    findOrganisationByTenantToken: rememberBriefly((token) => findByTenantToken(db.read, token)),
    findOrganisationByDdiTenant: rememberBriefly((name) => findByDdiTenant(db.read, name)),
    organisationIds: () => listOrganisationIds(db.read),
    settled: callers.settled,
    close: callers.close,
  }
}

/** Devices name their organisation with each request; what exists is not looked up more than once a second. */
function rememberBriefly(find: (key: string) => Promise<Organisation | undefined>) {
  const known = new LRUCache<string, Organisation>({ max: 10_000, ttl: second })
  return async (key: string): Promise<Organisation | undefined> => {
    const remembered = known.get(key)
    if (remembered !== undefined) return remembered
    const found = await find(key)
    if (found !== undefined) known.set(key, found)
    return found
  }
}
