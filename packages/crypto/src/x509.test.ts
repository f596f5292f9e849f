import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect, createSecureContext, createServer } from 'node:tls'
import { day, Fault, type Instant } from '@holdfast/kernel'
import { generateKey, type KeyPair, type NewKeyKind, privateKeyPem } from './keys.ts'
import {
  type ChainUsage,
  certificatePem,
  createClientCertificate,
  createIntermediateCertificate,
  createRootCertificate,
  createServerCertificate,
  createSigningCertificate,
  type Issuer,
  readCertificate,
  readCertificates,
  verifyChain,
} from './x509.ts'

// Node verifies at the present time; the rest of the world does not depend on it.
const now = Math.floor(Date.now() / 1000) * 1000
const ca = { notBefore: now - day, notAfter: now + 3650 * day }
const leafTimes = { notBefore: now - day, notAfter: now + 90 * day }
const fault = (code: string) => (thrown: unknown) => {
  assert.ok(thrown instanceof Fault, String(thrown))
  assert.equal(thrown.code, code)
  return true
}

async function world(kind: NewKeyKind = 'p256') {
  const rootKey = await generateKey(kind)
  const middleKey = await generateKey('p256')
  const key = await generateKey('p256')
  const root: Issuer = {
    certificate: createRootCertificate({
      ...ca,
      subject: { commonName: 'Root', organization: 'Ünïcode' },
      key: rootKey.privateKey,
      pathLength: 1,
    }),
    key: rootKey.privateKey,
  }
  const middle: Issuer = {
    certificate: createIntermediateCertificate({
      ...ca,
      issuer: root,
      subject: { commonName: 'Middle' },
      publicKey: middleKey.publicKey,
    }),
    key: middleKey.privateKey,
  }
  const leaf = createServerCertificate({
    ...leafTimes,
    issuer: middle,
    subject: { commonName: 'gateway' },
    publicKey: key.publicKey,
    dnsNames: ['localhost', '*.example.com'],
    ipAddresses: ['127.0.0.1', '::1', '2001:db8::ff00:42:8329'],
  })
  return { root, middle, key, leaf }
}

const chainOf = (made: Awaited<ReturnType<typeof world>>, leaf: Uint8Array, usage: ChainUsage, at: Instant = now) => ({
  leaf,
  intermediates: [made.middle.certificate],
  roots: [made.root.certificate],
  at,
  usage,
})

test('what is written is read back, by us and by Node', async () => {
  const { leaf, root } = await world()
  const certificate = readCertificate(leaf)
  assert.equal(certificate.subject.text, 'CN=gateway')
  assert.equal(certificate.issuer.text, 'CN=Middle')
  assert.deepEqual(certificate.extensions.alternativeNames, {
    dns: ['localhost', '*.example.com'],
    ip: ['127.0.0.1', '::1', '2001:db8::ff00:42:8329'],
    email: [],
    uri: [],
  })
  assert.deepEqual(certificate.extensions.basicConstraints, { ca: false, pathLength: undefined })
  const node = new X509Certificate(leaf)
  assert.equal(node.serialNumber.toLowerCase(), certificate.serial)
  assert.equal(Date.parse(node.validFrom), certificate.notBefore)
  assert.equal(Date.parse(node.validTo), certificate.notAfter)
  assert.deepEqual(node.keyUsage, ['1.3.6.1.5.5.7.3.1'])
  assert.equal(node.checkHost('a.example.com'), '*.example.com')
  assert.equal(node.checkIP('2001:db8::ff00:42:8329'), '2001:db8::ff00:42:8329')
  const authority = new X509Certificate(root.certificate)
  assert.equal(authority.ca, true)
  assert.ok(authority.verify(authority.publicKey))
  assert.equal(readCertificate(root.certificate).subject.text, 'O=Ünïcode, CN=Root')
  assert.equal(readCertificates(certificatePem(leaf) + certificatePem(root.certificate)).length, 2)
})

test('a certificate that ends after 2049 keeps its times', async () => {
  const { privateKey } = await generateKey('ed25519')
  const notAfter = Date.parse('2077-01-02T03:04:05Z')
  const root = createRootCertificate({ subject: { commonName: 'Long' }, key: privateKey, notBefore: now, notAfter })
  assert.equal(readCertificate(root).notAfter, notAfter)
  assert.equal(Date.parse(new X509Certificate(root).validTo), notAfter)
})

for (const kind of ['p256', 'p384', 'ed25519', 'rsa-3072'] as const) {
  test(`openssl verify -x509_strict accepts a chain whose root is ${kind}`, async (t) => {
    if (spawnSync('openssl', ['version']).status !== 0) return t.skip('openssl is not installed')
    const made = await world(kind)
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-x509-'))
    const file = async (name: string, der: Uint8Array) => {
      await writeFile(join(directory, name), certificatePem(der))
      return join(directory, name)
    }
    const client = createClientCertificate({
      ...leafTimes,
      issuer: made.middle,
      subject: { commonName: 'device' },
      publicKey: made.key.publicKey,
    })
    const signer = createSigningCertificate({
      ...leafTimes,
      issuer: made.middle,
      subject: { commonName: 'signer' },
      publicKey: made.key.publicKey,
    })
    const common = [
      '-attime',
      String(now / 1000),
      '-CAfile',
      await file('root.pem', made.root.certificate),
      '-untrusted',
      await file('middle.pem', made.middle.certificate),
    ]
    for (const [der, purpose, usage] of [
      [made.leaf, 'sslserver', 'serverAuth'],
      [client, 'sslclient', 'clientAuth'],
      [signer, 'smimesign', 'emailProtection'],
    ] as const) {
      const arguments_ = ['verify', '-x509_strict', '-purpose', purpose, ...common, await file(`${purpose}.pem`, der)]
      const result = spawnSync('openssl', arguments_)
      assert.equal(result.status, 0, result.stderr.toString() + result.stdout.toString())
      assert.equal(verifyChain(chainOf(made, der, usage)).length, 3)
    }
    createSecureContext({ cert: certificatePem(made.leaf), key: privateKeyPem(made.key.privateKey) })
  })
}

test('a chain is refused for every single thing that is wrong with it', async () => {
  const made = await world()
  const other = await world()
  const { middle, root, key, leaf } = made
  const subject = { commonName: 'leaf' }
  const { publicKey } = key
  const client = createClientCertificate({ ...leafTimes, issuer: middle, subject, publicKey })
  const codeSigner = createSigningCertificate({
    ...leafTimes,
    issuer: middle,
    subject,
    publicKey,
    usage: 'codeSigning',
  })
  const leafAsIssuer: Issuer = { certificate: client, key: key.privateKey }
  const underLeaf = createClientCertificate({ ...leafTimes, issuer: leafAsIssuer, subject, publicKey })
  const deepKey: KeyPair = await generateKey('p256')
  const deep: Issuer = {
    certificate: createIntermediateCertificate({
      ...ca,
      issuer: middle,
      subject: { commonName: 'Deep' },
      publicKey: deepKey.publicKey,
    }),
    key: deepKey.privateKey,
  }
  const tooDeep = createClientCertificate({ ...leafTimes, issuer: deep, subject, publicKey })
  const changed = (der: Uint8Array, at: number) => {
    const copy = Uint8Array.from(der)
    copy[at] = (copy[at] ?? 0) ^ 1
    return copy
  }
  const base = chainOf(made, client, 'clientAuth')
  assert.equal(verifyChain(base).length, 3)
  const wrong: [string, Parameters<typeof verifyChain>[0]][] = [
    ['crypto.chain_untrusted', { ...base, roots: [] }],
    ['crypto.chain_untrusted', { ...base, intermediates: [] }],
    ['crypto.chain_untrusted', { ...base, roots: [other.root.certificate] }],
    ['crypto.chain_untrusted', { ...base, intermediates: [other.middle.certificate] }],
    ['crypto.chain_untrusted', { ...base, intermediates: Array.from({ length: 17 }, () => middle.certificate) }],
    [
      'crypto.chain_untrusted',
      { ...base, leaf: createClientCertificate({ ...leafTimes, issuer: other.middle, subject, publicKey }) },
    ],
    ['crypto.certificate_expired', { ...base, at: leafTimes.notAfter + 1000 }],
    ['crypto.certificate_not_yet_valid', { ...base, at: leafTimes.notBefore - 1 }],
    ['crypto.wrong_usage', { ...base, usage: 'serverAuth' }],
    ['crypto.wrong_usage', { ...base, usage: 'emailProtection' }],
    ['crypto.wrong_usage', { ...base, leaf, usage: 'clientAuth' }],
    ['crypto.wrong_usage', { ...base, leaf: codeSigner, usage: 'emailProtection' }],
    ['crypto.wrong_usage', { ...base, leaf: middle.certificate, usage: 'any' }],
    ['crypto.wrong_usage', { ...base, leaf: root.certificate, usage: 'any' }],
    ['crypto.not_a_ca', { ...base, leaf: underLeaf, intermediates: [client, middle.certificate] }],
    ['crypto.path_too_long', { ...base, leaf: tooDeep, intermediates: [deep.certificate, middle.certificate] }],
    ['crypto.bad_signature', { ...base, leaf: changed(client, client.length - 1) }],
    ['crypto.bad_signature', { ...base, intermediates: [changed(middle.certificate, middle.certificate.length - 1)] }],
  ]
  for (const [index, [code, input]] of wrong.entries()) {
    assert.throws(() => verifyChain(input), fault(code), `case ${index}`)
  }
})

test('Node speaks mutual TLS with certificates that are issued here', async () => {
  const made = await world('p256')
  const device = await generateKey('p256')
  const client = createClientCertificate({
    ...leafTimes,
    issuer: made.middle,
    subject: { commonName: 'device' },
    publicKey: device.publicKey,
  })
  const chain = (leaf: Uint8Array) => certificatePem(leaf) + certificatePem(made.middle.certificate)
  const trust = { ca: certificatePem(made.root.certificate) }
  const server = createServer(
    {
      ...trust,
      cert: chain(made.leaf),
      key: privateKeyPem(made.key.privateKey),
      requestCert: true,
      rejectUnauthorized: true,
    },
    (socket) => socket.end(socket.getPeerX509Certificate()?.subject ?? 'nobody'),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const address = server.address()
    assert.ok(address !== null && typeof address === 'object')
    const socket = connect({
      ...trust,
      port: address.port,
      host: '127.0.0.1',
      servername: 'localhost',
      cert: chain(client),
      key: privateKeyPem(device.privateKey),
    })
    let answer = ''
    for await (const part of socket) answer += String(part)
    assert.equal(socket.authorized, true)
    assert.equal(answer, 'CN=device')
  } finally {
    server.close()
  }
})

test('a certificate with its own key in the trust store is trusted by its bytes, for its purpose only', async () => {
  const made = await world()
  const pinned = { ...chainOf(made, made.leaf, 'serverAuth'), intermediates: [], roots: [made.leaf] }
  assert.equal(verifyChain(pinned).length, 1)
  assert.throws(() => verifyChain({ ...pinned, usage: 'clientAuth' }), fault('crypto.wrong_usage'))
  assert.throws(() => verifyChain({ ...pinned, at: leafTimes.notAfter + day }), fault('crypto.certificate_expired'))
})

test('a CA issues nothing that outlives it or that its key did not make', async () => {
  const made = await world()
  const request = { ...leafTimes, subject: { commonName: 'x' }, publicKey: made.key.publicKey }
  createClientCertificate({ ...request, issuer: made.middle, notAfter: ca.notAfter + 999 })
  const late = { ...request, issuer: made.middle, notAfter: ca.notAfter + day }
  assert.throws(() => createClientCertificate(late), fault('crypto.outlives_issuer'))
  const mixed = { ...request, issuer: { certificate: made.middle.certificate, key: made.root.key } }
  assert.throws(() => createClientCertificate(mixed), fault('crypto.issuer_key_mismatch'))
  assert.throws(() => createServerCertificate({ ...request, issuer: made.middle }), fault('crypto.no_names'))
  const named = { ...request, issuer: made.middle, dnsNames: ['a b'] }
  assert.throws(() => createServerCertificate(named), fault('crypto.bad_dns_name'))
})

test('no changed byte of a certificate is accepted, and none makes the reader crash', async () => {
  const made = await world()
  const base = chainOf(made, made.leaf, 'serverAuth')
  for (let at = 0; at < made.leaf.length; at += 1) {
    for (const flip of [0x01, 0x20, 0x80, 0xff]) {
      const leaf = Uint8Array.from(made.leaf)
      leaf[at] = (leaf[at] ?? 0) ^ flip
      assert.throws(() => verifyChain({ ...base, leaf }), Fault, `byte ${at} flipped by ${flip}`)
    }
  }
  // The control: the loop above can succeed when nothing is flipped.
  assert.equal(verifyChain({ ...base, leaf: Uint8Array.from(made.leaf) }).length, 3)
})
