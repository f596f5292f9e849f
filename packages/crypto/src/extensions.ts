import { Fault, toHex } from '@holdfast/kernel'
import {
  badDer,
  contextTag,
  DerFields,
  type DerNode,
  latin1,
  readBitString,
  readBoolean,
  readDer,
  readOid,
  readSmallInteger,
  tag,
} from './der.ts'
import { readIpAddress } from './ip-address.ts'
import { oids } from './oids.ts'

export type KeyUsage = 'digitalSignature' | 'nonRepudiation' | 'keyEncipherment' | 'keyCertSign' | 'cRLSign'

/** Bit numbers of RFC 5280 4.2.1.3. */
export const keyUsageBits: Readonly<Record<KeyUsage, number>> = {
  digitalSignature: 0,
  nonRepudiation: 1,
  keyEncipherment: 2,
  keyCertSign: 5,
  cRLSign: 6,
}

export interface AlternativeNames {
  readonly dns: readonly string[]
  readonly ip: readonly string[]
  readonly email: readonly string[]
  readonly uri: readonly string[]
}

/** The extensions that decide something; `undefined` means that the certificate does not have it. */
export interface CertificateExtensions {
  readonly basicConstraints: { readonly ca: boolean; readonly pathLength: number | undefined } | undefined
  readonly keyUsage: ReadonlySet<KeyUsage> | undefined
  /** Object identifiers of the purposes. */
  readonly extendedKeyUsage: readonly string[] | undefined
  readonly alternativeNames: AlternativeNames
  readonly subjectKeyId: string | undefined
  readonly authorityKeyId: string | undefined
  /** Identifiers of extensions that bind the verifier and that it cannot obey: the certificate is useless to us. */
  readonly notUnderstood: readonly string[]
}

const noNames: AlternativeNames = { dns: [], ip: [], email: [], uri: [] }

export const noExtensions: CertificateExtensions = {
  basicConstraints: undefined,
  keyUsage: undefined,
  extendedKeyUsage: undefined,
  alternativeNames: noNames,
  subjectKeyId: undefined,
  authorityKeyId: undefined,
  notUnderstood: [],
}

type Reader = (value: DerNode) => Partial<CertificateExtensions>

const readers: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  [oids.basicConstraints, (value) => ({ basicConstraints: readBasicConstraints(value) })],
  [oids.keyUsage, (value) => ({ keyUsage: readKeyUsage(value) })],
  [oids.extendedKeyUsage, (value) => ({ extendedKeyUsage: readExtendedKeyUsage(value) })],
  [oids.subjectAltName, (value) => ({ alternativeNames: readAlternativeNames(value) })],
  [oids.subjectKeyIdentifier, (value) => ({ subjectKeyId: readKeyId(value, tag.octetString) })],
  [oids.authorityKeyIdentifier, (value) => ({ authorityKeyId: readAuthorityKeyId(value) })],
  // Any policy will do for us, so a list of policies binds nothing.
  [oids.certificatePolicies, () => ({})],
])

const maxExtensions = 64

export function readExtensions(node: DerNode): CertificateExtensions {
  if (node.tag !== tag.sequence || node.children.length === 0) throw badDer('an empty list of extensions')
  if (node.children.length > maxExtensions) throw badDer(`more than ${maxExtensions} extensions`)
  let found = noExtensions
  const seen = new Set<string>()
  const notUnderstood: string[] = []
  for (const child of node.children) {
    const fields = new DerFields(child, tag.sequence, 'an extension')
    const name = readOid(fields.take(tag.oid, 'identifier'))
    const stated = fields.find(tag.boolean)
    const critical = stated !== undefined && readBoolean(stated)
    if (stated !== undefined && !critical) throw badDer('an extension that states its default')
    const value = fields.take(tag.octetString, 'value').content
    fields.end()
    if (seen.has(name)) throw badDer(`the extension ${name} twice`)
    seen.add(name)
    const read = readers.get(name)
    if (read !== undefined) found = { ...found, ...read(readDer(value)) }
    else if (critical || name === oids.nameConstraints) notUnderstood.push(name)
  }
  return { ...found, notUnderstood }
}

function readBasicConstraints(value: DerNode): CertificateExtensions['basicConstraints'] {
  const fields = new DerFields(value, tag.sequence, 'basicConstraints')
  const stated = fields.find(tag.boolean)
  const ca = stated !== undefined && readBoolean(stated)
  const length = fields.find(tag.integer)
  fields.end()
  if (length !== undefined && !ca) throw badDer('a path length for a certificate that is no CA')
  return { ca, pathLength: length === undefined ? undefined : readSmallInteger(length) }
}

function readKeyUsage(value: DerNode): ReadonlySet<KeyUsage> {
  const { bytes } = readBitString(value)
  const usages = new Set<KeyUsage>()
  for (const [usage, bit] of Object.entries(keyUsageBits) as [KeyUsage, number][]) {
    if (((bytes[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0) usages.add(usage)
  }
  return usages
}

function readExtendedKeyUsage(value: DerNode): readonly string[] {
  if (value.tag !== tag.sequence || value.children.length === 0) throw badDer('an empty extendedKeyUsage')
  return value.children.map(readOid)
}

function readAlternativeNames(value: DerNode): AlternativeNames {
  if (value.tag !== tag.sequence || value.children.length === 0) throw badDer('an empty subjectAltName')
  const names = { dns: [] as string[], ip: [] as string[], email: [] as string[], uri: [] as string[] }
  for (const { tag: kind, content } of value.children) {
    if (kind === contextTag(2, 'primitive')) names.dns.push(asciiName(content))
    else if (kind === contextTag(7, 'primitive')) names.ip.push(readIpAddress(content))
    else if (kind === contextTag(1, 'primitive')) names.email.push(asciiName(content))
    else if (kind === contextTag(6, 'primitive')) names.uri.push(asciiName(content))
  }
  return names
}

/** A NUL inside a name has fooled verifiers that are written in C; no name has one. */
function asciiName(content: Uint8Array): string {
  if (content.length === 0 || content.some((byte) => byte <= 0x20 || byte >= 0x7f)) {
    throw badDer('an alternative name that is not printable ASCII')
  }
  return latin1(content)
}

function readKeyId(value: DerNode, expected: number): string {
  if (value.tag !== expected || value.content.length > 64) throw badDer('not a key identifier')
  return toHex(value.content)
}

function readAuthorityKeyId(value: DerNode): string | undefined {
  if (value.tag !== tag.sequence) throw badDer('not an authorityKeyIdentifier')
  const id = value.children.find((child) => child.tag === contextTag(0, 'primitive'))
  return id === undefined ? undefined : readKeyId(id, contextTag(0, 'primitive'))
}

/** Throws `crypto.unknown_critical` when the certificate asks for what we cannot check. */
export function requireUnderstood(extensions: CertificateExtensions, subject: string): void {
  const [first] = extensions.notUnderstood
  if (first === undefined) return
  throw new Fault('refused', 'crypto.unknown_critical', `${subject} has the extension ${first}, which is not supported`)
}
