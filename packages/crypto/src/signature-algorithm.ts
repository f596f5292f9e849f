import type { KeyObject } from 'node:crypto'
import { Fault } from '@holdfast/kernel'
import { DerFields, type DerNode, readOid, tag } from './der.ts'
import { nullValue, oid, sequence } from './der-write.ts'
import { type HashName, keyKind, signWith, verifyWith } from './keys.ts'
import { oids } from './oids.ts'

/** The signature algorithms of certificates and CMS: which key they need and which hash they use. */
export interface SignatureAlgorithm {
  readonly family: 'rsa' | 'ec' | 'ed25519'
  readonly hash: HashName | undefined
}

const algorithms: ReadonlyMap<string, SignatureAlgorithm> = new Map([
  [oids.sha256WithRsa, { family: 'rsa', hash: 'sha256' }],
  [oids.sha384WithRsa, { family: 'rsa', hash: 'sha384' }],
  [oids.sha512WithRsa, { family: 'rsa', hash: 'sha512' }],
  [oids.ecdsaWithSha256, { family: 'ec', hash: 'sha256' }],
  [oids.ecdsaWithSha384, { family: 'ec', hash: 'sha384' }],
  [oids.ecdsaWithSha512, { family: 'ec', hash: 'sha512' }],
  [oids.ed25519, { family: 'ed25519', hash: undefined }],
])

/** Reads an AlgorithmIdentifier; parameters must be what the algorithm's standard says (NULL for RSA, else none). */
export function readSignatureAlgorithm(node: DerNode): SignatureAlgorithm {
  const fields = new DerFields(node, tag.sequence, 'the signature algorithm')
  const name = readOid(fields.take(tag.oid, 'identifier'))
  const algorithm = algorithms.get(name)
  if (algorithm === undefined) throw unsupportedAlgorithm(name)
  // RFC 4055 section 5: receivers take RSA parameters that are NULL or absent.
  if (algorithm.family === 'rsa') requireNull(fields)
  fields.end()
  return algorithm
}

function requireNull(fields: DerFields): void {
  const parameters = fields.find(tag.null)
  if (parameters !== undefined && parameters.content.length > 0) throw unsupportedAlgorithm('a NULL that is not empty')
}

/** Throws `crypto.bad_signature` unless the key is of the algorithm's family and the signature matches. */
export function verifyByAlgorithm(
  algorithm: SignatureAlgorithm,
  key: KeyObject,
  bytes: Uint8Array,
  signature: Uint8Array,
): void {
  if (algorithm.family !== keyFamily(key) || !verifyWith(key, algorithm.hash, bytes, signature)) {
    throw new Fault('refused', 'crypto.bad_signature', 'the signature does not match the key and the bytes')
  }
}

export function keyFamily(key: KeyObject): SignatureAlgorithm['family'] {
  const kind = keyKind(key)
  return kind === 'p256' || kind === 'p384' ? 'ec' : kind
}

/** The algorithm we sign with, by key: SHA-256, or SHA-384 where the curve is P-384. */
export function signByKey(key: KeyObject): {
  identifier: Uint8Array
  hash: HashName | undefined
  sign: (bytes: Uint8Array) => Uint8Array
} {
  const [identifier, hash] = chooseAlgorithm(key)
  return { identifier, hash, sign: (bytes) => signWith(key, hash, bytes) }
}

function chooseAlgorithm(key: KeyObject): [Uint8Array, HashName | undefined] {
  switch (keyKind(key)) {
    case 'rsa':
      return [sequence(oid(oids.sha256WithRsa), nullValue), 'sha256']
    case 'p256':
      return [sequence(oid(oids.ecdsaWithSha256)), 'sha256']
    case 'p384':
      return [sequence(oid(oids.ecdsaWithSha384)), 'sha384']
    case 'ed25519':
      return [sequence(oid(oids.ed25519)), undefined]
  }
}

export function unsupportedAlgorithm(what: string): Fault {
  return new Fault('refused', 'crypto.algorithm_unsupported', `signature algorithm not supported: ${what}`)
}
