import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { Fault, type Instant } from '@holdfast/kernel'

/** What a device's token says; times in milliseconds here, in seconds on the wire. */
export interface TokenClaims {
  readonly device: string
  readonly number: number
  readonly organisation: string
  readonly key: string
  /** The device's token epoch when the token was made. */
  readonly epoch: number
  readonly issuedAt: Instant
  readonly expires: Instant
}

const longestToken = 1_024

export type Tokens = ReturnType<typeof createTokens>

/**
 * Devices' tokens: JWTs (RFC 7519) under HMAC-SHA-256. The header is one fixed text, so there is no algorithm to choose
 * for whoever presents one.
 */
export function createTokens(secret: Uint8Array) {
  if (secret.length < 32) throw new RangeError('a token key has at least 32 bytes')
  const keyId = createHash('sha256').update('holdfast device tokens').update(secret).digest('base64url').slice(0, 12)
  const head = `${base64Url(JSON.stringify({ alg: 'HS256', typ: 'JWT', kid: keyId }))}.`
  const signatureOf = (signed: string) => createHmac('sha256', secret).update(signed).digest()

  return {
    issue(claims: TokenClaims): string {
      const signed = `${head}${base64Url(
        JSON.stringify({
          iss: 'holdfast',
          sub: claims.device,
          jti: randomBytes(12).toString('base64url'),
          org: claims.organisation,
          key: claims.key,
          num: claims.number,
          ep: claims.epoch,
          iat: Math.floor(claims.issuedAt / 1_000),
          exp: Math.floor(claims.expires / 1_000),
        }),
      )}`
      return `${signed}.${signatureOf(signed).toString('base64url')}`
    },

    /** Throws `devices.bad_token` unless this server made the token and its time is not over. */
    verify(token: string, now: Instant): TokenClaims {
      const dot = token.lastIndexOf('.')
      if (token.length > longestToken || !token.startsWith(head) || dot <= head.length) throw badToken()
      const given = Buffer.from(token.slice(dot + 1), 'base64url')
      const expected = signatureOf(token.slice(0, dot))
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw badToken()
      const claims = JSON.parse(Buffer.from(token.slice(head.length, dot), 'base64url').toString('utf8')) as Wire
      const expires = claims.exp * 1_000
      if (expires <= now) throw badToken()
      return {
        device: claims.sub,
        number: claims.num,
        organisation: claims.org,
        key: claims.key,
        epoch: claims.ep,
        issuedAt: claims.iat * 1_000,
        expires,
      }
    },
  }
}

interface Wire {
  readonly sub: string
  readonly org: string
  readonly key: string
  readonly num: number
  readonly ep: number
  readonly iat: number
  readonly exp: number
}

function base64Url(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64url')
}

export function badToken(): Fault {
  return new Fault('unauthenticated', 'devices.bad_token', 'the token is not one of this server, or no longer good')
}
