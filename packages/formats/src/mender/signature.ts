import { type KeyObject, sign, verify } from 'node:crypto'
import { Fault } from '@holdfast/kernel'

const minRsaBits = 2048
const rawSignatureBytes = 64

/**
 * Verifies `manifest.sig`: RSASSA-PKCS1-v1_5 or ECDSA P-256, both with SHA-256, over the manifest bytes. ECDSA is
 * r‖s in 64 bytes; newer tools write DER, which is accepted too. Throws `formats.signature_missing`,
 * `formats.signature_key` for a key that the format does not know, `formats.signature_invalid`.
 */
export function verifyMenderSignature(manifest: Uint8Array, signature: string | null, publicKey: KeyObject): void {
  if (signature === null) {
    throw new Fault('unauthenticated', 'formats.signature_missing', 'the artifact is not signed')
  }
  const kind = requireMenderKey(publicKey)
  const bytes = decodeSignature(signature)
  const isRaw = kind === 'ec' && bytes.length === rawSignatureBytes
  const key =
    kind === 'rsa' ? publicKey : { key: publicKey, dsaEncoding: isRaw ? ('ieee-p1363' as const) : ('der' as const) }
  if (!verify('sha256', manifest, key, bytes)) {
    throw new Fault('unauthenticated', 'formats.signature_invalid', 'the signature of the manifest is not by this key')
  }
}

/** Signs a manifest as `mender-artifact` does; the private key must be RSA of 2048 bits or more, or P-256. */
export function signMenderManifest(manifest: Uint8Array, privateKey: KeyObject): Uint8Array {
  const kind = requireMenderKey(privateKey)
  return sign('sha256', manifest, kind === 'rsa' ? privateKey : { key: privateKey, dsaEncoding: 'ieee-p1363' })
}

/** Contents of `manifest.sig` for a raw, DER (P-256) or RSA signature: one line of base64 without an end. */
export function encodeMenderSignature(signature: Uint8Array): Uint8Array {
  const bytes =
    signature.length !== rawSignatureBytes && signature.length < 128 && signature[0] === 0x30
      ? rawFromDer(signature)
      : signature
  if (bytes.length !== rawSignatureBytes && bytes.length < minRsaBits / 8) {
    throw new Fault('malformed', 'formats.signature_malformed', 'this is neither a P-256 nor an RSA signature')
  }
  return new TextEncoder().encode(Buffer.from(bytes).toString('base64'))
}

function requireMenderKey(key: KeyObject): 'rsa' | 'ec' {
  const details = key.asymmetricKeyDetails
  if (key.asymmetricKeyType === 'rsa' && (details?.modulusLength ?? 0) >= minRsaBits) return 'rsa'
  if (key.asymmetricKeyType === 'ec' && details?.namedCurve === 'prime256v1') return 'ec'
  throw new Fault(
    'refused',
    'formats.signature_key',
    `a Mender artifact is signed with RSA of at least ${minRsaBits} bits or with P-256`,
  )
}

function decodeSignature(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64')
  if (text === '' || bytes.toString('base64') !== text) {
    throw new Fault('malformed', 'formats.signature_malformed', 'the signature is not one line of base64')
  }
  return bytes
}

/** ECDSA-Sig-Value (RFC 3279 §2.2.3) to r‖s for a 256-bit curve. */
function rawFromDer(der: Uint8Array): Uint8Array {
  const raw = new Uint8Array(rawSignatureBytes)
  let offset = 2
  for (const end of [rawSignatureBytes / 2, rawSignatureBytes]) {
    const length = der[offset + 1] ?? 0
    const integer = der.subarray(offset + 2, offset + 2 + length)
    const digits = integer[0] === 0 ? integer.subarray(1) : integer
    if (der[offset] !== 0x02 || integer.length !== length || digits.length > 32) {
      throw new Fault('malformed', 'formats.signature_malformed', 'the signature is not a P-256 signature in DER')
    }
    raw.set(digits, end - digits.length)
    offset += 2 + length
  }
  return raw
}
