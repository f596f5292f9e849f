import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type CommandLine, openCommandLine } from './command-line.ts'

let cli: CommandLine
const at = (name: string) => join(cli.directory, name)

before(async () => {
  cli = await openCommandLine()
  await writeFile(at('app.bin'), Buffer.alloc(20_000, 'application'))
  await writeFile(at('ArtifactInstall_Enter_10_stop'), '#!/bin/sh\nexit 0\n')
  assert.equal((await cli.run(['key', 'create', '--out', 'release.pem', '--certificate', 'release.crt'])).code, 0)
})
after(() => cli[Symbol.asyncDispose]())

const write = (...more: string[]) =>
  cli.run([
    'artifact',
    'write',
    'app.bin',
    '--name',
    'app-1',
    '--device-type',
    'sensor',
    '--key',
    'release.pem',
    ...more,
  ])

test('A key file can be read by its owner only, and is never overwritten', async () => {
  assert.equal((await stat(at('release.pem'))).mode & 0o777, 0o600)
  const again = await cli.run(['key', 'create', '--out', 'release.pem'])
  assert.equal(again.code, 6)
  assert.match(again.err, /exists already/)
})

test('A signed artifact reads back as it was written, and verifies with its key only', async () => {
  const made = await write(
    '--out',
    'app.mender',
    '--software',
    'rootfs-image.app@1',
    '--script',
    'ArtifactInstall_Enter_10_stop',
    '--depends',
    'board=b',
  )
  assert.equal(made.code, 0, made.err)
  const read = await cli.json<Record<string, unknown>>(['artifact', 'read', 'app.mender'])
  assert.equal(read.name, 'app-1')
  assert.deepEqual(read.payloadProvides, { 'rootfs-image.app.version': '1' })
  assert.deepEqual(read.payloadDepends, { board: 'b' })
  assert.equal((await cli.run(['artifact', 'verify', 'app.mender', '--key', 'release.pem.pub'])).code, 0)
  await cli.run(['key', 'create', '--out', 'other.pem'])
  const wrong = await cli.run(['artifact', 'verify', 'app.mender', '--key', 'other.pem.pub', '--json'])
  assert.equal(wrong.code, 4)
  assert.equal(JSON.parse(wrong.err).code, 'formats.signature_invalid')
})

test('A file that has a place on the device brings it along, as the update module single-file reads it', async () => {
  const where = ['--dest-dir', '/opt/app', '--permissions', '755']
  const made = await write('--out', 'placed.mender', ...where)
  assert.equal(made.code, 0, made.err)
  const { files } = await cli.json<{ files: { name: string; sha256: string }[] }>(['artifact', 'read', 'placed.mender'])
  const digests = Object.fromEntries(files.map(({ name, sha256 }) => [name, sha256]))
  const said = { dest_dir: '/opt/app\n', filename: 'app.bin\n', permissions: '755\n' }
  for (const [name, text] of Object.entries(said)) {
    assert.equal(digests[name], createHash('sha256').update(text).digest('hex'), name)
  }
  assert.equal(files.length, 4)
  const other = await write('--out', 'other.mender', '--type', 'script', ...where)
  assert.equal(other.code, 2)
  const without = await write('--out', 'unplaced.mender')
  assert.match(without.out, /--dest-dir/)
})

test('mender-artifact accepts what artifact write and artifact sign make', async (t) => {
  if (spawnSync('mender-artifact', ['--version']).error !== undefined) return t.skip('mender-artifact is not installed')
  await write('--out', 'valid.mender')
  await cli.run(['key', 'create', '--out', 'second.pem', '--kind', 'rsa-3072'])
  assert.equal(
    (await cli.run(['artifact', 'sign', 'valid.mender', '--key', 'second.pem', '--out', 'resigned.mender'])).code,
    0,
  )
  for (const [file, key] of [
    ['valid.mender', 'release.pem.pub'],
    ['resigned.mender', 'second.pem.pub'],
  ] as const) {
    const said = spawnSync('mender-artifact', ['validate', '-k', at(key), at(file)], { encoding: 'utf8' })
    assert.equal(said.status, 0, said.stderr)
  }
})

test('A damaged artifact is refused before anything is signed', async () => {
  await write('--out', 'whole.mender', '--compression', 'none')
  const bytes = await readFile(at('whole.mender'))
  const inside = bytes.indexOf('applicationapplication')
  bytes.writeUInt8(bytes.readUInt8(inside) ^ 1, inside)
  await writeFile(at('damaged.mender'), bytes)
  for (const command of [
    ['read', 'damaged.mender'],
    ['sign', 'damaged.mender', '--key', 'release.pem'],
    ['verify', 'damaged.mender', '--key', 'release.pem.pub'],
  ]) {
    const { code, err } = await cli.run(['artifact', ...command])
    assert.equal(code, 3, command.join(' '))
    assert.match(err, /SHA-256|digest/i)
  }
})

test('A .swu is made from a directory with swu.yaml: signed, encrypted, and readable by swupdate', async (t) => {
  const items = [
    '  - file: app.bin',
    '    section: files',
    '    encrypt: true',
    '    settings: { type: rawfile, path: /tmp/app }',
  ]
  await writeFile(at('swu.yaml'), ['version: "2.0"', 'hardware: ["1.0"]', 'items:', ...items, ''].join('\n'))
  const refused = await cli.run(['artifact', 'write', '.', '--out', 'app.swu'])
  assert.equal(refused.code, 3)
  assert.match(refused.err, /--encrypt-key/)
  await cli.run(['key', 'create', '--kind', 'aes-256', '--out', 'content.key'])
  const made = await cli.run([
    'artifact',
    'write',
    '.',
    '--out',
    'app.swu',
    '--key',
    'release.pem',
    '--certificate',
    'release.crt',
    '--encrypt-key',
    'content.key',
  ])
  assert.equal(made.code, 0, made.err)
  assert.equal((await cli.run(['artifact', 'verify', 'app.swu', '--key', 'release.crt'])).code, 0)
  const read = await cli.json<{ version: string; entries: { encrypted: boolean }[] }>(['artifact', 'read', 'app.swu'])
  assert.equal(read.version, '2.0')
  assert.equal(read.entries[0]?.encrypted, true)
  if (spawnSync('swupdate', ['--version']).error !== undefined) return t.skip('swupdate is not installed')
  const args = ['-c', '-v', '-H', 'board:1.0', '-k', at('release.crt'), '-K', at('content.key'), '-i', at('app.swu')]
  const said = spawnSync('swupdate', args, { encoding: 'utf8' })
  assert.equal(said.status, 0, said.stdout + said.stderr)
})

test('A description with several faults names them all', async () => {
  await writeFile(at('bad.yaml'), 'version: 1\nitems:\n  - fil: x\n')
  const { code, err } = await cli.run(['artifact', 'write', 'bad.yaml', '--out', 'bad.swu'])
  assert.equal(code, 3)
  assert.match(err, /version/)
  assert.match(err, /items\.0\.file/)
})

test('A key that others can read is not used', async () => {
  const pem = await readFile(at('release.pem'), 'utf8')
  await writeFile(at('open.pem'), pem, { mode: 0o644 })
  const { code, err } = await cli.run([
    'artifact',
    'write',
    'app.bin',
    '--out',
    'x.mender',
    '--name',
    'x',
    '--device-type',
    't',
    '--key',
    'open.pem',
  ])
  assert.equal(code, 3)
  assert.match(err, /chmod 600/)
})
