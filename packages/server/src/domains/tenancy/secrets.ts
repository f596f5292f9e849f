import { hash } from 'node:crypto'

/**
 * How secrets of 256 random bits are stored: a plain SHA-256, because there is nothing to guess. Tokens, links and
 * ceremonies are looked up by it, so no comparison can leak where it first differs.
 */
export function secretHash(secret: string): string {
  return hash('sha256', secret, 'base64url')
}

/** Seals what must be kept readable (one-time-code secrets) under the master key; `context` says where it belongs. */
export interface Secrets {
  seal(plaintext: Uint8Array, context: string): Uint8Array
  open(sealed: Uint8Array, context: string): Uint8Array
}
