import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Fault } from '@holdfast/kernel'
import { certificatePem } from '../src/certificate.ts'
import { signDetachedCms, verifyDetachedCms } from '../src/cms.ts'
import { privateKeyPem } from '../src/keys.ts'
import { content, createPki, createSigner, now } from './cms-forge.ts'

const hasOpenssl = spawnSync('openssl', ['version']).status === 0

async function workspace(kind: 'p256' | 'p384' | 'rsa-3072') {
  const pki = await createPki(kind)
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-cms-'))
  const path = (name: string) => join(directory, name)
  await writeFile(path('content'), content)
  await writeFile(path('root.pem'), certificatePem(pki.root.certificate))
  await writeFile(path('ca.pem'), certificatePem(pki.ca.certificate))
  await writeFile(path('signer.pem'), certificatePem(pki.signer.certificate))
  await writeFile(path('signer.key'), privateKeyPem(pki.signer.key), { mode: 0o600 })
  const sign = async (...more: string[]) => {
    const base = ['cms', '-sign', '-binary', '-outform', 'DER', '-in', path('content'), '-out', path('theirs.der')]
    const keys = ['-signer', path('signer.pem'), '-inkey', path('signer.key'), '-certfile', path('ca.pem')]
    const result = spawnSync('openssl', [...base, ...keys, ...more])
    assert.equal(result.status, 0, result.stderr.toString())
    return new Uint8Array(await readFile(path('theirs.der')))
  }
  const verify = async (signature: Uint8Array, ...more: string[]) => {
    await writeFile(path('ours.der'), signature)
    const base = ['cms', '-verify', '-binary', '-inform', 'DER', '-in', path('ours.der'), '-content', path('content')]
    const trust = ['-CAfile', path('root.pem'), '-attime', String(now / 1000), '-out', path('out')]
    const result = spawnSync('openssl', [...base, ...trust, ...more])
    return { ok: result.status === 0, message: result.stderr.toString() }
  }
  return { ...pki, path, sign, verify }
}

for (const kind of ['p256', 'p384', 'rsa-3072'] as const) {
  test(`openssl and we take each other's signatures by ${kind} keys`, async (t) => {
    if (!hasOpenssl) return t.skip('openssl is not installed')
    const { root, ca, signer, sign, verify } = await workspace(kind)
    const ours = signDetachedCms({ content, certificate: signer.certificate, chain: [ca.certificate], key: signer.key })
    const verified = await verify(ours)
    assert.ok(verified.ok, verified.message)
    const input = { content, trusted: [root.certificate], at: now }
    assert.deepEqual(verifyDetachedCms({ ...input, signature: ours }).signer, signer.certificate)
    for (const options of [
      [],
      ['-noattr'],
      ['-keyid'],
      ['-md', 'sha384'],
      ['-md', 'sha512', '-noattr'],
      ['-nosmimecap'],
    ]) {
      const theirs = await sign(...options)
      assert.deepEqual(verifyDetachedCms({ ...input, signature: theirs }).signer, signer.certificate, options.join(' '))
      const changed = Uint8Array.from(content).fill(0x21, 3, 4)
      assert.throws(
        () => verifyDetachedCms({ ...input, content: changed, signature: theirs }),
        Fault,
        options.join(' '),
      )
    }
  })
}

test('what openssl writes in forms that we do not take is refused: attached, BER, SHA-1, PSS, no certificates', async (t) => {
  if (!hasOpenssl) return t.skip('openssl is not installed')
  const { root, sign } = await workspace('rsa-3072')
  const input = { content, trusted: [root.certificate], at: now }
  const cases: [string, string[]][] = [
    ['crypto.bad_cms', ['-nodetach']],
    ['crypto.bad_der', ['-nodetach', '-stream']],
    ['crypto.algorithm_unsupported', ['-md', 'sha1']],
    ['crypto.algorithm_unsupported', ['-md', 'sha224']],
    ['crypto.algorithm_unsupported', ['-keyopt', 'rsa_padding_mode:pss']],
    ['crypto.bad_cms', ['-nocerts']],
  ]
  for (const [code, options] of cases) {
    const signature = await sign(...options)
    const refused = (thrown: unknown) => thrown instanceof Fault && thrown.code === code
    assert.throws(() => verifyDetachedCms({ ...input, signature }), refused, options.join(' '))
  }
})

test('openssl and we agree on what is wrong: purpose, time, foreign CA, content', async (t) => {
  if (!hasOpenssl) return t.skip('openssl is not installed')
  const { root, ca, signer, verify, path } = await workspace('p256')
  const codeSigner = await createSigner(ca, 'p256', { usage: 'codeSigning' })
  const foreign = await createPki()
  const chain = [ca.certificate]
  const good = signDetachedCms({ content, certificate: signer.certificate, chain, key: signer.key })
  const wrongPurpose = signDetachedCms({ content, certificate: codeSigner.certificate, chain, key: codeSigner.key })
  const { signer: stranger, ca: strangeCa } = foreign
  const strange = signDetachedCms({
    content,
    certificate: stranger.certificate,
    chain: [strangeCa.certificate],
    key: stranger.key,
  })
  const ours = (signature: Uint8Array, at = now) => {
    try {
      verifyDetachedCms({ content, signature, trusted: [root.certificate], at })
      return true
    } catch (thrown) {
      assert.ok(thrown instanceof Fault)
      return false
    }
  }
  assert.deepEqual([ours(good), (await verify(good)).ok], [true, true])
  assert.deepEqual([ours(wrongPurpose), (await verify(wrongPurpose)).ok], [false, false])
  assert.deepEqual([ours(strange), (await verify(strange)).ok], [false, false])
  const late = now + 400 * 86_400_000
  assert.deepEqual([ours(good, late), (await verify(good, '-attime', String(late / 1000))).ok], [false, false])
  await writeFile(path('content'), 'something else')
  assert.equal((await verify(good)).ok, false)
})

test('a self-signed certificate that openssl req makes is a trust anchor for its own signatures', async (t) => {
  if (!hasOpenssl) return t.skip('openssl is not installed')
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-cms-'))
  const path = (name: string) => join(directory, name)
  const made = spawnSync('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    path('key'),
    '-out',
    path('cert'),
    '-subj',
    '/CN=swu',
    '-days',
    '30',
  ])
  assert.equal(made.status, 0, made.stderr.toString())
  await writeFile(path('content'), content)
  const arguments_ = [
    'cms',
    '-sign',
    '-binary',
    '-nosmimecap',
    '-outform',
    'DER',
    '-in',
    path('content'),
    '-out',
    path('sig'),
  ]
  assert.equal(spawnSync('openssl', [...arguments_, '-signer', path('cert'), '-inkey', path('key')]).status, 0)
  const der = spawnSync('openssl', ['x509', '-in', path('cert'), '-outform', 'DER']).stdout
  const signature = new Uint8Array(await readFile(path('sig')))
  const input = { content, signature, trusted: [new Uint8Array(der)], at: Date.now() + 60_000 }
  assert.equal(verifyDetachedCms(input).signers.length, 1)
  const other = await createPki()
  assert.throws(() => verifyDetachedCms({ ...input, trusted: [other.root.certificate] }), Fault)
})
