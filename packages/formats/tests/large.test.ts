import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { before, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { addToChecksum, cpioEnd, cpioMemberHeader, cpioMemberPadding } from '../src/cpio.ts'
import { readMenderArtifact } from '../src/mender/read.ts'
import { menderVersionDocument } from '../src/mender/write.ts'
import { formatLibconfig } from '../src/swu/libconfig.ts'
import { readSwu } from '../src/swu/read.ts'
import { tarEnd, tarMember, tarMemberHeader, tarMemberPadding } from '../src/tar.ts'
import { chunked, faultOf, forgedArtifact, forgedTar, honestHeader, sha256 } from './forge.ts'

const mebibyte = 1024 * 1024
const menderSize = 2 ** 32 + mebibyte
const swuSize = 2 ** 31 + mebibyte
const chunk = Buffer.alloc(mebibyte, 0x5a)
const maxRise = 64 * mebibyte

/** A stream that is made while it is read, with one byte of its content one more, the next one less, or none. */
async function* stream(head: Uint8Array, size: number, tail: Uint8Array, changed: number | null, watch: () => void) {
  yield head
  for (let offset = 0; offset < size; offset += chunk.length) {
    watch()
    const inside = changed !== null && changed >= offset && changed + 1 < offset + chunk.length
    yield inside ? chunk.with(changed - offset, 0x5b).with(changed - offset + 1, 0x59) : chunk
  }
  yield tail
}

function digestOfChunks(size: number): string {
  const hash = createHash('sha256')
  for (let offset = 0; offset < size; offset += chunk.length) hash.update(chunk)
  return hash.digest('hex')
}

/** Calls `read` with a function that samples the memory in use, and checks that it stayed flat. */
async function withFlatMemory(read: (watch: () => void) => Promise<unknown>): Promise<void> {
  globalThis.gc?.()
  const start = process.memoryUsage.rss()
  let peak = start
  await read(() => {
    peak = Math.max(peak, process.memoryUsage.rss())
  })
  assert.ok(peak - start <= maxRise, `memory rose by ${Math.round((peak - start) / mebibyte)} MiB`)
}

describe('beyond 2 GiB', () => {
  let menderDigest: string
  let swuDigest: string
  before(() => {
    menderDigest = digestOfChunks(menderSize)
    swuDigest = digestOfChunks(swuSize)
  })

  function mender(changed: number | null, watch: () => void = () => undefined) {
    const size = menderSize
    const header = forgedTar(...honestHeader)
    const lines = [
      `${menderDigest}  data/0000/f`,
      `${sha256(header)}  header.tar`,
      `${sha256(menderVersionDocument)}  version`,
    ]
    const inner = [tarMemberHeader('f', size), Buffer.concat([tarMemberPadding(size), tarEnd()])] as const
    const payload = inner[0].length + size + inner[1].length
    const head = Buffer.concat([
      tarMember('version', menderVersionDocument),
      tarMember('manifest', Buffer.from(`${lines.join('\n')}\n`)),
      tarMember('header.tar', header),
      tarMemberHeader('data/0000.tar', payload),
      inner[0],
    ])
    return stream(head, size, Buffer.concat([inner[1], tarMemberPadding(payload), tarEnd()]), changed, watch)
  }

  function swu(changed: number | null, watch: () => void = () => undefined) {
    const size = swuSize
    const checksum = (size * 0x5a) % 2 ** 32
    const entry = { filename: 'f', sha256: swuDigest }
    const description = Buffer.from(formatLibconfig({ software: { version: '1', images: [entry] } }))
    const head = Buffer.concat([
      cpioMemberHeader({
        name: 'sw-description',
        size: description.length,
        inode: 1,
        checksum: addToChecksum(0, description),
      }),
      description,
      cpioMemberPadding(description.length),
      cpioMemberHeader({ name: 'f', size, inode: 2, checksum }),
    ])
    return stream(head, size, Buffer.concat([cpioMemberPadding(size), cpioEnd(0)]), changed, watch)
  }

  test('a Mender artifact is read in constant memory', async () => {
    await withFlatMemory(async (watch) => {
      assert.deepEqual((await readMenderArtifact(mender(null, watch))).files, [
        { name: 'f', size: menderSize, sha256: menderDigest },
      ])
    })
  })

  for (const offset of [2 ** 31, 2 ** 32]) {
    test(`bytes changed at ${offset} of a Mender payload are found`, async () => {
      await assert.rejects(readMenderArtifact(mender(offset)), faultOf('formats.digest'))
    })
  }

  test('a .swu is read in constant memory', async () => {
    await withFlatMemory(async (watch) => {
      assert.deepEqual((await readSwu(swu(null, watch))).files, [{ name: 'f', size: swuSize, sha256: swuDigest }])
    })
  })

  test('bytes changed at 2³¹ of an image in a .swu are found, though its checksum stays the same', async () => {
    await assert.rejects(readSwu(swu(2 ** 31)), faultOf('formats.digest'))
  })
})

test('a Mender artifact that expands 1000 times is refused before it fills the memory', async () => {
  const zeros = Buffer.alloc(8 * mebibyte)
  const bomb = (bytes: Uint8Array) =>
    bytes.length > mebibyte ? gzipSync(Buffer.concat([bytes, Buffer.alloc(512 * mebibyte)])) : gzipSync(bytes)
  const files = { f: zeros }
  const hostile = forgedArtifact({ files, payload: forgedTar(tarMember('f', zeros)), compress: bomb })
  await withFlatMemory(async (watch) => {
    const watched = async function* () {
      for await (const part of chunked(hostile, 4096)) {
        watch()
        yield part
      }
    }
    await assert.rejects(readMenderArtifact(watched()), faultOf('formats.expansion_ratio'))
  })
  const half = Buffer.concat([
    Buffer.alloc(mebibyte),
    Buffer.from(Array.from({ length: mebibyte }, (_, at) => (at * 2_654_435_761) >>> 24)),
  ])
  const honest = forgedArtifact({ files: { f: half }, compress: (bytes) => gzipSync(bytes) })
  assert.equal((await readMenderArtifact(chunked(honest))).files.length, 1)
})
