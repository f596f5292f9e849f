import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Provider } from 'oidc-provider'
import { ownUrl } from './testing.ts'

export interface Account {
  readonly email: string
  readonly email_verified?: boolean
  readonly name?: string
}

/** A real OpenID provider on loopback, where whoever `accounts` names signs in without being asked. */
export async function startProvider(id: string) {
  const accounts = new Map<string, Account>()
  let signsIn = ''
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const provider = new Provider(issuer, {
    clients: [{ client_id: 'holdfast', client_secret: 'between us', redirect_uris: [`${ownUrl}/sso/${id}`] }],
    claims: { email: ['email', 'email_verified'], profile: ['name'] },
    conformIdTokenClaims: false,
    cookies: { keys: ['only a test'] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    findAccount: async (_, accountId) => ({
      accountId,
      claims: async () => ({ sub: accountId, ...accounts.get(accountId) }),
    }),
    loadExistingGrant: async ({ oidc }) => {
      const grant = new provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId })
      grant.addOIDCScope('openid email profile')
      await grant.save()
      return grant
    },
    ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
  })
  const callback = provider.callback()
  let away = false
  server.on('request', (request, response) => {
    if (away) response.writeHead(503).end()
    else if (request.url?.startsWith('/interaction/')) {
      void provider.interactionFinished(request, response, { login: { accountId: signsIn } })
    } else callback(request, response)
  })
  return {
    settings: { id, name: 'Corp', issuer, clientId: 'holdfast', clientSecret: 'between us', role: 'auditor' },
    account: (subject: string, account: Account) => accounts.set(subject, account),
    /** Follows a browser through the provider as `subject`; the address at which it comes back. */
    async visit(address: string, subject: string): Promise<string> {
      signsIn = subject
      return await follow(address)
    },
    /** The provider answers nothing useful until it is back. */
    setAway: (isAway: boolean) => {
      away = isAway
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function follow(address: string): Promise<string> {
  const cookies = new Map<string, string>()
  let at = address
  for (let hop = 0; hop < 10 && !at.startsWith(ownUrl); hop += 1) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(at, { redirect: 'manual', headers: { cookie } })
    await response.arrayBuffer()
    for (const header of response.headers.getSetCookie()) {
      const [name = '', value = ''] = (header.split(';')[0] ?? '').split(/=(.*)/s)
      cookies.set(name, value)
    }
    const location = response.headers.get('location')
    if (location === null) throw new Error(`the provider answered ${response.status}`)
    at = new URL(location, at).href
  }
  return at
}
