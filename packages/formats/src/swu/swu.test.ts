import assert from 'node:assert/strict'
import { createDecipheriv, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { bytesOf, chunked, faultOf, json, sha256 } from '../../tests/forge.ts'
import { addToChecksum, cpioEnd, cpioMemberHeader, cpioMemberPadding } from '../cpio.ts'
import { parseDescription } from './description.ts'
import { writeSwuDirectory } from './directory.ts'
import { formatLibconfig, type LibconfigValue, parseLibconfig } from './libconfig.ts'
import { openSwu, readSwu } from './read.ts'
import { type SwuSpec, writeSwu } from './write.ts'

const content = randomBytes(10_000)
const item = { section: 'images' as const, filename: 'image', content, settings: { type: 'raw', device: '/dev/x' } }
const spec: SwuSpec = { version: '1.2', hardwareCompatibility: ['1.0', '1.1'], items: [item] }

/** A `.swu` with any members, under correct headers. */
function forgedSwu(...members: readonly (readonly [string, Uint8Array])[]): Buffer {
  const parts = members.flatMap(([name, bytes], index) => [
    cpioMemberHeader({ name, size: bytes.length, inode: index + 1, checksum: addToChecksum(0, bytes) }),
    bytes,
    cpioMemberPadding(bytes.length),
  ])
  return Buffer.concat([...parts, cpioEnd(0)])
}

const describing = (software: object) => json({ software: { version: '1', ...software } })
const listing = (...images: readonly object[]) => describing({ images })
const honest = { filename: 'image', sha256: sha256(content) }

test('what is written is what is read', async () => {
  const signature = randomBytes(100)
  const key = randomBytes(32)
  const iv = randomBytes(16)
  const items = [
    item,
    { ...item, filename: 'secret', compress: 'zlib' as const, encrypt: { key, iv } },
    { ...item, section: 'scripts' as const, filename: 'run.sh', settings: { type: 'shellscript' } },
  ]
  const bytes = await bytesOf(writeSwu({ ...spec, name: 'n', description: 'a "d"', items, sign: () => signature }))
  const found = await readSwu(chunked(bytes))
  assert.deepEqual([found.version, found.name, found.description], ['1.2', 'n', 'a "d"'])
  assert.deepEqual(found.hardware, [{ board: null, revisions: ['1.0', '1.1'] }])
  assert.deepEqual(found.signature, signature)
  assert.equal(found.sha256, sha256(bytes))
  assert.deepEqual(
    found.entries.map((entry) => [entry.section, entry.filename, entry.encrypted, entry.ivt, entry.compressed]),
    [
      ['images', 'image', false, null, null],
      ['images', 'secret', true, iv.toString('hex'), 'zlib'],
      ['scripts', 'run.sh', false, null, null],
    ],
  )
  assert.deepEqual(found.entries[0]?.attributes, { device: '/dev/x' })
  const stored = new Map<string, Buffer>()
  for await (const file of (await openSwu(chunked(bytes))).files) stored.set(file.name, await bytesOf(file.content))
  assert.deepEqual(stored.get('image'), content)
  const decipher = createDecipheriv('aes-256-cbc', key, iv)
  assert.deepEqual(
    gunzipSync(Buffer.concat([decipher.update(stored.get('secret') ?? Buffer.alloc(0)), decipher.final()])),
    content,
  )
})

test('a consumer that left before the end is never told that all is well', async () => {
  const swu = await openSwu(writeSwu(spec))
  for await (const _ of swu.files) break
  await assert.rejects(swu.finish(), /left before their end/)
})

test('equal specs give equal bytes', async () => {
  assert.deepEqual(await bytesOf(writeSwu(spec)), await bytesOf(writeSwu(spec)))
})

test('two items of one name, or one named as the description, are refused', async () => {
  for (const filename of ['image', 'IMAGE', 'sw-description', 'sw-description.sig']) {
    const items = [item, { ...item, filename }]
    await assert.rejects(bytesOf(writeSwu({ ...spec, items })), faultOf('formats.duplicate_name'))
  }
})

test('a directory with a template becomes a .swu, with all that can be computed filled in', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-swu-directory-'))
  const key = randomBytes(32)
  const encryption = { key, newVector: () => randomBytes(16) }
  const image = 'filename = "image"; compressed = "zlib"; encrypted = true;'
  await writeFile(
    join(directory, 'sw-description'),
    `software = { version = "3"; hardware-compatibility = [ "1" ];
       stable = { copy1 = { images = ( { ${image} device = "/dev/a"; } ); }; copy2 = { images = ( { ${image} device = "/dev/b"; } ); }; };
       scripts = ( { filename = "run.sh"; type = "shellscript"; sha256 = "to be replaced"; } );
       bootenv = ( { name = "x"; value = "1"; } ); };`,
  )
  await writeFile(join(directory, 'image'), content)
  await writeFile(join(directory, 'run.sh'), '#!/bin/sh\n')
  const found = await readSwu(writeSwuDirectory({ directory, encryption, sign: () => content }))
  assert.deepEqual(found.files.map((file) => file.name).sort(), ['image', 'run.sh'])
  const [first, second] = found.entries
  assert.deepEqual([first?.selection, second?.selection], ['stable.copy1', 'stable.copy2'])
  assert.equal(first?.ivt?.length, 32)
  assert.equal(first?.ivt, second?.ivt)
  assert.match(Buffer.from(found.rawDescription).toString(), /bootenv/)
  await assert.rejects(bytesOf(writeSwuDirectory({ directory })), faultOf('formats.swu_description'))
  for (const [software, code] of [
    [{ images: [{ filename: 'image' }, { filename: 'image', compressed: true }] }, 'formats.swu_description'],
    [{ images: [{ filename: 'image', compressed: 'xz' }] }, 'formats.swu_description'],
    [{ images: [{ filename: '../image' }] }, 'formats.unsafe_name'],
    [{ images: [{ filename: 'image' }], other: null }, 'formats.libconfig'],
  ] as const) {
    await writeFile(join(directory, 'sw-description'), describing(software))
    await assert.rejects(bytesOf(writeSwuDirectory({ directory, encryption })), faultOf(code))
  }
  await writeFile(join(directory, 'sw-description'), describing({ images: [{ filename: 'image' }] }))
  assert.equal((await readSwu(writeSwuDirectory({ directory }))).files[0]?.sha256, sha256(content))
  await rm(directory, { recursive: true })
})

test('a description may select by board, mode and copy; every selection is listed', () => {
  const copy = (device: string) => ({ images: [{ ...honest, device }] })
  const found = parseDescription(
    describing({
      alpha: { 'hardware-compatibility': ['2'], stable: { copy1: copy('a'), copy2: copy('b') } },
      'embedded-script': 'x',
    }),
  )
  assert.deepEqual(
    found.entries.map((entry) => [entry.selection, entry.attributes.device]),
    [
      ['alpha.stable.copy1', 'a'],
      ['alpha.stable.copy2', 'b'],
    ],
  )
  assert.deepEqual(found.hardware, [{ board: 'alpha', revisions: ['2'] }])
  assert.equal(found.hasEmbeddedScript, true)
})

describe('a .swu is refused when', () => {
  const described = listing(honest)
  const image = ['image', content] as const
  const cases: readonly (readonly [string, Buffer, string])[] = [
    ['it does not begin with its description', forgedSwu(image, ['sw-description', described]), 'formats.swu_order'],
    ['it is empty', forgedSwu(), 'formats.swu_order'],
    [
      'an image is not the described one',
      forgedSwu(['sw-description', described], ['image', content.toReversed()]),
      'formats.digest',
    ],
    ['an image is missing', forgedSwu(['sw-description', described]), 'formats.swu_content'],
    [
      'something is not described',
      forgedSwu(['sw-description', described], image, ['more', content]),
      'formats.swu_content',
    ],
    [
      'the signature stands after an image',
      forgedSwu(['sw-description', described], image, ['sw-description.sig', content]),
      'formats.swu_content',
    ],
    [
      'an image has no digest',
      forgedSwu(['sw-description', listing({ filename: 'image' })], image),
      'formats.swu_description',
    ],
    [
      'an image has two digests',
      forgedSwu(['sw-description', listing(honest, { ...honest, sha256: '0'.repeat(64) })], image),
      'formats.swu_description',
    ],
    [
      'a described name climbs',
      forgedSwu(['sw-description', listing({ ...honest, filename: '../x' })]),
      'formats.unsafe_name',
    ],
    [
      'a described name has a directory',
      forgedSwu(['sw-description', listing({ ...honest, filename: 'a/b' })]),
      'formats.unsafe_name',
    ],
    [
      'its vector is none',
      forgedSwu(['sw-description', listing({ ...honest, ivt: 'zz' })], image),
      'formats.swu_description',
    ],
    ['it has no version', forgedSwu(['sw-description', json({ software: {} })]), 'formats.swu_description'],
    ['it has no software', forgedSwu(['sw-description', Buffer.from('x = 1;')]), 'formats.swu_description'],
    [
      'its selections go too deep',
      forgedSwu(['sw-description', describing({ a: { b: { c: { d: { e: { f: { g: {} } } } } } } })]),
      'formats.swu_description',
    ],
    ['its description is neither libconfig nor JSON', forgedSwu(['sw-description', content]), 'formats.not_utf8'],
  ]
  for (const [name, bytes, code] of cases) {
    test(name, async () => {
      await assert.rejects(readSwu(chunked(bytes)), faultOf(code))
    })
  }

  test('… and the forge itself makes one that is accepted (control)', async () => {
    assert.equal((await readSwu(chunked(forgedSwu(['sw-description', described], image)))).files.length, 1)
  })
})

describe('the libconfig language', () => {
  test('is read with every kind of value, separator and comment', () => {
    const text = `
      # one
      software = { // two
        version = "0.1" ".2"; /* three * / ** */
        "quoted" ;
      };`
    assert.throws(() => parseLibconfig(text), faultOf('formats.libconfig'))
    const found = parseLibconfig(`
      a = 1; b : -2, c = 0x1F  d = 3.5e1; e = true; f = FALSE; g = 5L;
      text = "a\\n\\"\\x41\\\\"  "b"; /* ***/ # end
      group : { list = ( 1, "x", { y = [ 1, 2, ]; } ); empty = []; none = (); };
    `)
    assert.deepEqual(found, {
      ...{ a: 1, b: -2, c: 31, d: 35, e: true, f: false, g: 5, text: 'a\n"A\\b' },
      group: { list: [1, 'x', { y: [1, 2] }], empty: [], none: [] },
    })
  })

  test('is refused with the line of the mistake', () => {
    const nested = `a = ${'{ a = '.repeat(30)}1${'; }'.repeat(30)}`
    const many = `a = [ ${'1, '.repeat(10_001)} ]`
    const wrong = [
      '@include "x"',
      'a',
      'a = ',
      'a = {',
      'a = [1',
      'a = "x',
      'a = 1; a = 2',
      '__proto__ = 1',
      'a = 99999999999999999999',
      'a = "\\q"',
      '/* x',
      '}',
      'a = 1 }',
      nested,
      many,
    ]
    for (const text of wrong) assert.throws(() => parseLibconfig(text), faultOf('formats.libconfig'), text.slice(0, 30))
    assert.throws(() => parseLibconfig('a = 1;\nb = ;'), { at: 'line 2' })
  })

  test('is written as it is read', () => {
    const { settings } = fc.letrec<{ value: LibconfigValue; settings: { [name: string]: LibconfigValue } }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.string({ unit: 'grapheme' }),
        fc.integer(),
        fc.boolean(),
        fc.array(tie('value'), { maxLength: 4 }),
        tie('settings'),
      ),
      settings: fc.dictionary(fc.stringMatching(/^[A-Za-z*][-A-Za-z0-9_*]{0,8}$/), tie('value'), {
        maxKeys: 4,
        noNullPrototype: true,
      }),
    }))
    fc.assert(
      fc.property(settings, (written) => {
        assert.deepEqual(parseLibconfig(formatLibconfig(written)), written)
      }),
    )
  })

  test('is parsed in linear time, whatever the text', () => {
    for (const unit of ['a', '/', '/*', '"', '\\', '1', '1.', '1e', '-', '(', '[', ' ', '# ', '*', '"" ']) {
      for (const start of ['', 'a = ', 'a = "', '/* ', 'a = 1']) {
        try {
          parseLibconfig(start + unit.repeat(100_000))
        } catch (error) {
          faultOf('formats.libconfig')(error)
        }
      }
    }
  })
})
