import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { after, before, describe, test } from 'node:test'
import { Fault } from '@holdfast/kernel'
import type { Compression } from '../compression.ts'
import { configurationArtifact, softwareVersion } from './configuration.ts'
import { readMenderArtifact } from './read.ts'
import { signMenderArtifact } from './sign.ts'
import { signMenderManifest, verifyMenderSignature } from './signature.ts'
import { type MenderSpec, writeMenderArtifact } from './write.ts'

const isMissing = spawnSync('mender-artifact', ['--version']).error !== undefined
const skip = isMissing ? 'mender-artifact is not installed' : false

const keys: Record<'ec' | 'rsa', KeyObject> = {
  ec: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
}
let directory: string
const at = (name: string) => join(directory, name)
const run = (...args: string[]) =>
  execFileSync('mender-artifact', args, { cwd: directory, encoding: 'utf8', stdio: 'pipe' })

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-mender-'))
  await writeFile(at('ec.pem'), keys.ec.export({ type: 'sec1', format: 'pem' }))
  await writeFile(at('rsa.pem'), keys.rsa.export({ type: 'pkcs1', format: 'pem' }))
  for (const kind of ['ec', 'rsa'] as const) {
    await writeFile(at(`${kind}.pub`), createPublicKey(keys[kind]).export({ type: 'spki', format: 'pem' }))
  }
  await writeFile(at('a.txt'), 'hello\n')
  await writeFile(at('b.bin'), randomBytes(300_000))
  await writeFile(at('ArtifactInstall_Enter_10_stop'), '#!/bin/sh\nexit 0\n')
  await writeFile(at('meta.json'), '{"mode":"quick"}')
})
after(() => rm(directory, { recursive: true, force: true }))

function spec(kind: 'ec' | 'rsa' | null, compression: Compression, withScripts: boolean): MenderSpec {
  return {
    name: 'release-2',
    group: 'stable',
    depends: { deviceTypes: ['board-a', 'board-b'], artifactNames: ['release-1'] },
    payloadType: 'single-file',
    ...softwareVersion('rootfs-image', 'single-file', 'release-2'),
    payloadDepends: { bootloader: 'v3' },
    metaData: { mode: 'quick' },
    files: ['b.bin', 'a.txt'].map((name) => ({ name, content: { path: at(name) } })),
    scripts: withScripts
      ? [{ name: 'ArtifactInstall_Enter_10_stop', content: { path: at('ArtifactInstall_Enter_10_stop') } }]
      : [],
    compression,
    ...(kind === null ? {} : { sign: (manifest: Uint8Array) => signMenderManifest(manifest, keys[kind]) }),
  }
}

async function write(source: AsyncIterable<Uint8Array>, name: string): Promise<string> {
  await pipeline(Readable.from(source), createWriteStream(at(name)))
  return at(name)
}

describe('mender-artifact', { skip }, () => {
  for (const compression of ['none', 'gzip'] as const) {
    for (const kind of ['ec', 'rsa'] as const) {
      for (const withScripts of [false, true]) {
        test(`validates what we write: ${compression}, ${kind}, ${withScripts ? 'with' : 'without'} scripts`, async () => {
          const path = await write(writeMenderArtifact(spec(kind, compression, withScripts)), 'ours.mender')
          assert.match(run('validate', '-k', `${kind}.pub`, 'ours.mender'), /validated successfully/)
          assert.match(run('read', '-k', `${kind}.pub`, 'ours.mender'), /Signature: signed and verified correctly/)
          assert.ok((await readFile(path)).length >= 4096)
          const other = kind === 'ec' ? 'rsa' : 'ec'
          assert.notEqual(spawnSync('mender-artifact', ['validate', '-k', at(`${other}.pub`), path]).status, 0)
        })
      }
    }
  }

  for (const compression of ['none', 'gzip'] as const) {
    for (const kind of ['ec', 'rsa'] as const) {
      test(`writes what we read and verify: ${compression}, ${kind}`, async () => {
        run(
          ...[
            'write',
            'module-image',
            '-T',
            'single-file',
            '-n',
            'release-3',
            '-t',
            'board-a',
            '-t',
            'board-b',
            '-g',
            'g1',
          ],
          ...[
            '-f',
            'a.txt',
            '-f',
            'b.bin',
            '-s',
            'ArtifactInstall_Enter_10_stop',
            '-m',
            'meta.json',
            '-k',
            `${kind}.pem`,
          ],
          ...['--provides', 'foo:bar', '--depends', 'baz:qux', '--compression', compression, '-o', 'theirs.mender'],
        )
        const publicKey = createPublicKey(keys[kind])
        const read = await readMenderArtifact(createReadStream(at('theirs.mender')), {
          verify: (manifest, signature) => verifyMenderSignature(manifest, signature, publicKey),
        })
        assert.equal(read.name, 'release-3')
        assert.equal(read.group, 'g1')
        assert.deepEqual(read.depends.deviceTypes, ['board-a', 'board-b'])
        assert.equal(read.payloadType, 'single-file')
        assert.equal(read.payloadProvides.foo, 'bar')
        assert.deepEqual(read.payloadDepends, { baz: 'qux' })
        assert.deepEqual(read.clears, ['rootfs-image.single-file.*'])
        assert.deepEqual({ ...read.metaData }, { mode: 'quick' })
        assert.deepEqual(read.files.map(({ name, size }) => [name, size]).sort(), [
          ['a.txt', 6],
          ['b.bin', 300_000],
        ])
        assert.deepEqual(
          read.scripts.map(({ name }) => name),
          ['ArtifactInstall_Enter_10_stop'],
        )
        assert.equal(read.size, (await readFile(at('theirs.mender'))).length)
      })
    }
  }

  test('accepts a signature that we add to its own artifact', async () => {
    run('write', 'module-image', '-T', 'x', '-n', 'r', '-t', 'b', '-f', 'b.bin', '-o', 'unsigned.mender')
    const sign = (manifest: Uint8Array) => signMenderManifest(manifest, keys.rsa)
    await write(signMenderArtifact(createReadStream(at('unsigned.mender')), sign), 'signed.mender')
    assert.match(run('validate', '-k', 'rsa.pub', 'signed.mender'), /validated successfully/)
    const again = (manifest: Uint8Array) => signMenderManifest(manifest, keys.ec)
    await write(signMenderArtifact(createReadStream(at('signed.mender')), again), 'again.mender')
    assert.match(run('validate', '-k', 'ec.pub', 'again.mender'), /validated successfully/)
  })

  test('validates the artifact of a configuration', async () => {
    const artifact = configurationArtifact({ deviceTypes: ['board-a'], configuration: { timezone: 'UTC' } })
    const signed = { ...artifact, sign: (manifest: Uint8Array) => signMenderManifest(manifest, keys.ec) }
    await write(writeMenderArtifact(signed), 'configuration.mender')
    assert.match(run('validate', '-k', 'ec.pub', 'configuration.mender'), /validated successfully/)
    const shown = run('read', '-k', 'ec.pub', 'configuration.mender')
    assert.match(shown, /Clears Provides: \["data-partition\.mender-configure\.\*"\]/)
    assert.match(shown, /data-partition\.mender-configure\.version: configuration-/)
  })

  test('and we both find one flipped byte of the payload', async () => {
    const path = await write(writeMenderArtifact(spec('ec', 'none', false)), 'flipped.mender')
    const bytes = await readFile(path)
    const content = await readFile(at('b.bin'))
    const offset = bytes.indexOf(content.subarray(1000, 1100))
    assert.ok(offset > 0)
    bytes[offset] = (bytes[offset] ?? 0) ^ 1
    await writeFile(path, bytes)
    assert.notEqual(spawnSync('mender-artifact', ['validate', '-k', at('ec.pub'), path]).status, 0)
    await assert.rejects(
      readMenderArtifact(createReadStream(path)),
      (fault) => fault instanceof Fault && fault.code === 'formats.digest',
    )
  })

  test('xz is refused by name, not misread', async () => {
    run(
      'write',
      'module-image',
      '-T',
      'x',
      '-n',
      'r',
      '-t',
      'b',
      '-f',
      'a.txt',
      '--compression',
      'lzma',
      '-o',
      'xz.mender',
    )
    await assert.rejects(
      readMenderArtifact(createReadStream(at('xz.mender'))),
      (fault) => fault instanceof Fault && fault.code === 'formats.compression_unsupported',
    )
  })
})
