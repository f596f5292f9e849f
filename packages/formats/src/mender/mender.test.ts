import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, randomBytes, sign as signBytes } from 'node:crypto'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Fault } from '@holdfast/kernel'
import fc from 'fast-check'
import {
  bytesOf,
  chunked,
  faultOf,
  forgedArtifact,
  forgedTar,
  forgedTarMember,
  gzip,
  honestHeader,
  json,
} from '../../tests/forge.ts'
import { tarMember } from '../tar.ts'
import { configurationArtifact } from './configuration.ts'
import { openMenderArtifact, openMenderPayload, readMenderArtifact } from './read.ts'
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

test('what is written is what is read, for any description, files and compression', async () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
  const key = fc.stringMatching(/^[a-z][a-z.-]{0,20}$/)
  const name = fc.stringMatching(/^[a-z0-9][a-zA-Z0-9._é-]{0,150}$/)
  const files = fc.uniqueArray(fc.record({ name, content: fc.uint8Array({ maxLength: 3_000 }) }), {
    maxLength: 5,
    selector: (file) => file.name.normalize('NFKC').toLowerCase(),
  })
  const description = fc.record({
    name: text,
    group: text,
    deviceTypes: fc.array(text, { minLength: 1, maxLength: 3 }),
    provides: fc.dictionary(key, text, { maxKeys: 4 }),
    clears: fc.array(text, { maxLength: 3 }),
    compression: fc.constantFrom('none' as const, 'gzip' as const, 'zstd' as const),
  })
  await fc.assert(
    fc.asyncProperty(description, files, async (said, written) => {
      const { name, group, clears, compression } = said
      const depends = { deviceTypes: said.deviceTypes }
      const bytes = await bytesOf(
        writeMenderArtifact({
          name,
          group,
          depends,
          payloadType: 't',
          payloadProvides: said.provides,
          clears,
          files: written,
          compression,
        }),
      )
      const found = await read(bytes)
      assert.deepEqual(
        [found.name, found.group, found.depends.deviceTypes, found.clears],
        [name, group, said.deviceTypes, clears],
      )
      assert.deepEqual({ ...found.payloadProvides }, { ...said.provides })
      assert.deepEqual(
        found.files.map((file) => [file.name, file.size]).sort(),
        written.map((file) => [file.name, file.content.length]).sort(),
      )
      assert.equal(found.size, bytes.length)
      assert.ok(bytes.length >= 4096, 'a client refuses an artifact below 4096 bytes')
    }),
    { numRuns: 60 },
  )
})

test('equal specs give equal bytes, in whatever order the files are named', async () => {
  const files = ['b', 'a'].map((name) => ({ name, content }))
  const scripts = ['Commit', 'Install'].map((state) => ({ name: `Artifact${state}_Enter_00`, content }))
  const one = await bytesOf(writeMenderArtifact(spec({ files, scripts })))
  const other = await bytesOf(writeMenderArtifact(spec({ files: files.toReversed(), scripts: scripts.toReversed() })))
  assert.deepEqual(one, other)
})

test('a file that changes while it is written is a Fault, and no spool is left behind', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-write-'))
  const before = (await readdir(tmpdir())).filter((name) => name.endsWith('.spool'))
  for (const compression of ['none', 'gzip'] as const) {
    let opened = 0
    const open = () => {
      opened += 1
      return chunked(Buffer.alloc(100, opened))
    }
    const files = [{ name: 'f', content: { open } }]
    await assert.rejects(bytesOf(writeMenderArtifact(spec({ files, compression }))), faultOf('formats.content_changed'))
    const path = join(directory, 'steady')
    await writeFile(path, content)
    await bytesOf(writeMenderArtifact(spec({ files: [{ name: 'f', content: { path } }], compression })))
  }
  const left = (await readdir(tmpdir())).filter((name) => name.endsWith('.spool') && !before.includes(name))
  assert.deepEqual(left, [])
  await rm(directory, { recursive: true })
})

test('an artifact of a configuration has no file, and says what it provides and clears', async () => {
  const artifact = configurationArtifact({ deviceTypes: ['d'], configuration: { timezone: 'UTC' }, name: 'c-1' })
  const found = await read(await bytesOf(writeMenderArtifact(artifact)))
  assert.deepEqual(found.files, [])
  assert.equal(found.payloadType, 'mender-configure')
  assert.deepEqual(found.payloadProvides, { 'data-partition.mender-configure.version': 'c-1' })
  assert.deepEqual(found.clears, ['data-partition.mender-configure.*'])
  assert.deepEqual(found.metaData, { timezone: 'UTC' })
})

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

describe('a consumer of the payload', () => {
  test('gets the verifier’s word before anything else', async () => {
    const bytes = await bytesOf(writeMenderArtifact(spec()))
    const verify = (manifest: Uint8Array, signature: string | null) =>
      verifyMenderSignature(manifest, signature, keys.ec.publicKey)
    await assert.rejects(
      openMenderArtifact(chunked(bytes.subarray(0, 3_072)), { verify }),
      faultOf('formats.signature_missing'),
    )
  })

  test('learns of a damaged file even if it stopped reading that file', async () => {
    const bytes = forgedArtifact({ files: { f: content }, payload: forgedTar(tarMember('f', content.toReversed())) })
    const consume = async () => {
      for await (const file of openMenderPayload(chunked(bytes, 1_000), {})) {
        for await (const _ of file.content) break
      }
    }
    await assert.rejects(consume(), faultOf('formats.digest'))
  })

  test('is never told that all is well after it left before the end', async () => {
    for (const payload of [tarMember('f', content), tarMember('f', content.toReversed())]) {
      const artifact = await openMenderArtifact(
        chunked(forgedArtifact({ files: { f: content }, payload: forgedTar(payload) })),
      )
      for await (const _ of artifact.files) break
      await assert.rejects(artifact.finish(), /left before its end/)
    }
  })

  test('has its source closed, however the reading ends', async () => {
    const honest = forgedArtifact({ files: { f: content }, compress: gzip })
    const refused = forgedArtifact({ files: { f: content }, payload: forgedTar(tarMember('g', content)) })
    const headless = forgedArtifact({ manifest: () => '' })
    const refuse = () => {
      throw new Fault('refused', 'test.refused', 'no')
    }
    for (const [bytes, verify] of [
      [honest, () => undefined],
      [refused, () => undefined],
      [headless, () => undefined],
      [honest, refuse],
    ] as const) {
      let isClosed = false
      const source = async function* () {
        try {
          yield* chunked(bytes, 100)
        } finally {
          isClosed = true
        }
      }
      await readMenderArtifact(source(), { verify }).catch((error) => assert.ok(error instanceof Fault))
      assert.ok(isClosed)
    }
  })

  test('gets every byte of every file', async () => {
    const files = ['a', 'b', 'c'].map((name) => ({ name, content: randomBytes(100_000) }))
    for (const compression of ['none', 'gzip', 'zstd'] as const) {
      const bytes = await bytesOf(writeMenderArtifact(spec({ files, compression })))
      const found: unknown[] = []
      for await (const file of openMenderPayload(chunked(bytes), {})) {
        found.push({ name: file.name, content: await bytesOf(file.content) })
      }
      assert.deepEqual(found, files)
    }
  })
})

describe('an artifact is refused when', () => {
  const files = { f: content }
  const swap = (one: number, other: number) => (all: Uint8Array[]) => {
    return all.map((member, index) => (index === one ? all[other] : index === other ? all[one] : member) ?? member)
  }
  const infoOf = (more: object) =>
    tarMember(
      'header-info',
      json({
        payloads: [{ type: 't' }],
        artifact_provides: { artifact_name: 'n' },
        artifact_depends: { device_type: ['d'] },
        ...more,
      }),
    )
  const typeInfo = tarMember('headers/0000/type-info', json({ type: 't' }))
  const cases: readonly (readonly [string, Parameters<typeof forgedArtifact>[0], string])[] = [
    ['its version is not 3', { version: Buffer.from('{"format":"mender","version":2}') }, 'formats.mender_version'],
    ['its version is not JSON', { version: Buffer.from('3') }, 'formats.json'],
    ['version and manifest change places', { outer: swap(0, 1) }, 'formats.mender_order'],
    ['the payload stands before the header', { outer: swap(2, 3) }, 'formats.mender_order'],
    ['the payload is missing', { outer: (all) => all.slice(0, 3) }, 'formats.mender_content'],
    [
      'something follows the payload',
      { outer: (all) => [...all, tarMember('data/0001.tar', content)] },
      'formats.mender_order',
    ],
    [
      'it has an augmented manifest',
      { outer: (all) => all.toSpliced(2, 0, tarMember('manifest-augment', content)) },
      'formats.mender_augmented',
    ],
    [
      'it has a second header',
      { outer: (all) => all.toSpliced(3, 0, tarMember('header-augment.tar', content)) },
      'formats.mender_order',
    ],
    [
      'the digest of the version is wrong',
      { manifest: (text) => text.replace(/.{64}( {2}version)/, `${'0'.repeat(64)}$1`) },
      'formats.digest',
    ],
    [
      'the digest of the header is wrong',
      { manifest: (text) => text.replace(/.{64}( {2}header)/, `${'0'.repeat(64)}$1`) },
      'formats.digest',
    ],
    [
      'the digest of a file is wrong',
      { files, manifest: (text) => text.replace(/.{64}( {2}data)/, `${'0'.repeat(64)}$1`) },
      'formats.digest',
    ],
    [
      'the manifest covers another form of the header',
      { manifest: (text) => text.replace('header.tar', 'header.tar.gz') },
      'formats.mender_content',
    ],
    [
      'the manifest leaves out the version',
      { manifest: (text) => text.replace(/.*version\n/, '') },
      'formats.mender_manifest',
    ],
    [
      'the manifest leaves out the header',
      { manifest: (text) => text.replace(/.*header\.tar\n/, '') },
      'formats.mender_manifest',
    ],
    [
      'the manifest leaves out a file',
      { files, manifest: (text) => text.replace(/.*data.*\n/, '') },
      'formats.mender_content',
    ],
    [
      'the manifest names a file that is not there',
      { manifest: (text) => `${'0'.repeat(64)}  data/0000/x\n${text}` },
      'formats.mender_content',
    ],
    ['the manifest names a file twice', { files, manifest: (text) => text + text }, 'formats.duplicate_name'],
    [
      'the manifest names something unknown',
      { manifest: (text) => `${text}${'0'.repeat(64)}  data/0001/x\n` },
      'formats.mender_manifest',
    ],
    [
      'the manifest names a path below the payload',
      { manifest: (text) => `${text}${'0'.repeat(64)}  data/0000/a/b\n` },
      'formats.unsafe_name',
    ],
    [
      'the manifest climbs',
      { manifest: (text) => `${text}${'0'.repeat(64)}  data/0000/../x\n` },
      'formats.unsafe_name',
    ],
    ['the manifest is empty', { manifest: () => '' }, 'formats.mender_manifest'],
    [
      'a payload file is not in the manifest',
      { payload: forgedTar(tarMember('x', content)) },
      'formats.mender_content',
    ],
    ['header-info is missing', { header: [typeInfo] }, 'formats.mender_header'],
    ['type-info is missing', { header: [infoOf({})] }, 'formats.mender_header'],
    [
      'the header holds something unknown',
      { header: [...honestHeader, tarMember('headers/0000/other', content)] },
      'formats.mender_header',
    ],
    [
      'it declares a second payload',
      { header: [infoOf({ payloads: [{ type: 't' }, { type: 't' }] }), typeInfo] },
      'formats.mender_header',
    ],
    [
      'it has a header of a second payload',
      { header: [...honestHeader, tarMember('headers/0001/type-info', json({ type: 't' }))] },
      'formats.mender_header',
    ],
    [
      'header-info and type-info disagree',
      { header: [infoOf({ payloads: [{ type: 'u' }] }), typeInfo] },
      'formats.mender_header',
    ],
    ['it has no name', { header: [infoOf({ artifact_provides: {} }), typeInfo] }, 'formats.json'],
    [
      'it has no device type',
      { header: [infoOf({ artifact_depends: { device_type: [] } }), typeInfo] },
      'formats.mender_header',
    ],
    [
      'a script has no proper name',
      { header: [infoOf({}), tarMember('scripts/evil.sh', content), typeInfo] },
      'formats.mender_header',
    ],
    [
      'a script stands after type-info',
      { header: [...honestHeader, tarMember('scripts/ArtifactInstall_Enter_00', content)] },
      'formats.mender_header',
    ],
    [
      'meta-data is not an object',
      { header: [...honestHeader, tarMember('headers/0000/meta-data', json([1]))] },
      'formats.json',
    ],
    [
      'meta-data is nested without end',
      {
        header: [
          ...honestHeader,
          tarMember('headers/0000/meta-data', Buffer.from(`{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`)),
        ],
      },
      'formats.json',
    ],
    [
      'meta-data sets a prototype',
      { header: [...honestHeader, tarMember('headers/0000/meta-data', Buffer.from('{"__proto__":{"x":1}}'))] },
      'formats.json',
    ],
    [
      'the header holds a link',
      { header: [...honestHeader, forgedTarMember({ name: 'headers/0000/meta-data', type: '2', linkName: '/x' })] },
      'formats.tar_header',
    ],
    [
      'its gzip is followed by something',
      { files, compress: (bytes) => Buffer.concat([gzip(bytes), Buffer.from('more')]) },
      'formats.compressed_data',
    ],
    ['its gzip ends early', { files, compress: (bytes) => gzip(bytes).subarray(0, -9) }, 'formats.compressed_data'],
    ['its gzip is none', { files, compress: (bytes) => bytes }, 'formats.compressed_data'],
  ]
  for (const [name, parts, code] of cases) {
    test(name, async () => {
      await assert.rejects(read(forgedArtifact(parts)), faultOf(code))
    })
  }

  test('… and the forge itself makes one that is accepted (control)', async () => {
    assert.equal((await read(forgedArtifact({ files }))).files.length, 1)
    assert.equal((await read(forgedArtifact({ files, compress: gzip }))).files.length, 1)
    assert.equal((await read(forgedArtifact({ header: [infoOf({}), typeInfo] }))).name, 'n')
  })
})
