import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Fault } from '@holdfast/kernel'
import fc from 'fast-check'
import { bytesOf, chunked, faultOf, forgedArtifact, forgedTar, gzip } from '../../tests/forge.ts'
import { tarMember } from '../tar.ts'
import { configurationArtifact } from './configuration.ts'
import { openMenderArtifact, openMenderPayload, readMenderArtifact } from './read.ts'
import { verifyMenderSignature } from './signature.ts'
import { type MenderSpec, writeMenderArtifact } from './write.ts'

const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
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

describe('a consumer of the payload', () => {
  test('gets the verifier’s word before anything else', async () => {
    const bytes = await bytesOf(writeMenderArtifact(spec()))
    const verify = (manifest: Uint8Array, signature: string | null) =>
      verifyMenderSignature(manifest, signature, publicKey)
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
