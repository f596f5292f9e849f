import { Fault, toHex } from '@holdfast/kernel'
import { type Certificate, readCertificate } from './certificate.ts'
import {
  badDer,
  contextTag,
  DerFields,
  type DerNode,
  readDer,
  readIntegerBytes,
  readOid,
  readSmallInteger,
  requireSetOrder,
  soleChild,
  tag,
} from './der.ts'
import type { HashName } from './keys.ts'
import { oids } from './oids.ts'

/** How a SignerInfo names its certificate. */
export type SignerId =
  | { readonly kind: 'issuer-serial'; readonly issuer: Uint8Array; readonly serial: string }
  | { readonly kind: 'key-id'; readonly keyId: string }

export interface SignedAttributes {
  /** The DER of the SET OF, which is what is signed (RFC 5652 5.4). */
  readonly der: Uint8Array
  readonly messageDigest: Uint8Array
}

export interface SignerInfo {
  readonly id: SignerId
  readonly digest: HashName
  readonly attributes: SignedAttributes | undefined
  readonly family: 'rsa' | 'ec'
  readonly signature: Uint8Array
}

/** A detached SignedData that was read and not verified. */
export interface SignedData {
  readonly certificates: readonly Certificate[]
  readonly signers: readonly SignerInfo[]
}

const maxCmsBytes = 1 << 18
const maxCertificates = 16
const maxSigners = 8

const digests: ReadonlyMap<string, HashName> = new Map([
  [oids.sha256, 'sha256'],
  [oids.sha384, 'sha384'],
  [oids.sha512, 'sha512'],
])

/** The signature algorithms of CMS; `digest` undefined means the one that the SignerInfo states. */
const signatures: ReadonlyMap<string, { family: 'rsa' | 'ec'; digest: HashName | undefined }> = new Map([
  [oids.rsaEncryption, { family: 'rsa', digest: undefined }],
  [oids.sha256WithRsa, { family: 'rsa', digest: 'sha256' }],
  [oids.sha384WithRsa, { family: 'rsa', digest: 'sha384' }],
  [oids.sha512WithRsa, { family: 'rsa', digest: 'sha512' }],
  [oids.ecdsaWithSha256, { family: 'ec', digest: 'sha256' }],
  [oids.ecdsaWithSha384, { family: 'ec', digest: 'sha384' }],
  [oids.ecdsaWithSha512, { family: 'ec', digest: 'sha512' }],
])

/**
 * Reads a detached SignedData over plain data (RFC 5652 section 5) in DER. Refused: content inside, CRLs, unsigned
 * attributes, other certificate formats, and every algorithm but RSA PKCS#1 v1.5 and ECDSA with SHA-2.
 */
export function readDetachedSignedData(der: Uint8Array): SignedData {
  const info = new DerFields(readDer(der, { maxBytes: maxCmsBytes }), tag.sequence, 'ContentInfo')
  if (readOid(info.take(tag.oid, 'contentType')) !== oids.cmsSignedData) throw badCms('it is not SignedData')
  const content = soleChild(info.take(contextTag(0, 'constructed'), 'content'), 'content')
  info.end()
  const fields = new DerFields(content, tag.sequence, 'SignedData')
  const version = readSmallInteger(fields.take(tag.integer, 'version'))
  const stated = readDigestSet(fields.take(tag.set, 'digestAlgorithms'))
  requireDetachedData(fields.take(tag.sequence, 'encapContentInfo'))
  const certificates = readCertificateSet(fields.find(contextTag(0, 'constructed')))
  if (fields.find(contextTag(1, 'constructed')) !== undefined) throw badCms('revocation lists are not supported')
  const signers = readSigners(fields.take(tag.set, 'signerInfos'))
  fields.end()
  const used = new Set(signers.map(({ digest }) => digest))
  if (stated.length !== used.size || !stated.every((digest) => used.has(digest))) {
    throw badCms('the digests that it states are not those that its signers use')
  }
  // Version 3 says that a signer is named by its key identifier (RFC 5652 5.1).
  if (version !== (signers.some(({ id }) => id.kind === 'key-id') ? 3 : 1)) throw badCms('a version that does not fit')
  return { certificates, signers }
}

function readDigestSet(node: DerNode): HashName[] {
  requireSetOrder(node.children, 'digestAlgorithms')
  return node.children.map(readDigest)
}

/** Parameters are absent or, from older writers, NULL (RFC 5754 section 2). */
function readDigest(node: DerNode): HashName {
  const fields = new DerFields(node, tag.sequence, 'digestAlgorithm')
  const name = readOid(fields.take(tag.oid, 'identifier'))
  const digest = digests.get(name)
  if (digest === undefined) throw unsupported(`digest ${name}`)
  requireNoParameters(fields)
  return digest
}

function requireNoParameters(fields: DerFields): void {
  const parameters = fields.find(tag.null)
  if (parameters !== undefined && parameters.content.length > 0) throw badDer('a NULL that is not empty')
  fields.end()
}

function requireDetachedData(node: DerNode): void {
  const fields = new DerFields(node, tag.sequence, 'encapContentInfo')
  if (readOid(fields.take(tag.oid, 'eContentType')) !== oids.cmsData) throw badCms('what it signs is not plain data')
  if (!fields.atEnd) throw badCms('it carries its content; the signature must be detached')
}

function readCertificateSet(node: DerNode | undefined): Certificate[] {
  if (node === undefined) return []
  if (node.children.length > maxCertificates) throw badCms(`more than ${maxCertificates} certificates`)
  return node.children.map((child) => {
    if (child.tag !== tag.sequence) throw badCms('a certificate that is not X.509')
    return readCertificate(child.whole)
  })
}

function readSigners(node: DerNode): SignerInfo[] {
  if (node.children.length === 0) throw badCms('nobody signed')
  if (node.children.length > maxSigners) throw badCms(`more than ${maxSigners} signers`)
  return node.children.map(readSigner)
}

function readSigner(node: DerNode): SignerInfo {
  const fields = new DerFields(node, tag.sequence, 'SignerInfo')
  const version = readSmallInteger(fields.take(tag.integer, 'version'))
  const id = readSignerId(fields.any('sid'))
  if (version !== (id.kind === 'key-id' ? 3 : 1)) throw badCms('a signer version that does not fit')
  const digest = readDigest(fields.take(tag.sequence, 'digestAlgorithm'))
  const attributes = readSignedAttributes(fields.find(contextTag(0, 'constructed')))
  const family = readSignatureFamily(fields.take(tag.sequence, 'signatureAlgorithm'), digest)
  const signature = fields.take(tag.octetString, 'signature').content
  if (!fields.atEnd) throw badCms('unsigned attributes are not supported')
  return { id, digest, attributes, family, signature }
}

function readSignerId(node: DerNode): SignerId {
  if (node.tag === contextTag(0, 'primitive')) return { kind: 'key-id', keyId: toHex(node.content) }
  const fields = new DerFields(node, tag.sequence, 'issuerAndSerialNumber')
  const issuer = fields.take(tag.sequence, 'issuer').whole
  const serial = toHex(readIntegerBytes(fields.take(tag.integer, 'serialNumber')))
  fields.end()
  return { kind: 'issuer-serial', issuer, serial }
}

/** The digest that the algorithm implies must be the stated one: otherwise two readers could check different things. */
function readSignatureFamily(node: DerNode, digest: HashName): 'rsa' | 'ec' {
  const fields = new DerFields(node, tag.sequence, 'signatureAlgorithm')
  const name = readOid(fields.take(tag.oid, 'identifier'))
  const algorithm = signatures.get(name)
  if (algorithm === undefined) throw unsupported(`signature algorithm ${name}`)
  if (algorithm.family === 'rsa') requireNoParameters(fields)
  else fields.end()
  if (algorithm.digest !== undefined && algorithm.digest !== digest) throw badCms('two digests for one signature')
  return algorithm.family
}

/** RFC 5652 section 11: exactly one contentType, which is data, and exactly one messageDigest; no type twice. */
function readSignedAttributes(node: DerNode | undefined): SignedAttributes | undefined {
  if (node === undefined) return undefined
  requireSetOrder(node.children, 'signedAttrs')
  const values = readAttributes(node)
  const contentType = values.get(oids.contentType)
  const messageDigest = values.get(oids.messageDigest)
  if (contentType === undefined || readOid(contentType) !== oids.cmsData)
    throw badCms('the signed content type is not data')
  if (messageDigest === undefined || messageDigest.tag !== tag.octetString) throw badCms('no digest is signed')
  // The SET OF is signed with its own tag, not with the [0] that it has here (RFC 5652 5.4).
  const der = Uint8Array.from(node.whole)
  der[0] = tag.set
  return { der, messageDigest: messageDigest.content }
}

function readAttributes(set: DerNode): Map<string, DerNode> {
  const values = new Map<string, DerNode>()
  for (const child of set.children) {
    const fields = new DerFields(child, tag.sequence, 'an attribute')
    const type = readOid(fields.take(tag.oid, 'type'))
    const members = fields.take(tag.set, 'values')
    fields.end()
    if (values.has(type)) throw badCms('a signed attribute twice')
    values.set(type, soleChild(members, 'a signed attribute'))
  }
  return values
}

/**
 * Whether bytes are themselves the DER of signed attributes. A signature over attributes would verify as one without
 * attributes over such content, so that content is refused where there are none.
 */
export function looksLikeSignedAttributes(content: Uint8Array): boolean {
  if (content[0] !== tag.set || content.length > maxCmsBytes) return false
  try {
    return readAttributes(readDer(content)).has(oids.messageDigest)
  } catch {
    return false
  }
}

export function badCms(message: string): Fault {
  return new Fault('refused', 'crypto.bad_cms', `CMS signature: ${message}`)
}

function unsupported(what: string): Fault {
  return new Fault('refused', 'crypto.algorithm_unsupported', `not supported: ${what}`)
}
