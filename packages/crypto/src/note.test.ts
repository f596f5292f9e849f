import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '@holdfast/kernel'
import { parseCheckpoint, signCheckpoint, verifyCheckpoint, writeCheckpoint } from './checkpoint.ts'
import { generateKey } from './keys.ts'
import { parseNote, parseVerifier, signNote, verifierString, verifyNote } from './note.ts'
import { sha256 } from './sha256.ts'

// The published example of the note format in the Go checksum database.
const published = {
  verifier: 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
  text: "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n",
  signature: 'x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=',
}

test('a note that another implementation signed verifies', () => {
  const note = `${published.text}\n— PeterNeumann ${published.signature}\n`
  const verifier = parseVerifier(published.verifier)
  assert.equal(verifyNote(note, [verifier]), published.text)
  assert.equal(verifierString(verifier), published.verifier)
})

test('a note verifies by one known key, passes over unknown ones and is condemned by a wrong known one', async () => {
  const name = 'log.example/a'
  const [own, witness, stranger] = [
    await generateKey('ed25519'),
    await generateKey('ed25519'),
    await generateKey('ed25519'),
  ]
  const text = 'one\n\ntwo ü\n'
  const note = signNote(text, [
    { name: 'witness', privateKey: witness.privateKey },
    { name, privateKey: own.privateKey },
  ])
  const verifier = { name, publicKey: own.publicKey }
  assert.equal(verifyNote(note, [verifier]), text)
  assert.equal(parseNote(note).signatures.length, 2)
  assert.throws(() => verifyNote(note, []), Fault)
  assert.throws(() => verifyNote(note, [{ name, publicKey: stranger.publicKey }]), Fault)
  assert.throws(() => verifyNote(note, [{ name: 'log.example/b', publicKey: own.publicKey }]), Fault)
  assert.throws(() => verifyNote(note.replace('two', 'Two'), [verifier]), Fault)
  const mixed = note.replace(/(— witness .{20})./, (_, head: string) => `${head}A`).replace(/(— witness .{21})./, '$1B')
  assert.throws(() => verifyNote(mixed, [verifier, { name: 'witness', publicKey: witness.publicKey }]), Fault)
  assert.equal(verifyNote(mixed, [verifier]), text)
})

test('no single changed character of a note is accepted', async () => {
  const { privateKey, publicKey } = await generateKey('ed25519')
  const note = signNote('log.example\n5\nabc\n', [{ name: 'log.example', privateKey }])
  for (let at = 0; at < note.length; at += 1) {
    const mutated = `${note.slice(0, at)}${note[at] === 'A' ? 'B' : 'A'}${note.slice(at + 1)}`
    assert.throws(() => verifyNote(mutated, [{ name: 'log.example', publicKey }]), Fault, `character ${at}`)
  }
})

test('texts and names that a note cannot carry are refused', async () => {
  const { privateKey, publicKey } = await generateKey('ed25519')
  const signer = { name: 'a', privateKey }
  for (const text of ['', 'no newline', 'tab\t\n', 'nul\0\n', 'cr\r\n', '\ud800\n']) {
    assert.throws(() => signNote(text, [signer]), Fault)
  }
  for (const name of ['', 'a b', 'a+b', 'a\n', 'a\u00a0b'])
    assert.throws(() => signNote('x\n', [{ ...signer, name }]), Fault)
  assert.throws(() => signNote('x\n', []), Fault)
  const note = signNote('x\n', [signer])
  for (const broken of [
    '',
    'x\n',
    note.slice(0, -1),
    note.replace('—', '-'),
    `${note}\n`,
    note.replace(' a ', ' a  '),
  ]) {
    assert.throws(() => verifyNote(broken, [{ name: 'a', publicKey }]), Fault)
  }
  assert.throws(() => parseNote('x'.repeat(70_000)), Fault)
  for (const text of [
    '',
    'a+00000000+AAAA',
    published.verifier.replace('c74', 'c75'),
    published.verifier.replace('+ARpc', '+BRpc'),
  ]) {
    assert.throws(() => parseVerifier(text), Fault)
  }
  const p256 = await generateKey('p256')
  assert.throws(() => signNote('x\n', [{ name: 'a', privateKey: p256.privateKey }]), Fault)
})

test('a checkpoint is signed, read and bound to its origin', async () => {
  const origin = 'holdfast.example/audit/1'
  const { privateKey, publicKey } = await generateKey('ed25519')
  const root = sha256()
  const note = signCheckpoint({ origin, size: 0, root }, [{ name: origin, privateKey }])
  const verifiers = [{ name: origin, publicKey }]
  assert.deepEqual(verifyCheckpoint(note, origin, verifiers), { origin, size: 0, root })
  assert.throws(() => verifyCheckpoint(note, 'holdfast.example/audit/2', verifiers), Fault)
  const body = writeCheckpoint({ origin, size: 20_852_163, root })
  assert.equal(parseCheckpoint(`${body}extension\n`).size, 20_852_163)
  const lines = [
    '',
    'o\n',
    'o\n1\n',
    `o\n01\n${body.split('\n')[2]}\n`,
    `o\n-1\n${body.split('\n')[2]}\n`,
    `${body}\n`,
    body.slice(0, -1),
    'o\n1\nAAAA\n',
    `\n${body}`,
    `o\n99999999999999999\n${body.split('\n')[2]}\n`,
  ]
  for (const text of lines) assert.throws(() => parseCheckpoint(text), Fault, text)
  assert.throws(() => writeCheckpoint({ origin: 'a\nb', size: 1, root }), Fault)
  assert.throws(() => writeCheckpoint({ origin, size: 1.5, root }), Fault)
})
