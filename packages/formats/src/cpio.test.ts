import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bytesOf, chunked } from '../tests/forge.ts'
import { addToChecksum, cpioEnd, cpioMemberHeader, cpioMemberPadding, readCpio } from './cpio.ts'

test('the checksum is the sum of all bytes modulo 2³², wherever a part begins and ends', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 3_000 }),
      fc.nat(9),
      fc.integer({ min: 0, max: 0xffffffff }),
      (bytes, from, start) => {
        const part = bytes.subarray(from)
        const sum = part.reduce((total, byte) => total + byte, start) % 2 ** 32
        assert.equal(addToChecksum(start, part), sum)
      },
    ),
  )
  assert.equal(addToChecksum(0xffffffff, new Uint8Array(100_001).fill(255)), (0xffffffff + 255 * 100_001) % 2 ** 32)
})

test('what is written is what is read, in chunks of any size', async () => {
  const files = fc.array(fc.uint8Array({ maxLength: 600 }), { maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(files, fc.nat(700), async (contents, size) => {
      const members = contents.flatMap((content, index) => [
        cpioMemberHeader({
          name: `m${index}`,
          size: content.length,
          inode: index + 1,
          checksum: addToChecksum(0, content),
        }),
        content,
        cpioMemberPadding(content.length),
      ])
      const bytes = Buffer.concat([...members, cpioEnd(Buffer.concat(members).length)])
      assert.equal(bytes.length % 512, 0)
      const limits = { members: 5, memberBytes: 600, bytes: 10_000 }
      const found: Uint8Array[] = []
      for await (const member of readCpio(chunked(bytes, size + 1), { name: 'it', limits })) {
        found.push(Uint8Array.from(await bytesOf(member.content)))
      }
      assert.deepEqual(found, contents)
    }),
  )
})
