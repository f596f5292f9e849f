import {
  createCipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  pbkdf2,
  randomBytes,
  sign,
  verify,
} from 'node:crypto'
import { promisify } from 'node:util'
import { Fault } from '@holdfast/kernel'
import { concat } from './bytes.ts'
import { DerFields, readBitBytes, readDer, readIntegerBytes, readOid, tag } from './der.ts'
import { integer, nullValue, octetString, oid, sequence } from './der-write.ts'
import { oids } from './oids.ts'
import { readPem, writePem } from './pem.ts'

export type KeyKind = 'rsa' | 'p256' | 'p384' | 'ed25519'
export type NewKeyKind = 'p256' | 'p384' | 'ed25519' | 'rsa-3072'

export interface KeyPair {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

const maxKeyBytes = 16_384

/**
 * Reads a SubjectPublicKeyInfo, PEM or DER: RSA of 2048 to 8192 bits with an odd exponent ≥ 65537, P-256, P-384 or
 * Ed25519. Refuses everything else, explicit curve parameters included, with `crypto.bad_key` or
 * `crypto.key_unsupported`. The key that comes back exports one canonical encoding.
 */
export function parsePublicKey(input: string | Uint8Array): KeyObject {
  const der = typeof input === 'string' ? publicKeyBytes(input) : input
  const form = requireCanonicalForm(der)
  const key = attempt(() => createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' }))
  requireKind(key)
  if (form === 'canonical') return key
  // A compressed point is the same key: through JWK it becomes the uncompressed, canonical one.
  return attempt(() => createPublicKey({ key: key.export({ format: 'jwk' }), format: 'jwk' }))
}

function publicKeyBytes(text: string): Uint8Array {
  const [block, ...rest] = readPem(text, { maxBytes: maxKeyBytes * 2 })
  if (block === undefined || rest.length > 0) throw badKey('there must be exactly one public key')
  if (block.label !== 'PUBLIC KEY') throw badKey(`expected a PEM block PUBLIC KEY, not ${block.label}`)
  return block.bytes
}

/**
 * Throws unless the algorithm is one of ours, named with the parameters that its standard gives it, and the key bits
 * have the one DER form of that algorithm; only a compressed point is a second form of the same key.
 */
function requireCanonicalForm(der: Uint8Array): 'canonical' | 'compressed' {
  const info = new DerFields(readDer(der, { maxBytes: maxKeyBytes, maxNodes: 16 }), tag.sequence, 'the public key')
  const algorithm = new DerFields(info.take(tag.sequence, 'algorithm'), tag.sequence, 'the algorithm')
  const bits = readBitBytes(info.take(tag.bitString, 'key bits'))
  info.end()
  const name = readOid(algorithm.take(tag.oid, 'identifier'))
  let form: 'canonical' | 'compressed' = 'canonical'
  if (name === oids.rsaEncryption) {
    if (algorithm.take(tag.null, 'NULL').content.length > 0) throw badKey('a NULL that is not empty')
    requireRsaForm(bits)
  } else if (name === oids.ecPublicKey) {
    const curve = readOid(algorithm.take(tag.oid, 'named curve'))
    const width = curve === oids.p256 ? 32 : curve === oids.p384 ? 48 : undefined
    if (width === undefined) throw unsupported(`curve ${curve}`)
    if (bits[0] !== 0x04) form = 'compressed'
    if (bits.length !== (form === 'canonical' ? 2 * width : width) + 1) throw badKey('a point of wrong length')
  } else if (name !== oids.ed25519) throw unsupported(`algorithm ${name}`)
  algorithm.end()
  return form
}

function requireRsaForm(bits: Uint8Array): void {
  const numbers = new DerFields(readDer(bits, { maxBytes: maxKeyBytes }), tag.sequence, 'the RSA key')
  for (const name of ['modulus', 'exponent']) {
    const [first = 0x80] = readIntegerBytes(numbers.take(tag.integer, name))
    if (first >= 0x80) throw badKey(`a negative ${name}`)
  }
  numbers.end()
}

/** The kind of a supported key, public or private; throws for all others. */
export function keyKind(key: KeyObject): KeyKind {
  const details = key.asymmetricKeyDetails
  if (key.asymmetricKeyType === 'ed25519') return 'ed25519'
  if (key.asymmetricKeyType === 'ec') {
    if (details?.namedCurve === 'prime256v1') return 'p256'
    if (details?.namedCurve === 'secp384r1') return 'p384'
    throw unsupported(`curve ${details?.namedCurve ?? 'without a name'}`)
  }
  if (key.asymmetricKeyType === 'rsa') return 'rsa'
  throw unsupported(`key type ${key.asymmetricKeyType ?? key.type}`)
}

function requireKind(key: KeyObject): KeyKind {
  const kind = keyKind(key)
  if (kind !== 'rsa') return kind
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {}
  if (modulusLength < 2048 || modulusLength > 8192) throw unsupported(`an RSA key of ${modulusLength} bits`)
  if (publicExponent < 65_537n || publicExponent % 2n === 0n || publicExponent >= 2n ** 64n) {
    throw unsupported(`an RSA key with the exponent ${publicExponent}`)
  }
  return kind
}

/** Canonical SubjectPublicKeyInfo of a key, public or private. */
export function publicKeyDer(key: KeyObject): Uint8Array {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key
  return new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }))
}

export function publicKeyPem(key: KeyObject): string {
  return writePem('PUBLIC KEY', publicKeyDer(key))
}

/** SHA-256 of the canonical SubjectPublicKeyInfo, in hexadecimal: the name of a key. */
export function keyFingerprint(key: KeyObject): string {
  return createHash('sha256').update(publicKeyDer(key)).digest('hex')
}

/** How an ECDSA signature is written: ASN.1 DER, or r‖s as IEEE P1363 has it. */
export type EcdsaEncoding = 'der' | 'raw'

/**
 * The rule by which devices and artifacts are authenticated: RSASSA-PKCS1-v1_5 with SHA-256, ECDSA P-256 with
 * SHA-256, or pure Ed25519, as the key says. Throws `crypto.bad_signature`.
 */
export function verifySignature(
  key: KeyObject,
  bytes: Uint8Array,
  signature: Uint8Array,
  options: { ecdsa?: EcdsaEncoding } = {},
): void {
  const kind = keyKind(key)
  if (kind === 'p384') throw unsupported('P-384 keys sign certificates, not messages')
  if (!verifyWith(key, kind === 'ed25519' ? undefined : 'sha256', bytes, signature, options.ecdsa)) {
    throw new Fault('unauthenticated', 'crypto.bad_signature', 'the signature does not match the key and the bytes')
  }
}

/** Signs by the rule of `verifySignature`. */
export function signBytes(key: KeyObject, bytes: Uint8Array, options: { ecdsa?: EcdsaEncoding } = {}): Uint8Array {
  const kind = keyKind(key)
  if (kind === 'p384') throw unsupported('P-384 keys sign certificates, not messages')
  return signWith(key, kind === 'ed25519' ? undefined : 'sha256', bytes, options.ecdsa)
}

export type HashName = 'sha256' | 'sha384' | 'sha512'

/** The bare verification with a stated hash (none for Ed25519); a signature of any wrong form is just not valid. */
export function verifyWith(
  key: KeyObject,
  hash: HashName | undefined,
  bytes: Uint8Array,
  signature: Uint8Array,
  ecdsa: EcdsaEncoding = 'der',
): boolean {
  try {
    return verify(hash, bytes, { key, dsaEncoding: ecdsa === 'raw' ? 'ieee-p1363' : 'der' }, signature)
  } catch {
    return false
  }
}

export function signWith(
  key: KeyObject,
  hash: HashName | undefined,
  bytes: Uint8Array,
  ecdsa: EcdsaEncoding = 'der',
): Uint8Array {
  return new Uint8Array(sign(hash, bytes, { key, dsaEncoding: ecdsa === 'raw' ? 'ieee-p1363' : 'der' }))
}

const generate = promisify(generateKeyPair)

export async function generateKey(kind: NewKeyKind): Promise<KeyPair> {
  switch (kind) {
    case 'p256':
      return generate('ec', { namedCurve: 'prime256v1' })
    case 'p384':
      return generate('ec', { namedCurve: 'secp384r1' })
    case 'ed25519':
      return generate('ed25519')
    case 'rsa-3072':
      return generate('rsa', { modulusLength: 3072, publicExponent: 65_537 })
  }
}

const privateLabels = ['PRIVATE KEY', 'ENCRYPTED PRIVATE KEY', 'EC PRIVATE KEY', 'RSA PRIVATE KEY']

/**
 * Reads a private key from PEM: PKCS#8 (encrypted too), SEC1 or PKCS#1, of the kinds `parsePublicKey` takes.
 * Throws `crypto.passphrase_needed`, `crypto.passphrase_wrong`, `crypto.bad_key` or `crypto.key_unsupported`.
 */
export function readPrivateKey(pem: string, passphrase?: string): KeyObject {
  // OpenSSL writes EC PARAMETERS in front of a SEC1 key; it says nothing the key does not.
  const [block, ...rest] = readPem(pem, { maxBytes: 65_536 }).filter(({ label }) => label !== 'EC PARAMETERS')
  if (block === undefined || rest.length > 0) throw badKey('there must be exactly one private key')
  if (!privateLabels.includes(block.label)) throw badKey(`expected a private key, not ${block.label}`)
  const encrypted = block.label === 'ENCRYPTED PRIVATE KEY' || block.text.includes('Proc-Type: 4,ENCRYPTED')
  if (encrypted && passphrase === undefined) {
    throw new Fault('refused', 'crypto.passphrase_needed', 'the private key is encrypted; its passphrase is needed')
  }
  try {
    const key = createPrivateKey(encrypted ? { key: block.text, passphrase: passphrase ?? '' } : block.text)
    requireKind(key)
    return key
  } catch (thrown) {
    if (thrown instanceof Fault) throw thrown
    if (!encrypted) throw badKey('the private key cannot be read', thrown)
    throw new Fault('refused', 'crypto.passphrase_wrong', 'the passphrase does not open the private key', {
      cause: thrown,
    })
  }
}

export function privateKeyPem(key: KeyObject): string {
  return writePem('PRIVATE KEY', new Uint8Array(key.export({ format: 'der', type: 'pkcs8' })))
}

const deriveKey = promisify(pbkdf2)
const pbkdf2Rounds = 600_000

/**
 * Encrypts a private key under a passphrase as PKCS#8 PEM (RFC 8018 PBES2: PBKDF2-HMAC-SHA-256, AES-256-CBC), so that
 * OpenSSL reads it too; Node's own export would derive the key in 2,048 rounds only.
 */
export async function sealPrivateKey(key: KeyObject, passphrase: string): Promise<string> {
  if (passphrase.length < 8)
    throw new Fault('refused', 'crypto.passphrase_weak', 'a passphrase has at least 8 characters')
  const salt = randomBytes(16)
  const iv = randomBytes(16)
  const secret = await deriveKey(passphrase, salt, pbkdf2Rounds, 32, 'sha256')
  const cipher = createCipheriv('aes-256-cbc', secret, iv)
  const sealed = concat(cipher.update(key.export({ format: 'der', type: 'pkcs8' })), cipher.final())
  const kdf = sequence(
    oid(oids.pbkdf2),
    sequence(octetString(salt), integer(pbkdf2Rounds), sequence(oid(oids.hmacWithSha256), nullValue)),
  )
  const scheme = sequence(oid(oids.pbes2), sequence(kdf, sequence(oid(oids.aes256Cbc), octetString(iv))))
  return writePem('ENCRYPTED PRIVATE KEY', sequence(scheme, octetString(sealed)))
}

function attempt<T>(make: () => T): T {
  try {
    return make()
  } catch (thrown) {
    throw badKey('the public key cannot be read', thrown)
  }
}

function badKey(message: string, cause?: unknown): Fault {
  return new Fault('malformed', 'crypto.bad_key', message, cause === undefined ? {} : { cause })
}

function unsupported(what: string): Fault {
  return new Fault('refused', 'crypto.key_unsupported', `not supported: ${what}`)
}
