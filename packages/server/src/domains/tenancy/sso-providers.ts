import { type Clock, Fault, hour, type Instant } from '@holdfast/kernel'
import * as oidc from 'openid-client'
import type { FlowValues } from './sso.ts'

export interface ProviderSettings {
  readonly id: string
  readonly name: string
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  /** Organisation that newcomers from this provider join. */
  readonly organisation?: string | undefined
  readonly role: string
}

/** Who somebody is, as a provider says; the address was verified by it. */
export interface SsoIdentity {
  readonly subject: string
  readonly email: string
  readonly name: string
}

const rediscoverAfter = hour
const timeoutSeconds = 10

/** The providers of the configuration, discovered when first needed. */
export function createSsoProviders(settings: readonly ProviderSettings[], clock: Clock) {
  const discovered = new Map<string, { at: Instant; configuration: Promise<oidc.Configuration> }>()

  const requireProvider = (id: string): ProviderSettings => {
    const provider = settings.find((candidate) => candidate.id === id)
    if (provider === undefined) throw new Fault('missing', 'session.no_such_provider', `there is no provider ${id}`)
    return provider
  }

  const configurationOf = async (id: string): Promise<oidc.Configuration> => {
    const provider = requireProvider(id)
    const now = clock.now()
    let known = discovered.get(id)
    if (known === undefined || now - known.at >= rediscoverAfter) {
      known = { at: now, configuration: discover(provider) }
      discovered.set(id, known)
    }
    try {
      return await known.configuration
    } catch (cause) {
      discovered.delete(id)
      const message = `${provider.name} cannot be reached at the moment`
      throw new Fault('unavailable', 'session.sso_unreachable', message, { cause, retryAfter: 30 })
    }
  }

  return {
    require: requireProvider,

    async authorizationUrl(id: string, redirectUri: string, { state, nonce, verifier }: FlowValues): Promise<string> {
      const configuration = await configurationOf(id)
      const code_challenge = await oidc.calculatePKCECodeChallenge(verifier)
      return oidc.buildAuthorizationUrl(configuration, {
        redirect_uri: redirectUri,
        scope: 'openid email profile',
        state,
        nonce,
        code_challenge,
        code_challenge_method: 'S256',
      }).href
    },

    /** Trades the code for an identity. Throws unless token, state, nonce and a verified e-mail address are all there. */
    async redeem(id: string, returned: URL, { state, nonce, verifier }: FlowValues): Promise<SsoIdentity> {
      const configuration = await configurationOf(id)
      try {
        const tokens = await oidc.authorizationCodeGrant(configuration, returned, {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: verifier,
          idTokenExpected: true,
        })
        const claims = tokens.claims()
        if (claims === undefined) throw new Error('no id token')
        const complete =
          typeof claims.email === 'string'
            ? claims
            : { ...claims, ...(await oidc.fetchUserInfo(configuration, tokens.access_token, claims.sub)) }
        return readIdentity(complete)
      } catch (cause) {
        if (cause instanceof Fault) throw cause
        throw new Fault('unauthenticated', 'session.sso_refused', 'the provider did not confirm who you are', { cause })
      }
    },
  }
}

async function discover(provider: ProviderSettings): Promise<oidc.Configuration> {
  const issuer = new URL(provider.issuer)
  return await oidc.discovery(issuer, provider.clientId, undefined, oidc.ClientSecretBasic(provider.clientSecret), {
    timeout: timeoutSeconds,
    // Only a provider on this very machine may do without TLS.
    execute: isLoopback(issuer) ? [oidc.allowInsecureRequests] : [],
  })
}

function isLoopback({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && ['127.0.0.1', '[::1]', 'localhost'].includes(hostname)
}

function readIdentity(claims: oidc.IDToken): SsoIdentity {
  const { sub, email, email_verified: verified, name } = claims
  if (typeof email !== 'string' || email.length > 254 || verified !== true) {
    throw new Fault('forbidden', 'session.sso_email_unverified', 'the provider has not verified your e-mail address')
  }
  const known = typeof name === 'string' && name.trim() !== '' ? name.trim().slice(0, 256) : email
  return { subject: sub, email: email.trim().toLowerCase(), name: known }
}
