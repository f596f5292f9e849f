import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import {
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
import { readMenderArtifact } from './read.ts'

const content = randomBytes(5_000)
const read = (bytes: Uint8Array) => readMenderArtifact(chunked(bytes))

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
