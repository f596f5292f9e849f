import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '@holdfast/kernel'
import { decideRehash, hashPassword, maxPasswordLength, verifyPassword } from './password.ts'
import { newMasterKey, openSecret, sealSecret } from './seal.ts'

const fault = (code: string) => (thrown: unknown) => thrown instanceof Fault && thrown.code === code

test('a sealed secret opens with its key and context, and with nothing else changed', () => {
  const key = newMasterKey()
  const secret = new TextEncoder().encode('totp seed')
  const sealed = sealSecret(key, secret, 'users/1/totp')
  assert.deepEqual(openSecret(key, sealed, 'users/1/totp'), secret)
  assert.deepEqual(openSecret(key, sealSecret(key, new Uint8Array(0), 'c'), 'c'), new Uint8Array(0))
  assert.notDeepEqual(sealSecret(key, secret, 'c'), sealSecret(key, secret, 'c'))
  assert.throws(() => openSecret(key, sealed, 'users/2/totp'), fault('crypto.seal_broken'))
  assert.throws(() => openSecret(newMasterKey(), sealed, 'users/1/totp'), fault('crypto.seal_broken'))
  for (let at = 0; at < sealed.length; at += 1) {
    const broken = sealed.map((byte, place) => (place === at ? byte ^ 1 : byte))
    assert.throws(() => openSecret(key, broken, 'users/1/totp'), fault('crypto.seal_broken'))
    assert.throws(() => openSecret(key, sealed.subarray(0, at), 'users/1/totp'), fault('crypto.seal_broken'))
  }
  assert.throws(() => sealSecret(key.subarray(1), secret, 'c'), fault('crypto.bad_master_key'))
  assert.throws(() => sealSecret(key, secret, ''), fault('crypto.no_context'))
})

test('a password verifies against its own hash only, however it was composed', async () => {
  const hash = await hashPassword('café au lait')
  assert.match(hash, /^\$scrypt\$ln=17,r=8,p=1\$/)
  await verifyPassword('cafe\u0301 au lait', hash)
  await assert.rejects(verifyPassword('cafe au lait', hash), fault('crypto.wrong_password'))
  await assert.rejects(verifyPassword('x'.repeat(maxPasswordLength + 1), hash), fault('crypto.wrong_password'))
  await assert.rejects(async () => hashPassword('x'.repeat(maxPasswordLength + 1)), fault('crypto.password_too_long'))
  assert.equal(decideRehash(hash), false)
  assert.equal(decideRehash(hash.replace('ln=17', 'ln=15')), true)
})

test('a hash that asks for unbounded work, or is none, is refused', async () => {
  const hash = `$scrypt$ln=31,r=8,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`
  for (const text of [
    hash,
    hash.replace('31', '10'),
    hash.replace('ln=31,r=8', 'ln=17,r=99'),
    '',
    'plain',
    '$2b$10$abc',
  ]) {
    await assert.rejects(verifyPassword('x', text), fault('crypto.bad_password_hash'))
  }
})
