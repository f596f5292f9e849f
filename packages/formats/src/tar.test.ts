import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import fc from 'fast-check'
import { bytesOf, chunked } from '../tests/forge.ts'
import { readTar, tarEnd, tarMember } from './tar.ts'
import { decodePax, decodeTarHeader, encodeTarHeader } from './tar-header.ts'

const limits = { members: 6, memberBytes: 2_000, bytes: 100_000 }
const segment = fc.stringMatching(/^[a-zé][a-zA-Z0-9._ -]{0,90}$/)
const name = fc
  .array(segment, { minLength: 1, maxLength: 4 })
  .map((segments) => segments.join('/'))
  .filter((text) => Buffer.byteLength(text) <= 255)
const members = fc.uniqueArray(fc.record({ name, content: fc.uint8Array({ maxLength: 1_500 }) }), {
  maxLength: 5,
  // Only the first segment tells two members apart, so that none is a directory of another.
  selector: (member) => member.name.split('/')[0]?.normalize('NFKC').toLowerCase(),
})

test('what is written is what is read, and what tar lists, for names of any length', async (t) => {
  const isMissing = spawnSync('tar', ['--version']).error !== undefined
  if (isMissing) t.diagnostic('tar is not installed')
  await fc.assert(
    fc.asyncProperty(members, fc.nat(2_000), async (written, size) => {
      const archive = Buffer.concat([...written.map((member) => tarMember(member.name, member.content)), tarEnd()])
      const found: [string, Uint8Array][] = []
      for await (const member of readTar(chunked(archive, size + 1), { name: 'it', limits })) {
        found.push([member.name, Uint8Array.from(await bytesOf(member.content))])
      }
      assert.deepEqual(
        found,
        written.map((member) => [member.name, member.content]),
      )
      if (isMissing) return
      const listed = spawnSync('tar', ['--quoting-style=literal', '-t'], { input: archive, encoding: 'utf8' })
      assert.equal(listed.stderr, '')
      assert.deepEqual(
        listed.stdout.split('\n').slice(0, -1),
        written.map((member) => member.name),
      )
    }),
    { numRuns: 60 },
  )
})

test('a size beyond 8 GiB is written as a pax record', () => {
  const size = 9 * 1024 ** 3
  const header = encodeTarHeader('a', size, 0o600)
  assert.equal(decodeTarHeader(header.subarray(0, 512)).type, 'x')
  const length = decodeTarHeader(header.subarray(0, 512)).size
  assert.deepEqual(decodePax(header.subarray(512, 512 + length)), { size })
  assert.equal(header.length, 1536)
})
