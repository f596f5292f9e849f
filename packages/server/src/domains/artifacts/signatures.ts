import { createPublicKey, X509Certificate } from 'node:crypto'
import { verifyDetachedCms } from '@holdfast/crypto/cms'
import { verifyMenderSignature } from '@holdfast/formats/mender/signature'
import { Fault, type Instant } from '@holdfast/kernel'
import type { TrustedKey } from '../products/index.ts'
import type { ArtifactFormat } from './inspect.ts'

export type SignatureVerdict =
  | { readonly verdict: 'trusted' | 'revoked_signer'; readonly key: TrustedKey }
  | { readonly verdict: 'untrusted_signer' | 'none' }

export interface SignedArtifact {
  readonly format: ArtifactFormat
  /** The bytes that the signatures cover. */
  readonly signed: Uint8Array
  readonly signatures: readonly Uint8Array[]
}

/** Which of the product's keys made each signature. A key that was revoked still names who signed, and counts for nothing. */
export function judgeSignatures(
  artifact: SignedArtifact,
  keys: readonly TrustedKey[],
  now: Instant,
): SignatureVerdict[] {
  if (artifact.signatures.length === 0) return [{ verdict: 'none' }]
  return artifact.signatures.map((signature) => {
    const key = keys.find((candidate) => verifies(artifact, signature, candidate, now))
    if (key === undefined) return { verdict: 'untrusted_signer' }
    return { verdict: key.revokedAt === undefined ? 'trusted' : 'revoked_signer', key }
  })
}

/** Distinct keys behind the trusted signatures: two signatures by one key count once. */
export function countTrusted(verdicts: readonly SignatureVerdict[]): number {
  const fingerprints = new Set<string>()
  for (const verdict of verdicts) if (verdict.verdict === 'trusted') fingerprints.add(verdict.key.fingerprint)
  return fingerprints.size
}

function verifies({ format, signed }: SignedArtifact, signature: Uint8Array, key: TrustedKey, now: Instant): boolean {
  try {
    if (format === 'swu') {
      if (key.kind !== 'certificate') return false
      const trusted = [new Uint8Array(new X509Certificate(key.pem).raw)]
      verifyDetachedCms({ content: signed, signature, trusted, at: now, usage: 'any' })
    } else {
      const publicKey = key.kind === 'certificate' ? new X509Certificate(key.pem).publicKey : createPublicKey(key.pem)
      verifyMenderSignature(signed, Buffer.from(signature).toString('base64'), publicKey)
    }
    return true
  } catch (thrown) {
    // A verifier that says no names a Fault; anything else is a defect and must not pass for “not by this key”.
    if (thrown instanceof Fault) return false
    throw thrown
  }
}
