import type { KeyObject } from 'node:crypto'
import { keyFingerprint, keyKind, parsePublicKey, publicKeyPem } from '@holdfast/crypto/keys'
import { certificatePem, readCertificate } from '@holdfast/crypto/x509'
import { Fault, type Instant } from '@holdfast/kernel'

export interface Product {
  readonly id: string
  readonly organisation: string
  readonly key: string
  readonly name: string
  readonly description: string
  readonly deviceTypes: readonly string[]
  readonly signaturesRequired: number
  /** Every key that was ever trusted; `revokedAt` says which are no longer. */
  readonly keys: readonly TrustedKey[]
  readonly devices: number
  readonly createdAt: Instant
}

/** `public_key` verifies Mender artifacts; `certificate` is trusted as signer or issuer of CMS signatures. */
export type TrustedKeyKind = 'public_key' | 'certificate'

export interface TrustedKey {
  readonly id: string
  readonly product: string
  readonly name: string
  readonly kind: TrustedKeyKind
  readonly algorithm: string
  /** SHA-256 of the SubjectPublicKeyInfo, hex. */
  readonly fingerprint: string
  /** In its canonical form. */
  readonly pem: string
  readonly addedAt: Instant
  readonly revokedAt: Instant | undefined
}

/** Room for rotation; each verification tries every key. */
export const mostTrustedKeys = 50

export type KeyMaterial = Pick<TrustedKey, 'kind' | 'algorithm' | 'fingerprint' | 'pem'>

/** Reads what an operator gives as a trusted key: one PUBLIC KEY or one CERTIFICATE block, rewritten canonically. */
export function readKeyMaterial(pem: string): KeyMaterial {
  if (!pem.includes('-----BEGIN CERTIFICATE-----')) {
    const key = parsePublicKey(pem)
    return { kind: 'public_key', ...describe(key), pem: publicKeyPem(key) }
  }
  const certificate = readCertificate(pem)
  return { kind: 'certificate', ...describe(certificate.publicKey), pem: certificatePem(certificate.der) }
}

function describe(key: KeyObject): Pick<TrustedKey, 'algorithm' | 'fingerprint'> {
  return { algorithm: keyKind(key), fingerprint: keyFingerprint(key) }
}

/** Each type once, in the order given. Throws `products.bad_device_type`. */
export function normaliseDeviceTypes(deviceTypes: readonly string[]): readonly string[] {
  const distinct = [...new Set(deviceTypes.map((type) => type.trim()))]
  if (distinct.includes('')) throw new Fault('malformed', 'products.bad_device_type', 'a device type is empty')
  return distinct
}
