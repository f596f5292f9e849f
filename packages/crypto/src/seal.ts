import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { Fault } from '@holdfast/kernel'
import { concat } from './bytes.ts'

export const masterKeyLength = 32

const version = Uint8Array.of(1)
const saltLength = 16
const nonceLength = 12
const tagLength = 16
const headLength = version.length + saltLength + nonceLength

export function newMasterKey(): Uint8Array {
  return new Uint8Array(randomBytes(masterKeyLength))
}

/**
 * Seals a secret under the master key of a data directory: AES-256-GCM, a key of its own per secret (HKDF-SHA-256 over
 * a random salt, so the nonce never has to be counted), `context` authenticated. A secret opens only where it belongs:
 * let the context name the table, row and column.
 */
export function sealSecret(masterKey: Uint8Array, plaintext: Uint8Array, context: string): Uint8Array {
  const salt = randomBytes(saltLength)
  const nonce = randomBytes(nonceLength)
  const cipher = createCipheriv('aes-256-gcm', secretKey(masterKey, salt), nonce, { authTagLength: tagLength })
  cipher.setAAD(associated(context))
  const sealed = concat(cipher.update(plaintext), cipher.final())
  return concat(version, salt, nonce, sealed, cipher.getAuthTag())
}

/** Throws `crypto.seal_broken` when the bytes, the context or the master key are not those of the sealing. */
export function openSecret(masterKey: Uint8Array, sealed: Uint8Array, context: string): Uint8Array {
  if (sealed.length < headLength + tagLength || sealed[0] !== version[0]) throw broken()
  const salt = sealed.subarray(1, 1 + saltLength)
  const nonce = sealed.subarray(1 + saltLength, headLength)
  const decipher = createDecipheriv('aes-256-gcm', secretKey(masterKey, salt), nonce, { authTagLength: tagLength })
  decipher.setAAD(associated(context))
  decipher.setAuthTag(sealed.subarray(-tagLength))
  const opened = decipher.update(sealed.subarray(headLength, -tagLength))
  try {
    return concat(opened, decipher.final())
  } catch (thrown) {
    throw broken(thrown)
  }
}

function secretKey(masterKey: Uint8Array, salt: Uint8Array): Uint8Array {
  if (masterKey.length !== masterKeyLength) {
    throw new Fault('malformed', 'crypto.bad_master_key', `a master key has ${masterKeyLength} bytes`)
  }
  return new Uint8Array(hkdfSync('sha256', masterKey, salt, 'holdfast sealed secret v1', 32))
}

function associated(context: string): Uint8Array {
  if (context === '') throw new Fault('malformed', 'crypto.no_context', 'a sealed secret needs a context')
  return new TextEncoder().encode(context)
}

function broken(cause?: unknown): Fault {
  return new Fault(
    'refused',
    'crypto.seal_broken',
    'the sealed secret does not open here',
    cause === undefined ? {} : { cause },
  )
}
