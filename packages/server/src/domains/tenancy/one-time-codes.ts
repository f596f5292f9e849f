import { randomInt } from 'node:crypto'
import { type Instant, second } from '@holdfast/kernel'
import { Secret, TOTP } from 'otpauth'

const period = 30
const digits = 6
/** RFC 6238 5.2: one step either way for clocks that differ and fingers that are slow. */
const window = 1

export function newTotpSecret(): Uint8Array {
  return new Uint8Array(new Secret({ size: 20 }).buffer)
}

/** The secret as people type it, and as the address that authenticator programs read. */
export function describeTotp(secret: Uint8Array, account: string): { secret: string; uri: string } {
  const totp = new TOTP({ issuer: 'Holdfast', label: account, secret: secretOf(secret), period, digits })
  return { secret: totp.secret.base32, uri: totp.toString() }
}

/** The time step that a code belongs to; undefined: wrong, or of a step not after `lastStep`, which was used already. */
export function findTotpStep(secret: Uint8Array, code: string, lastStep: number, now: Instant): number | undefined {
  const token = code.replaceAll(/\s/g, '')
  if (!/^\d{6}$/.test(token)) return undefined
  const delta = TOTP.validate({ token, secret: secretOf(secret), period, digits, timestamp: now, window })
  if (delta === null) return undefined
  const step = Math.floor(now / second / period) + delta
  return step > lastStep ? step : undefined
}

const letters = '23456789abcdefghjkmnpqrstuvwxyz'
const recoveryForm = /^[a-z2-9]{8}-[a-z2-9]{7}$/

/** Ten codes of 74 bits each, that fit where a one-time code is typed. */
export function newRecoveryCodes(): string[] {
  const piece = (length: number) => Array.from({ length }, () => letters[randomInt(letters.length)]).join('')
  return Array.from({ length: 10 }, () => `${piece(8)}-${piece(7)}`)
}

/** The recovery code that somebody typed, in its one spelling; undefined: it is none. */
export function readRecoveryCode(text: string): string | undefined {
  const code = text.trim().toLowerCase()
  return recoveryForm.test(code) ? code : undefined
}

function secretOf(bytes: Uint8Array): Secret {
  return new Secret({ buffer: Uint8Array.from(bytes).buffer })
}
