import { createHmac } from 'node:crypto'
import { type Clock, Fault, newId, newSecret } from '@holdfast/kernel'
import type { Database } from '../../platform/db/index.ts'
import type { Callers } from './callers.ts'
import { insertCeremony, takeCeremony } from './ceremonies.ts'
import { secretHash } from './secrets.ts'
import type { Begun, Visit } from './sessions.ts'
import { admitIdentity } from './sso-identity.ts'
import { createSsoProviders, type ProviderSettings } from './sso-providers.ts'

export interface SsoNeeds {
  readonly db: Database
  readonly clock: Clock
  readonly callers: Callers
  readonly providers: readonly ProviderSettings[]
}

/**
 * OpenID Connect, code flow with PKCE. State, nonce and verifier are made from a secret that only this browser's cookie
 * holds, so the server stores none of them and nobody else's browser can finish what this one began.
 */
export function createSso({ db, clock, callers, providers: settings }: SsoNeeds) {
  const providers = createSsoProviders(settings, clock)

  return {
    list: () => settings.map(({ id, name }) => ({ id, name })),

    /** `browserSecret` becomes the cookie, unless there is a session to which the identity will be linked. */
    async start(provider: string, visit: Visit): Promise<{ redirect: string; browserSecret: string | undefined }> {
      providers.require(provider)
      const session = await callers.findSession(visit.sessionToken)
      const secret = session === undefined ? newSecret() : (visit.sessionToken as string)
      const flow = newId(clock.now())
      const redirect = await providers.authorizationUrl(
        provider,
        redirectUri(provider, visit),
        flowValues(secret, flow),
      )
      const ceremony = { key: flow, kind: `sso:${provider}`, binding: secretHash(secret) } as const
      await db.write((tx) => insertCeremony(tx, ceremony, clock.now()))
      return { redirect, browserSecret: session === undefined ? secret : undefined }
    },

    async finish(provider: string, url: string, visit: Visit): Promise<Begun> {
      const { organisation, role } = providers.require(provider)
      const returned = parseReturn(url, redirectUri(provider, visit))
      const flow = returned.searchParams.get('state')?.split('.')[0] ?? ''
      const secret = visit.sessionToken
      if (secret === undefined) throw spent()
      const ceremony = { key: flow, kind: `sso:${provider}`, binding: secretHash(secret) } as const
      if (!(await db.write((tx) => takeCeremony(tx, ceremony, clock.now())))) throw spent()
      const identity = await providers.redeem(provider, returned, flowValues(secret, flow))
      const signedIn = (await callers.findSession(secret))?.person
      const begun = await db.write((tx) =>
        admitIdentity(
          tx,
          { identity: { ...identity, provider }, signedIn, join: { organisation, role }, visit },
          clock.now(),
        ),
      )
      callers.forget('', begun.person)
      return begun
    },
  }
}

export interface FlowValues {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
}

function flowValues(secret: string, flow: string): FlowValues {
  const derive = (purpose: string) => createHmac('sha256', secret).update(`sso ${purpose} ${flow}`).digest('base64url')
  return { state: `${flow}.${derive('state')}`, nonce: derive('nonce'), verifier: derive('verifier') }
}

function redirectUri(provider: string, visit: Visit): string {
  return new URL(`/sso/${provider}`, visit.ownUrl).href
}

/** Only the query is the provider's; the address is the one that was registered with it. */
function parseReturn(url: string, redirect: string): URL {
  if (!URL.canParse(url)) throw new Fault('malformed', 'session.bad_return', 'this is no address', { at: 'url' })
  const returned = new URL(redirect)
  returned.search = new URL(url).search
  return returned
}

function spent(): Fault {
  return new Fault('forbidden', 'session.sso_not_begun', 'this sign-in was not begun in this browser, or took too long')
}
