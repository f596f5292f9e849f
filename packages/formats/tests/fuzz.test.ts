import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { Fault } from '@holdfast/kernel'
import { type MenderReadOptions, openMenderArtifact } from '../src/mender/read.ts'
import { signMenderManifest, verifyMenderSignature } from '../src/mender/signature.ts'
import { type MenderSpec, writeMenderArtifact } from '../src/mender/write.ts'
import { openSwu, type SwuReadOptions } from '../src/swu/read.ts'
import { writeSwu } from '../src/swu/write.ts'
import { bytesOf, chunked, sha256 } from './forge.ts'

const mutants = 20_000
const content = randomBytes(2_000)
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

/** What a reader made of some bytes: a Fault is an answer; anything else thrown fails the test. */
type Judge = (bytes: Uint8Array) => Promise<string>

async function judge(read: () => Promise<unknown>): Promise<string> {
  try {
    return sha256(Buffer.from(JSON.stringify(await read())))
  } catch (error) {
    if (error instanceof Fault) return `refused: ${error.code}`
    throw error
  }
}

async function contents(files: AsyncIterable<{ name: string; content: AsyncIterable<Uint8Array> }>): Promise<unknown> {
  const found: [string, string][] = []
  for await (const file of files) found.push([file.name, sha256(await bytesOf(file.content))])
  return found
}

function menderJudge(options: MenderReadOptions): Judge {
  return (bytes) =>
    judge(async () => {
      const artifact = await openMenderArtifact(chunked(bytes), options)
      const files = await contents(artifact.files)
      await artifact.finish()
      return [artifact.header, files]
    })
}

function swuJudge(options: SwuReadOptions): Judge {
  return (bytes) =>
    judge(async () => {
      const swu = await openSwu(chunked(bytes), options)
      const files = await contents(swu.files)
      await swu.finish()
      return [swu.description, files]
    })
}

/** mulberry32; a seed makes a failing run repeatable. */
function generator(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const mutations: readonly ((bytes: Buffer, random: (below: number) => number) => Buffer)[] = [
  (bytes, random) => {
    const at = random(bytes.length)
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8))
    return bytes
  },
  (bytes, random) => bytes.fill(random(256), random(bytes.length)).subarray(0, bytes.length),
  (bytes, random) => bytes.fill([0, 0xff, 0x30, 0x37, 0x2e, 0x2f][random(6)] ?? 0, random(bytes.length)),
  (bytes, random) => bytes.subarray(0, random(bytes.length)),
  (bytes, random) => {
    const at = random(bytes.length)
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random(600))])
  },
  (bytes, random) => {
    const at = random(bytes.length)
    return Buffer.concat([bytes.subarray(0, at), Buffer.alloc(1 + random(600), random(256)), bytes.subarray(at)])
  },
  (bytes, random) => {
    const from = 512 * random(bytes.length / 512)
    bytes.copyWithin(512 * random(bytes.length / 512), from, from + 512 * (1 + random(4)))
    return bytes
  },
  changeTarHeader,
  changeTarHeader,
]

/** Changes a field of a tar header and mends its checksum, so that the change is looked at. */
function changeTarHeader(bytes: Buffer, random: (below: number) => number): Buffer {
  const headers: number[] = []
  for (let at = 0; at + 512 <= bytes.length; at += 512) {
    if (bytes.subarray(at + 257, at + 262).equals(Buffer.from('ustar'))) headers.push(at)
  }
  const at = headers[random(Math.max(headers.length, 1))]
  if (at === undefined) return bytes.subarray(1)
  const block = bytes.subarray(at, at + 512)
  const offset = [0, random(100), 100, 124 + random(12), 156, 157, 345, random(512)][random(8)] ?? 0
  block[offset] = [0, 0x20, 0x2e, 0x2f, 0x30 + random(8), 0x5c, 0x80, random(256)][random(8)] ?? 0
  block.fill(0x20, 148, 156)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return bytes
}

async function hunt(original: Uint8Array, read: Judge, count: number, seed: number) {
  const expected = await read(original)
  assert.doesNotMatch(expected, /refused/)
  const random = generator(seed)
  const answers = { same: 0, refused: 0 }
  for (let index = 0; index < count; index += 1) {
    let mutant: Buffer = Buffer.from(original)
    for (let rounds = 1 + random(3); rounds > 0; rounds -= 1) {
      const mutate = mutations[random(mutations.length)]
      if (mutate !== undefined && mutant.length > 512) mutant = mutate(mutant, random)
    }
    const answer = await read(mutant)
    if (answer === expected) answers.same += 1
    else if (answer.startsWith('refused')) answers.refused += 1
    else assert.fail(`mutant ${index} of seed ${seed} was accepted, but says something else`)
  }
  return answers
}

const spec: MenderSpec = {
  name: 'r2',
  depends: { deviceTypes: ['d'] },
  payloadType: 't',
  metaData: { a: 'b' },
  files: [
    { name: 'one', content },
    { name: 'two', content: content.subarray(0, 700) },
  ],
  scripts: [{ name: 'ArtifactInstall_Enter_00', content: Buffer.from('#!/bin/sh\n') }],
  sign: (manifest) => signMenderManifest(manifest, privateKey),
}
const verified = menderJudge({ verify: (manifest, signature) => verifyMenderSignature(manifest, signature, publicKey) })

for (const compression of ['none', 'gzip'] as const) {
  test(`no mutant of a signed Mender artifact (${compression}) crashes the reader or changes what it says`, async () => {
    const original = await bytesOf(writeMenderArtifact({ ...spec, compression }))
    const answers = await hunt(original, verified, mutants / 4, 20_261_122)
    assert.ok(answers.same > 0 && answers.refused > answers.same, JSON.stringify(answers))
  })
}

test('no mutant of a signed .swu crashes the reader or changes what it says', async () => {
  const items = ['one', 'two'].map((filename) => ({
    section: 'files' as const,
    filename,
    content,
    settings: { path: '/x' },
  }))
  const original = await bytesOf(
    writeSwu({ version: '1', hardwareCompatibility: ['1'], items, sign: () => randomBytes(300) }),
  )
  let signed: Uint8Array = new Uint8Array(0)
  await swuJudge({
    verify: (description) => {
      signed = description
    },
  })(original)
  const read = swuJudge({
    verify: (description) => {
      if (!Buffer.from(signed).equals(description))
        throw new Fault('unauthenticated', 'test.signature', 'not the signed bytes')
    },
  })
  const answers = await hunt(original, read, mutants / 4, 31)
  assert.ok(answers.same > 0 && answers.refused > answers.same, JSON.stringify(answers))
  // The parser of the description, without a signature to protect it: it may say anything, but never crash.
  const unprotected = swuJudge({})
  const random = generator(32)
  for (let index = 0; index < mutants / 4; index += 1) {
    const mutant = Buffer.from(original)
    for (let rounds = 1 + random(4); rounds > 0; rounds -= 1) mutant[116 + random(signed.length + 50)] = 1 + random(126)
    await unprotected(mutant)
  }
})

test('the hunt does find a reader that accepts what was changed (control)', async () => {
  const original = await bytesOf(writeMenderArtifact({ ...spec, compression: 'none' }))
  const changed = await bytesOf(writeMenderArtifact({ ...spec, name: 'r3', compression: 'none' }))
  const careless: Judge = async (bytes) => {
    const answer = await verified(bytes)
    return answer.startsWith('refused') ? menderJudge({})(changed) : answer
  }
  await assert.rejects(hunt(original, careless, 500, 1), /was accepted, but says something else/)
})
