import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Fault } from '@holdfast/kernel'
import { cpioEnd, cpioMemberHeader, cpioMemberPadding, readCpio } from '../src/cpio.ts'
import { openMenderPayload } from '../src/mender/read.ts'
import { readTar, tarMember } from '../src/tar.ts'
import { bytesOf, chunked, faultOf, forgedArtifact, forgedTar, forgedTarMember, paxMember } from './forge.ts'

const content = Buffer.from('content')
const limits = { members: 10, memberBytes: 1_000_000, bytes: 2_000_000 }

/** Name, forged members, the Fault; and a neighbour that differs in the one hostile thing and must be accepted. */
interface Case {
  readonly name: string
  readonly hostile: readonly Uint8Array[]
  readonly code: string
  readonly valid: readonly Uint8Array[]
}

const named = (name: string) => forgedTarMember({ name, content })
const linked = (type: string) => [
  forgedTarMember({ name: 'a', content }),
  forgedTarMember({ name: 'b', type, linkName: type === '0' ? '' : 'a' }),
]
const plain = [named('a')]

function unsafeName(what: string, name: string, neighbour = 'a'): Case {
  return { name: what, hostile: [named(name)], code: 'formats.unsafe_name', valid: [named(neighbour)] }
}

const tarCases: readonly Case[] = [
  unsafeName('a name that climbs', '../outside', 'inside'),
  unsafeName('a name that climbs in the middle', 'a/../../outside', 'a/b/outside'),
  unsafeName('a name that ends in ..', 'a/..', 'a/...'),
  unsafeName('an absolute name', '/outside', 'outside'),
  unsafeName('a name beginning with ./', './a'),
  unsafeName('an empty segment', 'a//b', 'a/b'),
  unsafeName('a directory in disguise', 'a/'),
  unsafeName('a backslash', '..\\outside', '..outside'),
  unsafeName('a drive', 'C:outside', 'Coutside'),
  unsafeName('a control character', 'a\u0007b', 'ab'),
  unsafeName('an empty name', '', 'a'),
  {
    name: 'a name that goes on after a NUL',
    hostile: [named('a\0../b')],
    code: 'formats.tar_header',
    valid: [named('a../b')],
  },
  {
    name: 'a name that is not UTF-8',
    hostile: [named('a\xff')],
    code: 'formats.not_utf8',
    valid: [named('a\xc3\xa9')],
  },
  ...['1', '2', '3', '4', '6', '7', 'S', 'V', 'Z'].map((type) => ({
    name: `a member of type ${type}`,
    hostile: [named('a'), forgedTarMember({ name: 'b', type })],
    code: 'formats.member_type',
    valid: linked('0'),
  })),
  {
    name: 'a directory',
    hostile: [forgedTarMember({ name: 'd', type: '5' })],
    code: 'formats.member_type',
    valid: plain,
  },
  { name: 'a hard link with its target', hostile: linked('1'), code: 'formats.tar_header', valid: linked('0') },
  { name: 'a symbolic link with its target', hostile: linked('2'), code: 'formats.tar_header', valid: linked('0') },
  {
    name: 'a regular file with a link name',
    hostile: [forgedTarMember({ name: 'a', linkName: '/etc/passwd' })],
    code: 'formats.tar_header',
    valid: plain,
  },
  {
    name: 'the same name twice',
    hostile: [named('a'), named('a')],
    code: 'formats.duplicate_name',
    valid: [named('a'), named('b')],
  },
  {
    name: 'names that differ in case only',
    hostile: [named('file'), named('FILE')],
    code: 'formats.duplicate_name',
    valid: [named('file'), named('FILES')],
  },
  {
    name: 'names that differ in composition only',
    hostile: [named('\xc3\xa9'), named('e\xcc\x81')],
    code: 'formats.duplicate_name',
    valid: [named('\xc3\xa9'), named('e')],
  },
  {
    name: 'a file that is a directory of another',
    hostile: [named('a'), named('a/b')],
    code: 'formats.duplicate_name',
    valid: [named('a'), named('c/b')],
  },
  {
    name: 'a directory that becomes a file',
    hostile: [named('A/b'), named('a')],
    code: 'formats.duplicate_name',
    valid: [named('A/b'), named('c')],
  },
  {
    name: 'a climbing name in a pax header',
    hostile: [paxMember('path=../outside'), named('a')],
    code: 'formats.unsafe_name',
    valid: [paxMember('path=inside'), named('a')],
  },
  {
    name: 'a NUL in a pax path',
    hostile: [paxMember('path=a\0b'), named('a')],
    code: 'formats.unsafe_name',
    valid: [paxMember('path=ab'), named('a')],
  },
  {
    name: 'a link path in a pax header',
    hostile: [paxMember('linkpath=/etc'), named('a')],
    code: 'formats.tar_header',
    valid: [paxMember('mtime=1.5'), named('a')],
  },
  {
    name: 'a sparse file in pax form',
    hostile: [paxMember('GNU.sparse.major=1'), named('a')],
    code: 'formats.tar_header',
    valid: [paxMember('comment=1'), named('a')],
  },
  {
    name: 'a huge pax header',
    hostile: [paxMember(`comment=${'x'.repeat(9_000)}`), named('a')],
    code: 'formats.too_large',
    valid: [paxMember(`comment=${'x'.repeat(900)}`), named('a')],
  },
  {
    name: 'a pax header after another',
    hostile: [paxMember('path=b'), paxMember('path=c'), named('a')],
    code: 'formats.tar_malformed',
    valid: [paxMember('path=b'), named('a')],
  },
  {
    name: 'a pax record longer than its header',
    hostile: [forgedTarMember({ name: 'p', type: 'x', content: Buffer.from('999 path=b\n') }), named('a')],
    code: 'formats.tar_header',
    valid: [paxMember('path=b'), named('a')],
  },
  {
    name: 'a global pax header',
    hostile: [forgedTarMember({ name: 'g', type: 'g', content: Buffer.from('10 path=b\n') }), named('a')],
    code: 'formats.member_type',
    valid: [paxMember('path=b'), named('a')],
  },
  {
    name: 'a climbing GNU long name',
    hostile: [forgedTarMember({ name: '././@LongLink', type: 'L', content: Buffer.from('../outside\0') }), named('a')],
    code: 'formats.unsafe_name',
    valid: [forgedTarMember({ name: '././@LongLink', type: 'L', content: Buffer.from('inside\0') }), named('a')],
  },
  {
    name: 'a GNU long link',
    hostile: [forgedTarMember({ name: '././@LongLink', type: 'K', content: Buffer.from('b\0') }), named('a')],
    code: 'formats.member_type',
    valid: plain,
  },
  {
    name: 'a size far beyond the limit',
    hostile: [forgedTarMember({ name: 'a', size: 0o77777777777 })],
    code: 'formats.too_large',
    valid: plain,
  },
  {
    name: 'a pax size far beyond the limit',
    hostile: [paxMember('size=9007199254740991'), named('a')],
    code: 'formats.too_large',
    valid: [paxMember('size=7'), named('a')],
  },
  {
    name: 'a size beyond the end',
    hostile: [forgedTarMember({ name: 'a', size: 5000 })],
    code: 'kernel.truncated',
    valid: plain,
  },
  {
    name: 'too many members',
    hostile: Array.from({ length: 11 }, (_, index) => named(`m${index}`)),
    code: 'formats.too_large',
    valid: Array.from({ length: 10 }, (_, index) => named(`m${index}`)),
  },
  {
    name: 'an old header without magic',
    hostile: [forgedTarMember({ name: 'a', content, magic: '' })],
    code: 'formats.tar_header',
    valid: [forgedTarMember({ name: 'a', content, magic: 'ustar  \0' })],
  },
  {
    name: 'something in the padding',
    hostile: [Buffer.concat([named('a').subarray(0, -1), Buffer.from([1])])],
    code: 'formats.tar_malformed',
    valid: plain,
  },
  {
    name: 'a second archive after the end',
    hostile: [forgedTar(named('a')), named('b')],
    code: 'formats.tar_malformed',
    valid: [named('a'), named('b')],
  },
]

describe('a tar archive is refused for', () => {
  for (const { name, hostile, code, valid } of tarCases) {
    test(`${name}, and its honest neighbour is read`, async () => {
      const read = async (members: readonly Uint8Array[]) => {
        const seen: string[] = []
        for await (const member of readTar(chunked(forgedTar(...members)), { name: 'the archive', limits })) {
          seen.push(member.name)
          await bytesOf(member.content)
        }
        return seen
      }
      await assert.rejects(read(hostile), faultOf(code))
      assert.ok((await read(valid)).length > 0)
    })
  }
})

describe('an installer that writes what a Mender artifact holds', () => {
  let directory: string
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'holdfast-hostile-'))
  })
  after(() => rm(directory, { recursive: true, force: true }))

  /** As naive as an installer can be: it trusts every name. */
  async function install(artifact: Uint8Array, inside: string): Promise<void> {
    await mkdir(inside, { recursive: true })
    for await (const file of openMenderPayload(chunked(artifact), {})) {
      const path = join(inside, file.name)
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, await bytesOf(file.content))
    }
  }

  test('writes nothing outside its directory, whatever the archive', async () => {
    const inside = join(directory, 'deep', 'inside')
    for (const { name, hostile } of tarCases) {
      const artifact = forgedArtifact({ files: { a: content }, payload: forgedTar(...hostile) })
      await assert.rejects(install(artifact, inside), Fault, name)
    }
    assert.deepEqual(await readdir(directory), ['deep'])
    assert.deepEqual(await readdir(join(directory, 'deep')), ['inside'])
  })

  test('does install an honest one (control)', async () => {
    const inside = join(directory, 'control')
    await install(forgedArtifact({ files: { a: content } }), inside)
    assert.deepEqual(await readFile(join(inside, 'a')), content)
  })
})

const cpioMember = (name: string, patch: (header: Buffer) => void = () => undefined, inode = 5) => {
  const checksum = content.reduce((sum, byte) => sum + byte, 0)
  const honest = 'x'.repeat(Buffer.byteLength(name))
  const header = Buffer.from(cpioMemberHeader({ name: honest, size: content.length, inode, checksum }))
  header.write(name, 110)
  patch(header)
  return Buffer.concat([header, content, cpioMemberPadding(content.length)])
}
const field = (index: number, value: number) => (header: Buffer) => {
  header.write(value.toString(16).padStart(8, '0'), 6 + 8 * index)
}

const cpioCases: readonly Case[] = [
  ...['../outside', '/outside', 'a/../b', 'a\\b', 'C:a', './a'].map((name) => ({
    name: `the name ${name}`,
    hostile: [cpioMember(name)],
    code: 'formats.unsafe_name',
    valid: [cpioMember('outside')],
  })),
  {
    name: 'a NUL in a name',
    hostile: [cpioMember('a\0b')],
    code: 'formats.cpio_malformed',
    valid: [cpioMember('a.b')],
  },
  ...[0o120777, 0o040755, 0o060600, 0o020600, 0o010600, 0o140600].map((mode) => ({
    name: `a member of mode ${mode.toString(8)}`,
    hostile: [cpioMember('a', field(1, mode))],
    code: 'formats.member_type',
    valid: [cpioMember('a', field(1, 0o100600))],
  })),
  {
    name: 'two names of one inode',
    hostile: [cpioMember('a', field(4, 2)), cpioMember('b', field(4, 2))],
    code: 'formats.member_type',
    valid: [cpioMember('a', field(4, 2)), cpioMember('b', field(4, 2), 6)],
  },
  {
    name: 'the same name twice',
    hostile: [cpioMember('a'), cpioMember('a')],
    code: 'formats.duplicate_name',
    valid: [cpioMember('a'), cpioMember('b')],
  },
  {
    name: 'names that differ in case only',
    hostile: [cpioMember('a'), cpioMember('A')],
    code: 'formats.duplicate_name',
    valid: [cpioMember('a'), cpioMember('B')],
  },
  {
    name: 'a wrong checksum',
    hostile: [cpioMember('a', field(12, 1))],
    code: 'formats.cpio_checksum',
    valid: [cpioMember('a')],
  },
  {
    name: 'a header that is not hex',
    hostile: [cpioMember('a', (header) => header.write('-0000001', 14))],
    code: 'formats.cpio_malformed',
    valid: [cpioMember('a')],
  },
  {
    name: 'another magic',
    hostile: [cpioMember('a', (header) => header.write('070707'))],
    code: 'formats.cpio_malformed',
    valid: [cpioMember('a', (header) => header.write('070701'))],
  },
  {
    name: 'a huge name',
    hostile: [cpioMember('a', field(11, 0xffffffff))],
    code: 'formats.cpio_malformed',
    valid: [cpioMember('a')],
  },
  {
    name: 'a size of 4 GiB',
    hostile: [cpioMember('a', field(6, 0xffffffff))],
    code: 'formats.too_large',
    valid: [cpioMember('a')],
  },
  {
    name: 'too many members',
    hostile: Array.from({ length: 11 }, (_, index) => cpioMember(`m${index}`)),
    code: 'formats.too_large',
    valid: [cpioMember('a')],
  },
  {
    name: 'something after the end',
    hostile: [Buffer.concat([cpioMember('a'), cpioEnd(0)]), cpioMember('b')],
    code: 'formats.cpio_malformed',
    valid: [cpioMember('a'), cpioMember('b')],
  },
]

describe('a cpio archive is refused for', () => {
  for (const { name, hostile, code, valid } of cpioCases) {
    test(`${name}, and its honest neighbour is read`, async () => {
      const read = async (members: readonly Uint8Array[]) => {
        const seen: string[] = []
        const bytes = Buffer.concat([...members, cpioEnd(0)])
        for await (const member of readCpio(chunked(bytes), { name: 'the archive', limits })) seen.push(member.name)
        return seen
      }
      await assert.rejects(read(hostile), faultOf(code))
      assert.ok((await read(valid)).length > 0)
    })
  }
})

test('a tar member that nobody read is passed over', async () => {
  const archive = forgedTar(tarMember('a', Buffer.alloc(70_000, 1)), tarMember('b', content))
  const seen: Buffer[] = []
  for await (const member of readTar(chunked(archive, 1000), { name: 'the archive', limits })) {
    if (member.name === 'b') seen.push(await bytesOf(member.content))
  }
  assert.deepEqual(seen, [content])
})
