import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { day, Fault } from '@holdfast/kernel'
import { type CmsToVerify, signDetachedCms, verifyDetachedCms } from '../src/cms.ts'
import { context, derValue, integer, nullValue, octetString, oid, sequence, utf8String } from '../src/der-write.ts'
import { createClientCertificate, createIntermediateCertificate, createRootCertificate } from '../src/issue.ts'
import { generateKey, signWith } from '../src/keys.ts'
import { oids } from '../src/oids.ts'
import {
  attribute,
  caTimes,
  content,
  createPki,
  createSigner,
  digestOf,
  ecdsaWith,
  forgeCms,
  issuerAndSerial,
  keyIdOf,
  leafTimes,
  now,
  type SignerDraft,
  standardAttributes,
} from './cms-forge.ts'

type Case = readonly [name: string, code: string, input: Partial<CmsToVerify>]

const sha256Id = sequence(oid(oids.sha256))
const text = (value: string) => new TextEncoder().encode(value)

async function prepare() {
  const { root, ca, signer } = await createPki()
  const other = await createPki()
  const rsa = await createSigner(ca, 'rsa-3072')
  const base = { content, trusted: [root.certificate], at: now }
  const chain = [ca.certificate]
  const good = signDetachedCms({ content, certificate: signer.certificate, chain, key: signer.key })
  /** One signer with something wrong, everything else right. */
  const one = (draft: Partial<SignerDraft>, more: Partial<Parameters<typeof forgeCms>[0]> = {}) => {
    const certificates = [(draft.signer ?? signer).certificate, ca.certificate]
    return { signature: forgeCms({ certificates, signers: [{ signer, ...draft }], ...more }) }
  }
  return { root, ca, signer, other, rsa, base, chain, good, one }
}

type World = Awaited<ReturnType<typeof prepare>>
let world: World
before(async () => {
  world = await prepare()
})

function run(name: string, make: (world: World) => Promise<readonly Case[]> | readonly Case[]) {
  test(name, async (t) => {
    const cases = await make(world)
    for (const [what, code, input] of cases) {
      await t.test(what, () => {
        assert.throws(
          () => verifyDetachedCms({ ...world.base, signature: world.good, ...input }),
          (thrown) => {
            assert.ok(thrown instanceof Fault, String(thrown))
            assert.equal(thrown.code, code, thrown.message)
            return true
          },
        )
      })
    }
  })
}

test('the forge writes what is right when nothing is made wrong', () => {
  const { base, good, one, signer, rsa, ca } = world
  const accepted: Partial<CmsToVerify>[] = [
    { signature: good },
    one({}),
    one({ attributes: null }),
    one({ signer: rsa }),
    one({ signer: rsa, signatureAlgorithm: sequence(oid(oids.sha256WithRsa), nullValue) }),
    one({ version: 3, sid: keyIdOf(signer.certificate) }, { version: 3 }),
    one({ digest: 'sha384' }),
    one({ digestAlgorithm: sequence(oid(oids.sha256), nullValue) }),
    {
      signature: forgeCms({
        certificates: [signer.certificate, rsa.certificate, ca.certificate],
        signers: [{ signer }, { signer: rsa }],
      }),
    },
    { ...one({}), usage: 'any' },
  ]
  for (const [index, input] of accepted.entries()) {
    assert.doesNotThrow(() => verifyDetachedCms({ ...base, signature: good, ...input }), `case ${index}`)
  }
})

run(
  'content, time and trust that are not those of the signature are refused',
  async ({ root, ca, signer, other, chain }) => {
    const expired = await createSigner(ca, 'p256', { notAfter: now - 1000 })
    const early = await createSigner(ca, 'p256', { notBefore: now + day })
    const sibling = await createSibling(root)
    const rootAgain = { ...caTimes, subject: { commonName: 'Root' }, key: root.key, pathLength: 2 }
    const expiredRoot = createRootCertificate({ ...rootAgain, notAfter: now - 1000 })
    const sign = (by: typeof signer, along: readonly Uint8Array[]) => ({
      signature: signDetachedCms({ content, certificate: by.certificate, chain: along, key: by.key }),
    })
    return [
      ['one bit of the content changed', 'crypto.bad_signature', { content: content.with(5, 1) }],
      ['empty content', 'crypto.bad_signature', { content: new Uint8Array(0) }],
      ['content with a byte more', 'crypto.bad_signature', { content: Uint8Array.from([...content, 10]) }],
      ['content with a byte less', 'crypto.bad_signature', { content: content.subarray(1) }],
      ['nothing trusted', 'crypto.chain_untrusted', { trusted: [] }],
      ['another root of the same name', 'crypto.chain_untrusted', { trusted: [other.root.certificate] }],
      ['a stranger of the same names', 'crypto.chain_untrusted', sign(other.signer, [other.ca.certificate])],
      [
        'a stranger who sends his root along',
        'crypto.chain_untrusted',
        sign(other.signer, [other.ca.certificate, other.root.certificate]),
      ],
      ['the intermediate left out', 'crypto.chain_untrusted', sign(signer, [])],
      ['the intermediate of another PKI', 'crypto.chain_untrusted', sign(signer, [other.ca.certificate])],
      [
        'a signer under a sibling of the trusted CA',
        'crypto.chain_untrusted',
        { ...sign(sibling.signer, [sibling.ca.certificate]), trusted: [ca.certificate] },
      ],
      [
        'the same, with the trusted CA sent along',
        'crypto.chain_untrusted',
        { ...sign(sibling.signer, [sibling.ca.certificate, ...chain]), trusted: [ca.certificate] },
      ],
      ['an expired signer', 'crypto.certificate_expired', sign(expired, chain)],
      ['a signer not valid yet', 'crypto.certificate_not_yet_valid', sign(early, chain)],
      ['verified after the end', 'crypto.certificate_expired', { at: leafTimes.notAfter + 1000 }],
      ['verified before the beginning', 'crypto.certificate_not_yet_valid', { at: leafTimes.notBefore - 1 }],
      ['verified ten years on', 'crypto.certificate_expired', { at: now + 3653 * day }],
      ['a root that has expired', 'crypto.certificate_expired', { trusted: [expiredRoot] }],
      ['a trusted certificate that is none', 'crypto.bad_der', { trusted: [text('root')] }],
    ]
  },
)

async function createSibling(root: World['root']) {
  const keys = await generateKey('p256')
  const subject = { commonName: 'Sibling CA' }
  const certificate = createIntermediateCertificate({ ...caTimes, issuer: root, subject, publicKey: keys.publicKey })
  const ca = { certificate, key: keys.privateKey }
  return { ca, signer: await createSigner(ca) }
}

run('a certificate that is not for signing artifacts does not sign them', async ({ root, ca, signer, chain }) => {
  const codeSigner = await createSigner(ca, 'p256', { usage: 'codeSigning' })
  const request = {
    ...leafTimes,
    issuer: ca,
    subject: { commonName: 'Release signer' },
    publicKey: signer.pair.publicKey,
  }
  const device = { ...signer, certificate: createClientCertificate(request) }
  const authority = { ...signer, certificate: createIntermediateCertificate(request) }
  const leafAsCa = createClientCertificate({ ...request, issuer: { certificate: signer.certificate, key: signer.key } })
  const underLeaf = { ...signer, certificate: leafAsCa }
  const sign = (by: typeof signer, along: readonly Uint8Array[] = chain) => ({
    signature: signDetachedCms({ content, certificate: by.certificate, chain: along, key: by.key }),
  })
  const rootSigns = signDetachedCms({ content, certificate: root.certificate, key: root.key })
  return [
    ['a code signer where e-mail protection is asked', 'crypto.wrong_usage', sign(codeSigner)],
    ['an e-mail signer where code signing is asked', 'crypto.wrong_usage', { usage: 'codeSigning' }],
    ["a device's TLS certificate", 'crypto.wrong_usage', sign(device)],
    ['a CA that signs content', 'crypto.wrong_usage', { ...sign(authority), usage: 'any' }],
    ['the root that signs content', 'crypto.wrong_usage', { signature: rootSigns }],
    [
      'a certificate issued by a signer',
      'crypto.not_a_ca',
      { ...sign(underLeaf, [signer.certificate, ...chain]), usage: 'any' },
    ],
  ]
})

run('signers that are none, too many, twice or not all good are refused', async ({ signer, other, rsa, ca, one }) => {
  const certificates = [signer.certificate, rsa.certificate, ca.certificate]
  const many = Array.from({ length: 9 }, () => ({ signer }))
  const both = (second: SignerDraft) => ({ signature: forgeCms({ certificates, signers: [{ signer }, second] }) })
  const renewed = {
    ...signer,
    certificate: (await createSigner(ca, 'p256', { publicKey: signer.pair.publicKey })).certificate,
  }
  return [
    ['no signer', 'crypto.bad_cms', { signature: forgeCms({ certificates, signers: [] }) }],
    ['no signer and no digests', 'crypto.bad_cms', { signature: forgeCms({ certificates, digests: [], signers: [] }) }],
    ['nine signers', 'crypto.bad_cms', { signature: forgeCms({ certificates, signers: many }) }],
    ['the same signer twice', 'crypto.bad_cms', both({ signer })],
    [
      'the same key under two certificates',
      'crypto.bad_cms',
      {
        signature: forgeCms({
          signers: [{ signer }, { signer: renewed }],
          certificates: [...certificates, renewed.certificate],
        }),
      },
    ],
    [
      'the same signer by serial and by key identifier',
      'crypto.bad_cms',
      {
        signature: forgeCms({
          certificates,
          version: 3,
          signers: [{ signer }, { signer, version: 3, sid: keyIdOf(signer.certificate) }],
        }),
      },
    ],
    [
      'a good signer and a wrong signature',
      'crypto.bad_signature',
      both({ signer: rsa, signature: new Uint8Array(384) }),
    ],
    [
      'a good signer and one over other content',
      'crypto.bad_signature',
      both({ signer: rsa, attributes: standardAttributes('sha256', text('other')) }),
    ],
    [
      'a good signer and a stranger',
      'crypto.chain_untrusted',
      {
        signature: forgeCms({
          signers: [{ signer }, { signer: other.signer }],
          certificates: [...certificates, other.signer.certificate],
        }),
      },
    ],
    ['a signer without certificates', 'crypto.bad_cms', one({}, { certificates: null })],
    [
      'a signer whose certificate is not there',
      'crypto.bad_cms',
      one({}, { certificates: [rsa.certificate, ca.certificate] }),
    ],
    ['a serial number that no certificate has', 'crypto.bad_cms', one({ sid: sequence(sequence(), integer(5)) })],
    [
      'a signer named by another certificate',
      'crypto.bad_signature',
      one(
        { sid: issuerAndSerial(rsa.certificate), signatureAlgorithm: sequence(oid(oids.rsaEncryption), nullValue) },
        { certificates },
      ),
    ],
    ['a key identifier that is empty', 'crypto.bad_cms', one({ version: 3, sid: derValue(0x80) }, { version: 3 })],
    [
      'a key identifier of another certificate',
      'crypto.bad_signature',
      one(
        { version: 3, sid: keyIdOf(rsa.certificate), signatureAlgorithm: sequence(oid(oids.rsaEncryption), nullValue) },
        { version: 3, certificates },
      ),
    ],
  ]
})

run('signed attributes must be the standard ones, once, in order, and signed as a set', ({ one, signer }) => {
  const [contentType = content, messageDigest = content] = standardAttributes('sha256')
  const digest = octetString(digestOf('sha256', content))
  const attributes = (...list: Uint8Array[]) => one({ attributes: list })
  const implicit = derValue(0xa0, contentType, messageDigest)
  const set = derValue(0x31, contentType, messageDigest)
  return [
    ['no attribute at all', 'crypto.bad_cms', attributes()],
    ['no messageDigest', 'crypto.bad_cms', attributes(contentType)],
    ['no contentType', 'crypto.bad_cms', attributes(messageDigest)],
    ['not in order', 'crypto.bad_der', attributes(messageDigest, contentType)],
    ['messageDigest twice', 'crypto.bad_der', attributes(contentType, messageDigest, messageDigest)],
    [
      'two different messageDigests',
      'crypto.bad_cms',
      attributes(
        ...inOrder(contentType, messageDigest, attribute(oids.messageDigest, octetString(new Uint8Array(32)))),
      ),
    ],
    [
      'a messageDigest of two values',
      'crypto.bad_der',
      attributes(...inOrder(contentType, attribute(oids.messageDigest, digest, octetString(new Uint8Array(32))))),
    ],
    [
      'a messageDigest without a value',
      'crypto.bad_der',
      attributes(...inOrder(contentType, attribute(oids.messageDigest))),
    ],
    [
      'a messageDigest that is no octet string',
      'crypto.bad_cms',
      attributes(...inOrder(contentType, attribute(oids.messageDigest, utf8String('x')))),
    ],
    [
      'the digest of other content',
      'crypto.bad_signature',
      one({ attributes: standardAttributes('sha256', text('other')) }),
    ],
    [
      'a digest that is cut',
      'crypto.bad_signature',
      attributes(
        ...inOrder(
          contentType,
          attribute(oids.messageDigest, octetString(digestOf('sha256', content).subarray(0, 31))),
        ),
      ),
    ],
    [
      'an empty digest',
      'crypto.bad_signature',
      attributes(...inOrder(contentType, attribute(oids.messageDigest, octetString(new Uint8Array(0))))),
    ],
    ['a digest of another hash', 'crypto.bad_signature', one({ attributes: standardAttributes('sha512') })],
    [
      'a content type that is not data',
      'crypto.bad_cms',
      attributes(...inOrder(attribute(oids.contentType, oid(oids.cmsSignedData)), messageDigest)),
    ],
    [
      'a content type that is no identifier',
      'crypto.bad_der',
      attributes(...inOrder(attribute(oids.contentType, octetString(content)), messageDigest)),
    ],
    ['signed under the implicit tag', 'crypto.bad_signature', one({ signed: implicit })],
    ['the content signed instead of the attributes', 'crypto.bad_signature', one({ signed: content })],
    [
      'an attribute added after signing',
      'crypto.bad_signature',
      one({ attributes: inOrder(contentType, messageDigest, attribute(oids.signingTime, integer(1))), signed: set }),
    ],
    [
      'the attributes of a real signature given out as content',
      'crypto.bad_cms',
      { ...one({ attributes: null, signed: set }), content: set },
    ],
    ['an unsigned attribute', 'crypto.bad_cms', one({ unsigned: context(1, attribute(oids.signingTime, integer(1))) })],
    ['attributes that are no attributes', 'crypto.bad_der', attributes(integer(1))],
    [
      'the raw digest signed as if it were content',
      'crypto.bad_signature',
      one({ attributes: null, signed: digestOf('sha256', content) }),
    ],
    [
      'a signature of the right key over nothing',
      'crypto.bad_signature',
      one({ signature: signWith(signer.key, 'sha256', new Uint8Array(0)) }),
    ],
  ]
})

function inOrder(...members: Uint8Array[]): Uint8Array[] {
  return members.sort((left, right) => Buffer.compare(left, right))
}

run('algorithms are those that were stated, that fit the key, and that are strong', ({ one, rsa, ca, signer }) => {
  const byRsa = (draft: Partial<SignerDraft>) => one({ signer: rsa, ...draft })
  const rsaId = (name: string) => sequence(oid(name), nullValue)
  const sha1 = sequence(oid('1.3.14.3.2.26'), nullValue)
  const md5 = sequence(oid('1.2.840.113549.2.5'), nullValue)
  const sha384Id = sequence(oid(oids.sha384))
  const certificates = [signer.certificate, ca.certificate]
  return [
    ['SHA-1', 'crypto.algorithm_unsupported', one({ digestAlgorithm: sha1 }, { digests: [sha1] })],
    ['MD5', 'crypto.algorithm_unsupported', one({ digestAlgorithm: md5 }, { digests: [md5] })],
    ['SHA-1 stated for the whole only', 'crypto.algorithm_unsupported', one({}, { digests: [sha1] })],
    ['no digest stated for the whole', 'crypto.bad_cms', one({}, { digests: [] })],
    ['another digest stated for the whole', 'crypto.bad_cms', one({}, { digests: [sha384Id] })],
    ['a digest more than is used', 'crypto.bad_cms', one({}, { digests: inOrder(sha256Id, sha384Id) })],
    ['a digest stated twice', 'crypto.bad_der', one({}, { digests: [sha256Id, sha256Id] })],
    [
      'SHA-384 in the signature where SHA-256 is stated',
      'crypto.bad_cms',
      one({ signatureAlgorithm: ecdsaWith('sha384') }),
    ],
    [
      'SHA-256 in the signature where SHA-384 is stated',
      'crypto.bad_cms',
      one({ digest: 'sha384', signatureAlgorithm: ecdsaWith('sha256') }),
    ],
    [
      'SHA-1 in the signature',
      'crypto.algorithm_unsupported',
      byRsa({ signatureAlgorithm: rsaId('1.2.840.113549.1.1.5') }),
    ],
    ['RSA stated for an elliptic key', 'crypto.bad_signature', one({ signatureAlgorithm: rsaId(oids.rsaEncryption) })],
    [
      'an elliptic curve stated for an RSA key',
      'crypto.bad_signature',
      byRsa({ signatureAlgorithm: ecdsaWith('sha256') }),
    ],
    ['RSA-PSS', 'crypto.algorithm_unsupported', byRsa({ signatureAlgorithm: rsaId('1.2.840.113549.1.1.10') })],
    ['Ed25519', 'crypto.algorithm_unsupported', one({ signatureAlgorithm: sequence(oid(oids.ed25519)) })],
    [
      'the bare key type as algorithm',
      'crypto.algorithm_unsupported',
      one({ signatureAlgorithm: sequence(oid(oids.ecPublicKey)) }),
    ],
    [
      'HMAC, which anybody could make with the public key',
      'crypto.algorithm_unsupported',
      one({ signatureAlgorithm: sequence(oid(oids.hmacWithSha256)) }),
    ],
    [
      'an algorithm that does not exist',
      'crypto.algorithm_unsupported',
      one({ signatureAlgorithm: sequence(oid('1.2.3.4')) }),
    ],
    [
      'parameters where there are none',
      'crypto.bad_der',
      one({ signatureAlgorithm: sequence(oid(oids.ecdsaWithSha256), nullValue) }),
    ],
    [
      'parameters that are not NULL',
      'crypto.bad_der',
      one({ digestAlgorithm: sequence(oid(oids.sha256), integer(1)) }),
    ],
    ['an empty signature', 'crypto.bad_signature', one({ signature: new Uint8Array(0) })],
    ['a signature of zeros', 'crypto.bad_signature', byRsa({ signature: new Uint8Array(384) })],
    ['r and s that are zero', 'crypto.bad_signature', one({ signature: sequence(integer(0), integer(0)) })],
    [
      'r and s without DER',
      'crypto.bad_signature',
      one({ attributes: null, signature: signWith(signer.key, 'sha256', content, 'raw') }),
    ],
    [
      'a signature with a byte behind it',
      'crypto.bad_signature',
      one({ attributes: null, signature: Uint8Array.from([...signWith(signer.key, 'sha256', content), 0]) }),
    ],
    [
      'an RSA signature with a zero in front',
      'crypto.bad_signature',
      byRsa({ attributes: null, signature: Uint8Array.from([0, ...signWith(rsa.key, 'sha256', content)]) }),
    ],
    [
      'an RSA signature with another hash inside',
      'crypto.bad_signature',
      byRsa({ attributes: null, signature: signWith(rsa.key, 'sha512', content) }),
    ],
    [
      'a sequence of digests that is none',
      'crypto.bad_der',
      { signature: forgeCms({ certificates, digests: [nullValue], signers: [{ signer }] }) },
    ],
  ]
})

run('structures other than a detached SignedData in DER are refused', ({ good, one, signer, ca }) => {
  const inner = (...parts: Uint8Array[]) => one({}, { inner: parts })
  const certificates = [signer.certificate, ca.certificate]
  const indefinite = Uint8Array.from([0x30, 0x80, ...good.subarray(4), 0, 0])
  return [
    ['nothing', 'crypto.bad_der', { signature: new Uint8Array(0) }],
    ['text', 'crypto.bad_der', { signature: text('signature') }],
    ['a byte behind the end', 'crypto.bad_der', { signature: Uint8Array.from([...good, 0]) }],
    ['a byte missing at the end', 'crypto.bad_der', { signature: good.subarray(0, -1) }],
    ['two signatures in a row', 'crypto.bad_der', { signature: Uint8Array.from([...good, ...good]) }],
    ['an indefinite length', 'crypto.bad_der', { signature: indefinite }],
    [
      'a length that is not minimal',
      'crypto.bad_der',
      { signature: Uint8Array.from([0x30, 0x83, 0, ...good.subarray(2)]) },
    ],
    ['more than a quarter of a megabyte', 'crypto.too_large', { signature: new Uint8Array(300_000) }],
    ['plain data', 'crypto.bad_cms', { signature: sequence(oid(oids.cmsData), context(0, octetString(content))) }],
    ['another content type around it', 'crypto.bad_cms', one({}, { contentType: '1.2.840.113549.1.7.3' })],
    ['the content inside', 'crypto.bad_cms', inner(oid(oids.cmsData), context(0, octetString(content)))],
    ['other content inside', 'crypto.bad_cms', inner(oid(oids.cmsData), context(0, octetString(text('other'))))],
    ['an inner type that is not data', 'crypto.bad_cms', inner(oid(oids.cmsSignedData))],
    ['no inner type', 'crypto.bad_der', inner()],
    ['version 0', 'crypto.bad_cms', one({}, { version: 0 })],
    ['version 3 without cause', 'crypto.bad_cms', one({}, { version: 3 })],
    ['version 1 where 3 is due', 'crypto.bad_cms', one({ version: 3, sid: keyIdOf(signer.certificate) })],
    ['a signer version that does not fit', 'crypto.bad_cms', one({ version: 3 })],
    ['a revocation list', 'crypto.bad_cms', one({}, { revocations: context(1, sequence()) })],
    [
      'an attribute certificate',
      'crypto.bad_cms',
      one({}, { certificates: [...certificates, context(2, integer(1))] }),
    ],
    ['a certificate that is none', 'crypto.bad_der', one({}, { certificates: [...certificates, sequence()] })],
    [
      'seventeen certificates',
      'crypto.bad_cms',
      one({}, { certificates: Array.from({ length: 17 }, () => signer.certificate) }),
    ],
    ['members behind the signers', 'crypto.bad_der', one({}, { trailer: [nullValue] })],
    ['a certificate instead of a signature', 'crypto.bad_der', { signature: signer.certificate }],
    ['forty sequences in each other', 'crypto.bad_der', { signature: nested(40) }],
  ]
})

function nested(depth: number): Uint8Array {
  let value = nullValue
  for (let level = 0; level < depth; level += 1) value = sequence(value)
  return value
}

test('signing refuses a key that is not that of the certificate, and kinds that CMS readers do not know', async () => {
  const { signer, rsa, ca } = world
  assert.throws(() => signDetachedCms({ content, certificate: signer.certificate, key: rsa.key }), Fault)
  const edwards = await createSigner(ca, 'ed25519')
  assert.throws(() => signDetachedCms({ content, certificate: edwards.certificate, key: edwards.key }), Fault)
})
