import { createHash, type KeyObject } from 'node:crypto'
import { day } from '@holdfast/kernel'
import { readCertificate } from '../src/certificate.ts'
import {
  context,
  contextPrimitive,
  derValue,
  integer,
  nullValue,
  octetString,
  oid,
  sequence,
  setOf,
} from '../src/der-write.ts'
import {
  createIntermediateCertificate,
  createRootCertificate,
  createSigningCertificate,
  type Issuer,
} from '../src/issue.ts'
import { generateKey, type KeyPair, type NewKeyKind, signWith } from '../src/keys.ts'
import { oids } from '../src/oids.ts'

export const now = Date.parse('2026-11-22T10:00:00Z')
export const caTimes = { notBefore: now - day, notAfter: now + 3650 * day }
export const leafTimes = { notBefore: now - day, notAfter: now + 90 * day }
export const content = new TextEncoder().encode('software = { version = "1.0"; }\n')

export interface Signer {
  readonly certificate: Uint8Array
  readonly key: KeyObject
  readonly pair: KeyPair
}

/** A root, a CA under it, and a signer whose key is of the given kind under that. */
export async function createPki(kind: NewKeyKind = 'p256') {
  const rootKeys = await generateKey('p256')
  const root: Issuer = {
    certificate: createRootCertificate({
      ...caTimes,
      subject: { commonName: 'Root' },
      key: rootKeys.privateKey,
      pathLength: 2,
    }),
    key: rootKeys.privateKey,
  }
  const caKeys = await generateKey('p256')
  const certificate = createIntermediateCertificate({
    ...caTimes,
    issuer: root,
    subject: { commonName: 'Signing CA' },
    publicKey: caKeys.publicKey,
    pathLength: 1,
  })
  const ca: Issuer = { certificate, key: caKeys.privateKey }
  return { root, ca, signer: await createSigner(ca, kind) }
}

export async function createSigner(
  issuer: Issuer,
  kind: NewKeyKind = 'p256',
  request: Partial<Parameters<typeof createSigningCertificate>[0]> = {},
): Promise<Signer> {
  const pair = await generateKey(kind)
  const subject = { commonName: 'Release signer' }
  const certificate = createSigningCertificate({ ...leafTimes, issuer, subject, publicKey: pair.publicKey, ...request })
  return { certificate, key: pair.privateKey, pair }
}

export interface SignerDraft {
  readonly signer: Signer
  readonly version?: number
  /** DER of the sid. */
  readonly sid?: Uint8Array
  readonly digest?: 'sha256' | 'sha384' | 'sha512'
  /** DER of the digest algorithm in the SignerInfo. */
  readonly digestAlgorithm?: Uint8Array
  /** Attributes in the order in which they are written; null leaves them out. */
  readonly attributes?: readonly Uint8Array[] | null
  readonly signatureAlgorithm?: Uint8Array
  /** What is really signed, when it is not what the standard says. */
  readonly signed?: Uint8Array
  readonly signature?: Uint8Array
  readonly unsigned?: Uint8Array
}

export interface CmsDraft {
  readonly contentType?: string
  readonly version?: number
  readonly digests?: readonly Uint8Array[]
  readonly inner?: readonly Uint8Array[]
  readonly certificates?: readonly Uint8Array[] | null
  readonly revocations?: Uint8Array
  readonly signers: readonly SignerDraft[]
  readonly trailer?: readonly Uint8Array[]
}

/** Writes a SignedData with any part replaced by a wrong one; for tests of what must be refused. */
export function forgeCms(draft: CmsDraft): Uint8Array {
  const certificates =
    draft.certificates === undefined ? draft.signers.map((each) => each.signer.certificate) : draft.certificates
  const signedData = sequence(
    integer(draft.version ?? 1),
    derValue(0x31, ...(draft.digests ?? [sequence(oid(oids[draft.signers[0]?.digest ?? 'sha256']))])),
    sequence(...(draft.inner ?? [oid(oids.cmsData)])),
    ...(certificates === null ? [] : [context(0, ...certificates)]),
    ...(draft.revocations === undefined ? [] : [draft.revocations]),
    derValue(0x31, ...draft.signers.map(forgeSigner)),
    ...(draft.trailer ?? []),
  )
  return sequence(oid(draft.contentType ?? oids.cmsSignedData), context(0, signedData))
}

function forgeSigner(draft: SignerDraft): Uint8Array {
  const { signer, digest = 'sha256' } = draft
  const attributes = draft.attributes === undefined ? standardAttributes(digest) : draft.attributes
  const toSign = draft.signed ?? (attributes === null ? content : derValue(0x31, ...attributes))
  const algorithm =
    signer.key.asymmetricKeyType === 'rsa' ? sequence(oid(oids.rsaEncryption), nullValue) : ecdsaWith(digest)
  return sequence(
    integer(draft.version ?? 1),
    draft.sid ?? issuerAndSerial(signer.certificate),
    draft.digestAlgorithm ?? sequence(oid(oids[digest])),
    ...(attributes === null ? [] : [context(0, ...attributes)]),
    draft.signatureAlgorithm ?? algorithm,
    octetString(draft.signature ?? signWith(signer.key, digest, toSign)),
    ...(draft.unsigned === undefined ? [] : [draft.unsigned]),
  )
}

export function ecdsaWith(digest: 'sha256' | 'sha384' | 'sha512'): Uint8Array {
  return sequence(
    oid({ sha256: oids.ecdsaWithSha256, sha384: oids.ecdsaWithSha384, sha512: oids.ecdsaWithSha512 }[digest]),
  )
}

export function standardAttributes(digest: string, of: Uint8Array = content): Uint8Array[] {
  return [
    attribute(oids.contentType, oid(oids.cmsData)),
    attribute(oids.messageDigest, octetString(digestOf(digest, of))),
  ]
}

export function attribute(type: string, ...values: readonly Uint8Array[]): Uint8Array {
  return sequence(oid(type), setOf(...values))
}

export function digestOf(digest: string, of: Uint8Array): Uint8Array {
  return new Uint8Array(createHash(digest).update(of).digest())
}

export function issuerAndSerial(der: Uint8Array): Uint8Array {
  const { issuer, serial } = readCertificate(der)
  return sequence(issuer.der, derValue(0x02, Uint8Array.from(Buffer.from(serial, 'hex'))))
}

export function keyIdOf(der: Uint8Array): Uint8Array {
  return contextPrimitive(0, Uint8Array.from(Buffer.from(readCertificate(der).extensions.subjectKeyId ?? '', 'hex')))
}
