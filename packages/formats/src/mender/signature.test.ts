import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, randomBytes, sign as signBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { bytesOf, chunked, faultOf } from '../../tests/forge.ts'
import { readMenderArtifact } from './read.ts'
import { signMenderArtifact } from './sign.ts'
import { signMenderManifest, verifyMenderSignature } from './signature.ts'
import { type MenderSpec, writeMenderArtifact } from './write.ts'

const keys = {
  ec: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
}
const content = randomBytes(5_000)

function spec(more: Partial<MenderSpec> = {}): MenderSpec {
  return { name: 'r2', depends: { deviceTypes: ['d'] }, payloadType: 't', files: [{ name: 'f', content }], ...more }
}

const read = (bytes: Uint8Array) => readMenderArtifact(chunked(bytes))

describe('the signature of a manifest', () => {
  const manifest = Buffer.from('manifest')
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')

  for (const kind of ['ec', 'rsa'] as const) {
    test(`by ${kind} holds for its manifest and its key only`, () => {
      const signature = base64(signMenderManifest(manifest, keys[kind].privateKey))
      verifyMenderSignature(manifest, signature, keys[kind].publicKey)
      const invalid = faultOf('formats.signature_invalid')
      assert.throws(() => verifyMenderSignature(Buffer.from('manifesT'), signature, keys[kind].publicKey), invalid)
      const other = kind === 'ec' ? keys.rsa : keys.ec
      assert.throws(() => verifyMenderSignature(manifest, signature, other.publicKey), invalid)
    })
  }

  test('may be DER when by P-256, and is raw when we write it', async () => {
    const der = signBytes('sha256', manifest, keys.ec.privateKey)
    verifyMenderSignature(manifest, base64(der), keys.ec.publicKey)
    const sign = (bytes: Uint8Array) => signBytes('sha256', bytes, keys.ec.privateKey)
    for (let round = 0; round < 40; round += 1) {
      const found = await read(await bytesOf(writeMenderArtifact(spec({ sign, compression: 'none' }))))
      assert.equal(Buffer.from(found.signature ?? '', 'base64').length, 64)
      verifyMenderSignature(found.manifest, found.signature, keys.ec.publicKey)
    }
  })

  test('is refused when missing, garbled, or by a key that the format does not know', () => {
    assert.throws(() => verifyMenderSignature(manifest, null, keys.ec.publicKey), faultOf('formats.signature_missing'))
    for (const text of ['', '%%%%', 'AAA', 'AAAA\n']) {
      assert.throws(
        () => verifyMenderSignature(manifest, text, keys.ec.publicKey),
        faultOf('formats.signature_malformed'),
      )
    }
    const strange = [
      generateKeyPairSync('ed25519'),
      generateKeyPairSync('ec', { namedCurve: 'P-384' }),
      generateKeyPairSync('rsa', { modulusLength: 1024 }),
    ]
    for (const { publicKey } of strange) {
      assert.throws(() => verifyMenderSignature(manifest, base64(content), publicKey), faultOf('formats.signature_key'))
    }
    const zeros = base64(new Uint8Array(64))
    assert.throws(() => verifyMenderSignature(manifest, zeros, keys.ec.publicKey), faultOf('formats.signature_invalid'))
  })

  test('is added or replaced without touching another byte', async () => {
    const unsigned = await bytesOf(writeMenderArtifact(spec()))
    const sign = (kind: 'ec' | 'rsa') => (bytes: Uint8Array) => signMenderManifest(bytes, keys[kind].privateKey)
    const once = await bytesOf(signMenderArtifact(chunked(unsigned, 700), sign('rsa')))
    const twice = await bytesOf(signMenderArtifact(chunked(once, 700), sign('ec')))
    const found = await read(twice)
    verifyMenderSignature(found.manifest, found.signature, createPublicKey(keys.ec.privateKey))
    const start = 1024 + 512 + Math.ceil(found.manifest.length / 512) * 512
    assert.deepEqual(twice.subarray(0, start), unsigned.subarray(0, start))
    assert.deepEqual(twice.subarray(start + 1024), unsigned.subarray(start))
  })
})
