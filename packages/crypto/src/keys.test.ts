import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { mkdtemp, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Fault } from '@holdfast/kernel'
import { readKeyFile, writeKeyFile } from './key-file.ts'
import {
  generateKey,
  keyFingerprint,
  keyKind,
  parsePublicKey,
  privateKeyPem,
  publicKeyDer,
  publicKeyPem,
  readPrivateKey,
  sealPrivateKey,
  signBytes,
  verifySignature,
} from './keys.ts'
import { writePem } from './pem.ts'

const bytes = new TextEncoder().encode('{"id_data":"{}"}\n')
const fault = (code: string) => (thrown: unknown) => thrown instanceof Fault && thrown.code === code

test('the three device key types sign and verify, and a changed byte or foreign key is refused', async () => {
  for (const kind of ['p256', 'ed25519', 'rsa-3072'] as const) {
    const pair = await generateKey(kind)
    const other = await generateKey(kind === 'rsa-3072' ? 'p256' : kind)
    const signature = signBytes(pair.privateKey, bytes)
    const key = parsePublicKey(publicKeyPem(pair.publicKey))
    verifySignature(key, bytes, signature)
    const changed = Uint8Array.from(bytes)
    changed[3] = 0
    assert.throws(() => verifySignature(key, changed, signature), fault('crypto.bad_signature'))
    assert.throws(() => verifySignature(other.publicKey, bytes, signature), fault('crypto.bad_signature'))
    for (let at = 0; at < signature.length; at += 7) {
      const broken = Uint8Array.from(signature)
      broken[at] = (broken[at] ?? 0) ^ 1
      assert.throws(() => verifySignature(key, bytes, broken), fault('crypto.bad_signature'))
    }
    assert.throws(() => verifySignature(key, bytes, new Uint8Array(0)), fault('crypto.bad_signature'))
    assert.throws(() => verifySignature(key, bytes, signature.subarray(1)), fault('crypto.bad_signature'))
  }
})

test('an ECDSA signature verifies only in the encoding that was asked for', async () => {
  const { privateKey, publicKey } = await generateKey('p256')
  const raw = signBytes(privateKey, bytes, { ecdsa: 'raw' })
  assert.equal(raw.length, 64)
  verifySignature(publicKey, bytes, raw, { ecdsa: 'raw' })
  assert.throws(() => verifySignature(publicKey, bytes, raw), fault('crypto.bad_signature'))
})

test('a signature made with another hash or padding is refused', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  assert.throws(
    () => verifySignature(publicKey, bytes, sign('sha512', bytes, privateKey)),
    fault('crypto.bad_signature'),
  )
  assert.throws(() => verifySignature(publicKey, bytes, sign('sha1', bytes, privateKey)), fault('crypto.bad_signature'))
  const pss = sign('sha256', bytes, { key: privateKey, padding: 6 })
  assert.throws(() => verifySignature(publicKey, bytes, pss), fault('crypto.bad_signature'))
})

test('keys that are weak, exotic or not canonical are refused', () => {
  const spki = (pair: { publicKey: { export(options: { format: 'pem'; type: 'spki' }): string | Buffer } }) =>
    String(pair.publicKey.export({ format: 'pem', type: 'spki' }))
  const refused: [string, string][] = [
    [spki(generateKeyPairSync('rsa', { modulusLength: 1024 })), 'crypto.key_unsupported'],
    [spki(generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 })), 'crypto.key_unsupported'],
    [spki(generateKeyPairSync('rsa-pss', { modulusLength: 2048 })), 'crypto.key_unsupported'],
    [spki(generateKeyPairSync('ec', { namedCurve: 'secp256k1' })), 'crypto.key_unsupported'],
    [spki(generateKeyPairSync('ec', { namedCurve: 'P-521' })), 'crypto.key_unsupported'],
    [spki(generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' })), 'crypto.bad_der'],
    [spki(generateKeyPairSync('ed448')), 'crypto.key_unsupported'],
    [spki(generateKeyPairSync('x25519')), 'crypto.key_unsupported'],
    ['', 'crypto.bad_pem'],
    ['-----BEGIN PUBLIC KEY-----\nAAAA', 'crypto.bad_pem'],
    ['-----BEGIN PUBLIC KEY-----\n!!!!\n-----END PUBLIC KEY-----\n', 'crypto.bad_pem'],
    [writePem('PUBLIC KEY', Uint8Array.of(0x30, 0x80, 0, 0)), 'crypto.bad_der'],
    ['x'.repeat(100_000), 'crypto.too_large'],
  ]
  const p256 = spki(generateKeyPairSync('ec', { namedCurve: 'P-256' }))
  refused.push([p256 + p256, 'crypto.bad_key'])
  refused.push([p256.replaceAll('PUBLIC KEY', 'RSA PUBLIC KEY'), 'crypto.bad_key'])
  for (const [pem, code] of refused) assert.throws(() => parsePublicKey(pem), fault(code), `${code}: ${pem}`)
})

test('two encodings of one key have one fingerprint', async () => {
  const { publicKey } = await generateKey('p256')
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
  const der = publicKeyDer(publicKey)
  const odd = ((Buffer.from(y, 'base64url').at(-1) ?? 0) & 1) === 1
  const point = Buffer.concat([Buffer.of(odd ? 3 : 2), Buffer.from(x, 'base64url')])
  const head = Buffer.from(der.subarray(0, der.length - 65))
  head[1] = (head[1] ?? 0) - 32
  head[head.length - 2] = 0x22
  const compressed = Buffer.concat([head, point])
  assert.equal(keyFingerprint(parsePublicKey(compressed)), keyFingerprint(publicKey))
  assert.equal(keyFingerprint(parsePublicKey(der)).length, 64)
})

test('every byte of a public key that is changed gives another key or a Fault, never the same fingerprint', async () => {
  for (const kind of ['p256', 'ed25519', 'rsa-3072'] as const) {
    const { publicKey } = await generateKey(kind)
    const der = publicKeyDer(publicKey)
    const fingerprint = keyFingerprint(publicKey)
    for (let at = 0; at < der.length; at += 1) {
      const mutated = Uint8Array.from(der)
      mutated[at] = (mutated[at] ?? 0) ^ (1 << (at % 8))
      try {
        assert.notEqual(keyFingerprint(parsePublicKey(mutated)), fingerprint)
      } catch (thrown) {
        if (!(thrown instanceof Fault)) throw thrown
      }
    }
  }
})

test('private keys are read from PKCS#8, SEC1 and PKCS#1, and sealed ones need the right passphrase', async () => {
  const ec = await generateKey('p256')
  const rsa = await generateKey('rsa-3072')
  const fingerprint = keyFingerprint(ec.publicKey)
  const sealed = await sealPrivateKey(ec.privateKey, 'correct horse')
  for (const pem of [privateKeyPem(ec.privateKey), ec.privateKey.export({ format: 'pem', type: 'sec1' })]) {
    assert.equal(keyFingerprint(readPrivateKey(String(pem))), fingerprint)
  }
  const pkcs1 = String(rsa.privateKey.export({ format: 'pem', type: 'pkcs1' }))
  assert.equal(keyKind(readPrivateKey(pkcs1)), 'rsa')
  assert.equal(keyFingerprint(readPrivateKey(sealed, 'correct horse')), fingerprint)
  assert.throws(() => readPrivateKey(sealed), fault('crypto.passphrase_needed'))
  assert.throws(() => readPrivateKey(sealed, 'wrong'), fault('crypto.passphrase_wrong'))
  assert.throws(() => readPrivateKey(publicKeyPem(ec.publicKey)), fault('crypto.bad_key'))
  await assert.rejects(sealPrivateKey(ec.privateKey, 'short'), fault('crypto.passphrase_weak'))
})

test('openssl opens a key that was sealed here, and its own keys are read here', async (t) => {
  if (spawnSync('openssl', ['version']).status !== 0) return t.skip('openssl is not installed')
  const { privateKey } = await generateKey('ed25519')
  const sealed = await sealPrivateKey(privateKey, 'correct horse')
  const opened = spawnSync('openssl', ['pkey', '-passin', 'pass:correct horse', '-pubout'], { input: sealed })
  assert.equal(keyFingerprint(createPublicKey(opened.stdout)), keyFingerprint(privateKey))
  const sec1 = spawnSync('openssl', ['ecparam', '-name', 'prime256v1', '-genkey']).stdout.toString()
  assert.match(sec1, /EC PARAMETERS/)
  assert.equal(keyKind(readPrivateKey(sec1)), 'p256')
})

test('a key file is readable by its owner only, even under umask 000, and is never overwritten by accident', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-keys-'))
  const path = join(directory, 'signer.pem')
  const before = process.umask(0)
  try {
    await writeKeyFile(path, 'secret')
    await assert.rejects(writeKeyFile(path, 'other'), fault('crypto.key_file_exists'))
    assert.equal(await readFile(path, 'utf8'), 'secret')
    await writeKeyFile(path, 'third', { replace: true })
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    assert.equal(Buffer.from(await readKeyFile(path)).toString(), 'third')
    // The control: a file written the plain way is open to all, and is refused.
    const open = join(directory, 'open.pem')
    await writeFile(open, 'secret')
    await assert.rejects(readKeyFile(open), fault('crypto.key_file_open'))
    await assert.rejects(readKeyFile(join(directory, 'none')), fault('crypto.key_file_missing'))
  } finally {
    process.umask(before)
  }
})
