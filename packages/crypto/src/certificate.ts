import { createHash, type KeyObject } from 'node:crypto'
import { Fault, type Instant, toHex } from '@holdfast/kernel'
import { sameBytes } from './bytes.ts'
import {
  contextTag,
  DerFields,
  type DerNode,
  readBitBytes,
  readDer,
  readIntegerBytes,
  readSmallInteger,
  readTime,
  soleChild,
  tag,
} from './der.ts'
import { type CertificateExtensions, noExtensions, readExtensions } from './extensions.ts'
import { parsePublicKey } from './keys.ts'
import { type DistinguishedName, readName } from './names.ts'
import { readPem, writePem } from './pem.ts'
import { readSignatureAlgorithm, type SignatureAlgorithm } from './signature-algorithm.ts'

/** A certificate that was read, not verified: nothing in it is true before `verifyChain` says so. */
export interface Certificate {
  readonly der: Uint8Array
  /** The bytes that the issuer signed. */
  readonly tbs: Uint8Array
  readonly version: 1 | 2 | 3
  /** Lower-case hexadecimal of the INTEGER's content octets. */
  readonly serial: string
  readonly issuer: DistinguishedName
  readonly subject: DistinguishedName
  readonly notBefore: Instant
  readonly notAfter: Instant
  readonly spki: Uint8Array
  readonly publicKey: KeyObject
  readonly extensions: CertificateExtensions
  readonly signatureAlgorithm: SignatureAlgorithm
  readonly signature: Uint8Array
}

const maxCertificateBytes = 65_536

/** Reads one X.509 certificate (RFC 5280 section 4) from DER or from a PEM text with exactly one block. */
export function readCertificate(input: Uint8Array | string): Certificate {
  if (typeof input === 'string') {
    const [first, ...rest] = readCertificates(input)
    if (first === undefined || rest.length > 0) throw badCertificate('there must be exactly one certificate')
    return first
  }
  const node = readDer(input, { maxBytes: maxCertificateBytes, maxNodes: 4_000 })
  const outer = new DerFields(node, tag.sequence, 'the certificate')
  const tbsNode = outer.take(tag.sequence, 'tbsCertificate')
  const outerAlgorithm = outer.take(tag.sequence, 'signatureAlgorithm')
  const signature = readBitBytes(outer.take(tag.bitString, 'signature'))
  outer.end()
  const { innerAlgorithm, ...body } = readBody(tbsNode)
  if (!sameBytes(innerAlgorithm.whole, outerAlgorithm.whole)) {
    throw badCertificate('the signed and the stated signature algorithm differ')
  }
  return {
    der: input,
    tbs: tbsNode.whole,
    ...body,
    signatureAlgorithm: readSignatureAlgorithm(outerAlgorithm),
    signature,
  }
}

function readBody(tbsNode: DerNode) {
  const tbs = new DerFields(tbsNode, tag.sequence, 'tbsCertificate')
  const version = readVersion(tbs.find(contextTag(0, 'constructed')))
  const serialBytes = readIntegerBytes(tbs.take(tag.integer, 'serialNumber'))
  if (serialBytes.length > 21) throw badCertificate('the serial number is longer than 20 bytes')
  const innerAlgorithm = tbs.take(tag.sequence, 'signature')
  const issuer = readName(tbs.take(tag.sequence, 'issuer'))
  const validity = new DerFields(tbs.take(tag.sequence, 'validity'), tag.sequence, 'validity')
  const notBefore = readTime(validity.any('notBefore'))
  const notAfter = readTime(validity.any('notAfter'))
  validity.end()
  const subject = readName(tbs.take(tag.sequence, 'subject'))
  const spki = tbs.take(tag.sequence, 'subjectPublicKeyInfo').whole
  if (version > 1) {
    tbs.find(contextTag(1, 'primitive'))
    tbs.find(contextTag(2, 'primitive'))
  }
  const extensionsNode = version === 3 ? tbs.find(contextTag(3, 'constructed')) : undefined
  tbs.end()
  return {
    innerAlgorithm,
    version,
    serial: toHex(serialBytes),
    issuer,
    subject,
    notBefore,
    notAfter,
    spki,
    publicKey: parsePublicKey(spki),
    extensions: extensionsNode === undefined ? noExtensions : readExtensions(soleChild(extensionsNode, 'extensions')),
  }
}

function readVersion(node: DerNode | undefined): 1 | 2 | 3 {
  if (node === undefined) return 1
  const version = readSmallInteger(soleChild(node, 'version'))
  // Version 1 is the default, which DER leaves out.
  if (version === 1) return 2
  if (version === 2) return 3
  throw badCertificate('a version that does not exist')
}

/** All certificates of a PEM text, in order. */
export function readCertificates(pem: string): Certificate[] {
  return readPem(pem, { maxBytes: 1 << 20, maxBlocks: 256 }).map(({ label, bytes }) => {
    if (label !== 'CERTIFICATE') throw badCertificate(`expected a PEM block CERTIFICATE, not ${label}`)
    return readCertificate(bytes)
  })
}

export function certificatePem(der: Uint8Array): string {
  return writePem('CERTIFICATE', der)
}

/** SHA-256 of the whole certificate, in hexadecimal. */
export function certificateFingerprint(der: Uint8Array): string {
  return createHash('sha256').update(der).digest('hex')
}

export function badCertificate(message: string): Fault {
  return new Fault('malformed', 'crypto.bad_certificate', message)
}
