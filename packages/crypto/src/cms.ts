import { createHash, type KeyObject } from 'node:crypto'
import { Fault, type Instant } from '@holdfast/kernel'
import { sameBytes } from './bytes.ts'
import { type Certificate, readCertificate } from './certificate.ts'
import { type ChainUsage, verifyChain } from './chain.ts'
import {
  badCms,
  looksLikeSignedAttributes,
  readDetachedSignedData,
  type SignedData,
  type SignerInfo,
} from './cms-read.ts'
import { context, derValue, integer, nullValue, octetString, oid, sequence, setOf } from './der-write.ts'
import { type HashName, publicKeyDer } from './keys.ts'
import { oids } from './oids.ts'
import { keyFamily, signByKey, unsupportedAlgorithm, verifyByAlgorithm } from './signature-algorithm.ts'

export interface CmsToSign {
  readonly content: Uint8Array
  /** The signer's certificate, DER. */
  readonly certificate: Uint8Array
  /** Intermediate certificates to send along, DER. */
  readonly chain?: readonly Uint8Array[]
  readonly key: KeyObject
}

/**
 * A detached CMS SignedData in DER over the content (RFC 5652), with contentType and messageDigest signed: what
 * SWUpdate takes for `sw-description.sig`. No time is stated, because nobody vouches for it.
 */
export function signDetachedCms(input: CmsToSign): Uint8Array {
  const certificate = readCertificate(input.certificate)
  if (!sameBytes(certificate.spki, publicKeyDer(input.key))) {
    throw new Fault('refused', 'crypto.key_mismatch', 'the signing key is not the key of the certificate')
  }
  const { hash, identifier, sign } = signByKey(input.key)
  if (hash === undefined) throw unsupportedAlgorithm('Ed25519 in CMS')
  const digestAlgorithm = sequence(oid(oids[hash]))
  const attributes = [
    attribute(oids.contentType, oid(oids.cmsData)),
    attribute(oids.messageDigest, octetString(digestOf(hash, input.content))),
  ]
  const signed = setOf(...attributes)
  const implicit = Uint8Array.from(signed)
  implicit[0] = 0xa0
  const signer = sequence(
    integer(1),
    sequence(certificate.issuer.der, integerOf(certificate)),
    digestAlgorithm,
    implicit,
    keyFamily(input.key) === 'rsa' ? sequence(oid(oids.rsaEncryption), nullValue) : identifier,
    octetString(sign(signed)),
  )
  const certificates = setOf(input.certificate, ...(input.chain ?? []))
  certificates[0] = 0xa0
  const signedData = sequence(
    integer(1),
    setOf(digestAlgorithm),
    sequence(oid(oids.cmsData)),
    certificates,
    setOf(signer),
  )
  return sequence(oid(oids.cmsSignedData), context(0, signedData))
}

function attribute(type: string, value: Uint8Array): Uint8Array {
  return sequence(oid(type), setOf(value))
}

/** The serial number as it stands in the certificate, sign and all. */
function integerOf({ serial }: Certificate): Uint8Array {
  return derValue(0x02, Uint8Array.from(Buffer.from(serial, 'hex')))
}

export interface CmsToVerify {
  readonly content: Uint8Array
  readonly signature: Uint8Array
  /** Trust anchors, DER: CAs, or the signers' certificates themselves. */
  readonly trusted: readonly Uint8Array[]
  readonly at: Instant
  /** What every signer's certificate must be for; emailProtection when nothing is said, as OpenSSL and SWUpdate do. */
  readonly usage?: Extract<ChainUsage, 'emailProtection' | 'codeSigning' | 'any'>
}

/**
 * Verifies a detached CMS signature over the content: every signer's chain, purpose and signature must hold, and no
 * signer may count twice. Answers the first signer's certificate and all of them (DER). Throws a Fault otherwise.
 */
export function verifyDetachedCms(input: CmsToVerify): { signer: Uint8Array; signers: readonly Uint8Array[] } {
  const data = readDetachedSignedData(input.signature)
  const trusted = input.trusted.map((der) => readCertificate(der))
  const signers: Certificate[] = []
  for (const info of data.signers) {
    const certificate = requireSignerCertificate(info, data, trusted)
    if (signers.some((known) => sameBytes(known.spki, certificate.spki))) throw badCms('one key signed twice')
    verifySigner(info, certificate, input.content)
    verifyChain({
      leaf: certificate,
      intermediates: data.certificates,
      roots: trusted,
      at: input.at,
      usage: input.usage ?? 'emailProtection',
    })
    signers.push(certificate)
  }
  const [first] = signers
  if (first === undefined) throw badCms('nobody signed')
  return { signer: first.der, signers: signers.map(({ der }) => der) }
}

function requireSignerCertificate(
  { id }: SignerInfo,
  { certificates }: SignedData,
  trusted: readonly Certificate[],
): Certificate {
  const isMeant = (certificate: Certificate) =>
    id.kind === 'key-id'
      ? certificate.extensions.subjectKeyId === id.keyId
      : certificate.serial === id.serial && sameBytes(certificate.issuer.der, id.issuer)
  const [first, ...rest] = [...certificates, ...trusted].filter(isMeant)
  if (first === undefined) throw badCms('the certificate of a signer is missing')
  if (rest.some((other) => !sameBytes(other.der, first.der))) throw badCms('two certificates claim to be a signer')
  return first
}

function verifySigner(info: SignerInfo, certificate: Certificate, content: Uint8Array): void {
  const algorithm = { family: info.family, hash: info.digest }
  if (info.attributes === undefined) {
    if (looksLikeSignedAttributes(content)) throw badCms('the content could be the attributes of another signature')
    verifyByAlgorithm(algorithm, certificate.publicKey, content, info.signature)
    return
  }
  if (!sameBytes(info.attributes.messageDigest, digestOf(info.digest, content))) {
    throw new Fault('refused', 'crypto.bad_signature', 'the content is not what was signed')
  }
  verifyByAlgorithm(algorithm, certificate.publicKey, info.attributes.der, info.signature)
}

function digestOf(hash: HashName, content: Uint8Array): Uint8Array {
  return new Uint8Array(createHash(hash).update(content).digest())
}
