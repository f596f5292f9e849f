import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto'
import { createReadStream, createWriteStream, readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { after, before, describe, test } from 'node:test'
import { signDetachedCms, verifyDetachedCms } from '@holdfast/crypto/cms'
import { Fault } from '@holdfast/kernel'
import type { SignDescription } from './archive.ts'
import { readSwu } from './read.ts'
import { type SwuItem, writeSwu } from './write.ts'

const missing = ['swupdate', 'openssl'].filter((program) => spawnSync(program, ['--version']).error !== undefined)
const skip = missing.length > 0 ? `${missing.join(' and ')} is not installed` : false

let directory: string
const at = (name: string) => join(directory, name)
const key = randomBytes(32)
const image = randomBytes(100_001)

function openssl(args: readonly string[], input?: Uint8Array): Buffer {
  return execFileSync('openssl', args, { cwd: directory, stdio: 'pipe', ...(input === undefined ? {} : { input }) })
}

before(async () => {
  if (skip !== false) return
  directory = await mkdtemp(join(tmpdir(), 'holdfast-swu-'))
  await writeFile(at('extensions'), 'keyUsage=digitalSignature\nextendedKeyUsage=emailProtection\n')
  for (const authority of ['ca', 'other']) {
    openssl([
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      `${authority}.key`,
      '-out',
      `${authority}.crt`,
      '-subj',
      `/CN=${authority}`,
    ])
  }
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
  for (const [signer, algorithm] of [
    ['rsa', ['-newkey', 'rsa:2048']],
    ['ec', curve],
  ] as const) {
    openssl([
      'req',
      ...algorithm,
      '-nodes',
      '-keyout',
      `${signer}.key`,
      '-out',
      `${signer}.csr`,
      '-subj',
      `/CN=${signer}`,
    ])
    const authority = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial']
    openssl(['x509', '-req', '-in', `${signer}.csr`, ...authority, '-out', `${signer}.crt`, '-extfile', 'extensions'])
  }
  await writeFile(at('aes.key'), `${key.toString('hex')} ${randomBytes(16).toString('hex')}\n`)
})
after(async () => {
  if (skip === false) await rm(directory, { recursive: true, force: true })
})

type Signer = 'rsa' | 'ec'

function signWithOpenssl(signer: Signer): SignDescription {
  const files = ['-signer', `${signer}.crt`, '-inkey', `${signer}.key`]
  return (description) => openssl(['cms', '-sign', '-binary', ...files, '-outform', 'DER', '-nosmimecap'], description)
}

function signWithOurs(signer: Signer): SignDescription {
  const certificate = certificateOf(signer)
  const key = createPrivateKey(readFileSync(at(`${signer}.key`)))
  return (content) => signDetachedCms({ content, certificate, key })
}

function certificateOf(name: string): Uint8Array {
  return new X509Certificate(readFileSync(at(`${name}.crt`))).raw
}

async function write(sign: SignDescription, items: readonly SwuItem[], hardware = '1.0'): Promise<string> {
  const swu = writeSwu({ version: '1.0', hardwareCompatibility: [hardware], items, sign })
  await pipeline(Readable.from(swu), createWriteStream(at('ours.swu')))
  return at('ours.swu')
}

/**
 * Judged by what its installer logs: exit status and closing line are at times those of the other outcome (2022.12),
 * because the client may ask for the result before there is one.
 */
function swupdate(...args: readonly string[]): { succeeded: boolean; output: string } {
  const trust = ['-k', at('ca.crt'), '-K', at('aes.key'), '-H', 'board:1.0']
  const options = { env: { ...process.env, TMPDIR: directory }, encoding: 'utf8' } as const
  const done = spawnSync('swupdate', ['-v', ...trust, ...args], options)
  const output = done.stdout + done.stderr
  return { succeeded: output.includes('SWUPDATE successful !') && !output.includes('SWUPDATE failed'), output }
}

function item(filename: string, more: Partial<SwuItem> = {}): SwuItem {
  return {
    section: 'files',
    filename,
    content: image,
    settings: { type: 'rawfile', path: at(`installed-${filename}`) },
    ...more,
  }
}

describe('swupdate', { skip }, () => {
  for (const signer of ['rsa', 'ec'] as const) {
    test(`installs what we write: plain, compressed and encrypted, signed with ${signer}`, async () => {
      const encrypt = () => ({ key, iv: randomBytes(16) })
      const script = Buffer.from(`#!/bin/sh\necho "$1" >> ${at(`steps-${signer}`)}\n`)
      const path = await write(signWithOurs(signer), [
        item('plain'),
        item('encrypted', { encrypt: encrypt() }),
        item('compressed', { compress: 'zlib' }),
        item('both', { compress: 'zstd', encrypt: encrypt() }),
        item('steps.sh', { section: 'scripts', content: script, settings: { type: 'shellscript' } }),
      ])
      const checked = swupdate('-c', '-i', path)
      assert.ok(checked.succeeded, checked.output)
      const installed = swupdate('-i', path)
      assert.ok(installed.succeeded, installed.output)
      for (const name of ['plain', 'encrypted', 'compressed', 'both']) {
        assert.deepEqual(await readFile(at(`installed-${name}`)), image, name)
        await rm(at(`installed-${name}`))
      }
      assert.equal(await readFile(at(`steps-${signer}`), 'utf8'), 'preinst\npostinst\n')
    })
  }

  test('refuses ours for another board, or changed after signing, as it must', async () => {
    assert.equal(swupdate('-c', '-i', await write(signWithOpenssl('rsa'), [item('plain')], '2.0')).succeeded, false)
    const path = await write(signWithOpenssl('rsa'), [item('plain')])
    const valid = swupdate('-c', '-i', path)
    assert.ok(valid.succeeded, valid.output)
    const bytes = await readFile(path)
    const offset = bytes.indexOf('rawfile')
    bytes[offset] = (bytes[offset] ?? 0) ^ 1
    await writeFile(path, bytes)
    const changed = swupdate('-c', '-i', path)
    assert.equal(changed.succeeded, false, changed.output)
  })

  test('and openssl agree that the signature is over the raw description', async () => {
    const contents = await readSwu(createReadStream(await write(signWithOurs('ec'), [item('plain')])))
    assert.deepEqual(
      contents.files.map(({ name, size }) => [name, size]),
      [['plain', image.length]],
    )
    await writeFile(at('signature'), contents.signature ?? '')
    await writeFile(at('description'), contents.rawDescription)
    const verify = (authority: string, content: string) => [
      ...['cms', '-verify', '-binary', '-inform', 'DER', '-in', 'signature', '-content', content, '-out', 'verified'],
      ...['-CAfile', `${authority}.crt`],
    ]
    openssl(verify('ca', 'description'))
    assert.throws(() => openssl(verify('other', 'description')))
  })

  test('and openssl may sign: we verify it over the raw description, for the trusted authority only', async () => {
    for (const signer of ['rsa', 'ec'] as const) {
      const path = await write(signWithOpenssl(signer), [item('plain')])
      const read = (authority: string) => {
        const trusted = [certificateOf(authority)]
        const verify = (content: Uint8Array, signature: Uint8Array | null) => {
          verifyDetachedCms({ content, signature: signature ?? new Uint8Array(0), trusted, at: Date.now() })
        }
        return readSwu(createReadStream(path), { verify })
      }
      assert.equal((await read('ca')).files.length, 1)
      await assert.rejects(read('other'), Fault)
    }
  })

  test('the verifier sees the description before anything in it is believed', async () => {
    const path = await write(signWithOpenssl('rsa'), [item('plain')])
    const refuse = () => {
      throw new Fault('unauthenticated', 'test.refused', 'refused')
    }
    await assert.rejects(
      readSwu(createReadStream(path), { verify: refuse }),
      (fault) => fault instanceof Fault && fault.code === 'test.refused',
    )
  })
})
