import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '@holdfast/kernel'
import { signDetachedCms, verifyDetachedCms } from '../src/cms.ts'
import { readDetachedSignedData } from '../src/cms-read.ts'
import { oid } from '../src/der-write.ts'
import { oids } from '../src/oids.ts'
import { content, createPki, now } from './cms-forge.ts'

/** A small generator with a seed (xorshift32), so that a failure can be repeated. */
function seeded(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

/** Every single-bit flip of the signature's own bytes would be 8 × its length; these are drawn from all kinds of edits. */
function* mutations(original: Uint8Array, count: number, seed: number): Generator<Uint8Array> {
  const random = seeded(seed)
  for (let made = 0; made < count; ) {
    const at = random(original.length)
    const byte = random(256)
    const kind = random(8)
    const before = original.subarray(0, at)
    let mutated: Uint8Array
    if (kind < 4) mutated = original.with(at, (original[at] ?? 0) ^ (1 << random(8)))
    else if (kind < 6) mutated = original.with(at, byte)
    else if (kind === 6) mutated = Uint8Array.from([...before, byte, ...original.subarray(at)])
    else mutated = Uint8Array.from([...before, ...original.subarray(at + 1 + random(4))])
    if (Buffer.compare(mutated, original) === 0) continue
    made += 1
    yield mutated
  }
}

/** How many of the mutations a verifier accepts; anything that it throws other than a Fault fails the test. */
function accepted(original: Uint8Array, count: number, seed: number, verify: (signature: Uint8Array) => void) {
  const passed: Uint8Array[] = []
  for (const mutated of mutations(original, count, seed)) {
    try {
      verify(mutated)
      passed.push(mutated)
    } catch (thrown) {
      if (!(thrown instanceof Fault)) throw thrown
    }
  }
  return passed
}

async function prepare(kind: 'p256' | 'rsa-3072') {
  const { root, ca, signer } = await createPki(kind)
  const signature = signDetachedCms({
    content,
    certificate: signer.certificate,
    chain: [ca.certificate],
    key: signer.key,
  })
  const verify = (mutated: Uint8Array) =>
    void verifyDetachedCms({ content, signature: mutated, trusted: [root.certificate], at: now })
  verify(signature)
  return { signature, verify }
}

test('of 14,000 mutations of an ECDSA signature none is accepted', async () => {
  const { signature, verify } = await prepare('p256')
  assert.equal(accepted(signature, 14_000, 0x9e3779b9, verify).length, 0)
})

test('of 6,000 mutations of an RSA signature none is accepted that says anything else', async () => {
  const { signature, verify } = await prepare('rsa-3072')
  const meaning = ({ certificates, signers }: ReturnType<typeof readDetachedSignedData>) =>
    JSON.stringify([certificates.map(({ der }) => [...der]), signers])
  const original = meaning(readDetachedSignedData(signature))
  // Not covered by the signature and without effect: rsaEncryption and sha256WithRSAEncryption name the same thing
  // here, because the digest is stated beside them, and they differ in one byte.
  const last = Buffer.from(signature).lastIndexOf(oid(oids.rsaEncryption)) + oid(oids.rsaEncryption).length - 1
  const other = signature.with(last, 0x0b)
  assert.doesNotThrow(() => verify(other))
  for (const mutated of accepted(signature, 6_000, 0x51ed270b, verify)) {
    assert.equal(meaning(readDetachedSignedData(mutated)), original)
    assert.deepEqual(mutated, other)
  }
})

test('the hunt finds a verifier that forgets to verify', async () => {
  const { signature } = await prepare('p256')
  const forgetful = (mutated: Uint8Array) => void readDetachedSignedData(mutated)
  assert.ok(accepted(signature, 500, 0x9e3779b9, forgetful).length > 0)
})
