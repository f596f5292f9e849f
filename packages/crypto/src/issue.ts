import { createHash, type KeyObject, randomBytes } from 'node:crypto'
import { Fault, type Instant } from '@holdfast/kernel'
import { readCertificate } from './certificate.ts'
import { DerFields, readBitBytes, readDer, tag } from './der.ts'
import {
  bitString,
  booleanTrue,
  context,
  contextPrimitive,
  integer,
  namedBits,
  octetString,
  oid,
  sequence,
  time,
} from './der-write.ts'
import { type KeyUsage, keyUsageBits } from './extensions.ts'
import { ipAddressBytes } from './ip-address.ts'
import { publicKeyDer } from './keys.ts'
import { type SubjectName, writeName } from './names.ts'
import { oids } from './oids.ts'
import { signByKey } from './signature-algorithm.ts'

/** A CA that signs: its certificate (DER) and its private key. */
export interface Issuer {
  readonly certificate: Uint8Array
  readonly key: KeyObject
}

interface Validity {
  readonly notBefore: Instant
  readonly notAfter: Instant
}

export interface RootRequest extends Validity {
  readonly subject: SubjectName
  /** The private key: a root signs itself. */
  readonly key: KeyObject
  /** How many CAs may stand below this one; 0 by default: it issues leaves only. */
  readonly pathLength?: number
}

export interface LeafRequest extends Validity {
  readonly issuer: Issuer
  readonly subject: SubjectName
  readonly publicKey: KeyObject
}

/** A self-signed CA certificate (DER). */
export function createRootCertificate(request: RootRequest): Uint8Array {
  const subject = writeName(request.subject)
  return issue({
    ...request,
    subject,
    issuerName: subject,
    issuerKeyId: keyId(request.key),
    publicKey: request.key,
    signingKey: request.key,
    extensions: authorityExtensions(request.pathLength ?? 0),
  })
}

/** A CA certificate under another CA (DER). */
export function createIntermediateCertificate(request: LeafRequest & { readonly pathLength?: number }): Uint8Array {
  return issueUnder(request, authorityExtensions(request.pathLength ?? 0))
}

/** A TLS server certificate (DER) for at least one DNS name or address. */
export function createServerCertificate(
  request: LeafRequest & { readonly dnsNames?: readonly string[]; readonly ipAddresses?: readonly string[] },
): Uint8Array {
  const names = [
    ...(request.dnsNames ?? []).map((name) => contextPrimitive(2, dnsName(name))),
    ...(request.ipAddresses ?? []).map((address) => contextPrimitive(7, ipAddressBytes(address))),
  ]
  if (names.length === 0)
    throw new Fault('malformed', 'crypto.no_names', 'a server certificate needs a name or address')
  return issueUnder(request, [
    ...leafExtensions(oids.serverAuth),
    extension(oids.subjectAltName, false, sequence(...names)),
  ])
}

/** A TLS client certificate (DER): a device's or a person's. */
export function createClientCertificate(request: LeafRequest): Uint8Array {
  return issueUnder(request, leafExtensions(oids.clientAuth))
}

/** A certificate (DER) for signing artifacts; SWUpdate asks for emailProtection unless told otherwise. */
export function createSigningCertificate(
  request: LeafRequest & { readonly usage?: 'emailProtection' | 'codeSigning' },
): Uint8Array {
  return issueUnder(request, leafExtensions(oids[request.usage ?? 'emailProtection']))
}

function issueUnder(request: LeafRequest, extensions: readonly Uint8Array[]): Uint8Array {
  const authority = readCertificate(request.issuer.certificate)
  if (!Buffer.from(authority.spki).equals(publicKeyDer(request.issuer.key))) {
    throw new Fault(
      'refused',
      'crypto.issuer_key_mismatch',
      'the issuing key is not the key of the issuing certificate',
    )
  }
  // Certificates hold whole seconds.
  if (Math.floor(request.notAfter / 1000) * 1000 > authority.notAfter) {
    throw new Fault('refused', 'crypto.outlives_issuer', 'a certificate must not outlive the CA that issues it')
  }
  return issue({
    ...request,
    subject: writeName(request.subject),
    issuerName: authority.subject.der,
    issuerKeyId: keyId(request.issuer.key),
    signingKey: request.issuer.key,
    extensions,
  })
}

interface Draft extends Validity {
  readonly subject: Uint8Array
  readonly issuerName: Uint8Array
  readonly issuerKeyId: Uint8Array
  readonly publicKey: KeyObject
  readonly signingKey: KeyObject
  readonly extensions: readonly Uint8Array[]
}

function issue(draft: Draft): Uint8Array {
  if (draft.notAfter <= draft.notBefore)
    throw new Fault('malformed', 'crypto.bad_validity', 'a certificate ends before it begins')
  const signer = signByKey(draft.signingKey)
  const tbs = sequence(
    context(0, integer(2)),
    integer(newSerial()),
    signer.identifier,
    draft.issuerName,
    sequence(time(draft.notBefore), time(draft.notAfter)),
    draft.subject,
    publicKeyDer(draft.publicKey),
    context(
      3,
      sequence(
        ...draft.extensions,
        extension(oids.subjectKeyIdentifier, false, octetString(keyId(draft.publicKey))),
        extension(oids.authorityKeyIdentifier, false, sequence(contextPrimitive(0, draft.issuerKeyId))),
      ),
    ),
  )
  return sequence(tbs, signer.identifier, bitString(signer.sign(tbs)))
}

/** 159 random bits: positive, at most 20 octets, and never short (RFC 5280 4.1.2.2). */
function newSerial(): Uint8Array {
  const bytes = new Uint8Array(randomBytes(20))
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40
  return bytes
}

function authorityExtensions(pathLength: number): Uint8Array[] {
  return [
    extension(oids.basicConstraints, true, sequence(booleanTrue, integer(pathLength))),
    usageExtension(['keyCertSign', 'cRLSign']),
  ]
}

function leafExtensions(purpose: string): Uint8Array[] {
  return [
    extension(oids.basicConstraints, true, sequence()),
    usageExtension(['digitalSignature']),
    extension(oids.extendedKeyUsage, false, sequence(oid(purpose))),
  ]
}

function usageExtension(usages: readonly KeyUsage[]): Uint8Array {
  return extension(oids.keyUsage, true, namedBits(usages.map((usage) => keyUsageBits[usage])))
}

function extension(name: string, critical: boolean, value: Uint8Array): Uint8Array {
  return critical ? sequence(oid(name), booleanTrue, octetString(value)) : sequence(oid(name), octetString(value))
}

/** SHA-1 of the key bits (RFC 5280 4.2.1.2, method 1): an identifier that everybody computes alike, not a proof. */
function keyId(key: KeyObject): Uint8Array {
  const info = new DerFields(readDer(publicKeyDer(key)), tag.sequence, 'the public key')
  info.take(tag.sequence, 'algorithm')
  return new Uint8Array(
    createHash('sha1')
      .update(readBitBytes(info.take(tag.bitString, 'key bits')))
      .digest(),
  )
}

function dnsName(name: string): Uint8Array {
  if (!/^(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?$/.test(name)) {
    throw new Fault('malformed', 'crypto.bad_dns_name', `${name} is no DNS name`)
  }
  return new TextEncoder().encode(name)
}
