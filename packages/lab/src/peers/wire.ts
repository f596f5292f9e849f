import { request } from 'node:https'
import { type KeyPair, publicKeyPem, signBytes } from '@holdfast/crypto/keys'

export interface WireRequest {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** An object is sent as JSON. */
  readonly body?: string | object
  /** A client certificate, PEM. */
  readonly tls?: { readonly pem: string; readonly keyPem: string }
}

export interface WireAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
  /** The body as JSON. */
  json(): Record<string, unknown>
}

/** Speaks to the device gateways without any client in between. */
export function createWire(server: { readonly deviceUrl: string; readonly authority: string }) {
  return (path: string, init: WireRequest = {}): Promise<WireAnswer> =>
    new Promise((resolve, reject) => {
      const body = typeof init.body === 'object' ? JSON.stringify(init.body) : init.body
      const message = request(
        new URL(path, server.deviceUrl),
        {
          method: init.method ?? 'GET',
          ca: server.authority,
          agent: false,
          headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...init.headers },
          ...(init.tls === undefined ? {} : { cert: init.tls.pem, key: init.tls.keyPem }),
        },
        (response) => {
          const parts: Buffer[] = []
          response.on('data', (part: Buffer) => parts.push(part))
          response.once('error', reject)
          response.once('end', () => {
            const whole = Buffer.concat(parts)
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              body: whole,
              json: () => JSON.parse(whole.toString('utf8')) as Record<string, unknown>,
            })
          })
        },
      )
      message.once('error', reject)
      message.end(body)
    })
}

export type Wire = ReturnType<typeof createWire>

/** The signed request by which a Mender client asks to be let in. */
export function menderAuthRequest(
  { privateKey, publicKey }: KeyPair,
  identity: Readonly<Record<string, string>>,
  tenantToken: string,
): WireRequest & { readonly body: string; readonly headers: Readonly<Record<string, string>> } {
  const body = `${JSON.stringify({
    id_data: JSON.stringify(identity),
    pubkey: publicKeyPem(publicKey),
    tenant_token: tenantToken,
  })}\n`
  const signature = Buffer.from(signBytes(privateKey, Buffer.from(body))).toString('base64')
  return { method: 'POST', body, headers: { 'content-type': 'application/json', 'x-men-signature': signature } }
}
