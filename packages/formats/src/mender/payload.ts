import { createHash } from 'node:crypto'
import { type ByteSource, Fault } from '@holdfast/kernel'
import { decompress } from '../compression.ts'
import { CheckedContent, type Digest } from '../content.ts'
import { readTar, type TarMember } from '../tar.ts'
import { compressionOf, type MenderLimits } from './limits.ts'
import type { MenderManifest } from './manifest.ts'

export interface MenderFile extends Digest {
  readonly name: string
}

export interface MenderPayloadFile extends MenderFile {
  /** Verified while it flows: the stream throws at its end when the digest is wrong. */
  readonly content: ByteSource
}

/** The rest of an artifact after its header: one payload, whose every file the manifest names. */
export class Payload {
  readonly files: AsyncGenerator<MenderPayloadFile, void, undefined>
  #isComplete = false

  constructor(members: AsyncGenerator<TarMember, void, undefined>, manifest: MenderManifest, limits: MenderLimits) {
    this.files = this.#read(members, manifest, limits)
  }

  async finish(): Promise<void> {
    for await (const _ of this.files);
    if (!this.#isComplete) throw new Error('the payload was left before its end, so nothing is known about it')
  }

  async *#read(
    members: AsyncGenerator<TarMember, void, undefined>,
    manifest: MenderManifest,
    limits: MenderLimits,
  ): AsyncGenerator<MenderPayloadFile, void, undefined> {
    try {
      yield* payloadFiles(await nextMember(members, 'data/0000.tar'), manifest, limits)
      const extra = await members.next()
      if (!extra.done) throw misplaced(extra.value.name, 'the end of the artifact')
      this.#isComplete = true
    } finally {
      await members.return()
    }
  }
}

async function* payloadFiles(
  data: TarMember,
  manifest: MenderManifest,
  limits: MenderLimits,
): AsyncGenerator<MenderPayloadFile, void, undefined> {
  const suffix = /^data\/0000\.tar(\.[a-z]+)?$/.exec(data.name)
  if (suffix === null) throw misplaced(data.name, 'data/0000.tar')
  const expanded = decompress(data.content, compressionOf(suffix[1] ?? ''), {
    name: data.name,
    limits: { bytes: limits.payloadBytes, ratio: limits.ratio },
  })
  const missing = new Map(manifest.files)
  const tar = { members: limits.files, memberBytes: limits.payloadBytes, bytes: limits.payloadBytes }
  for await (const member of readTar(expanded, { name: 'the payload', limits: tar })) {
    const sha256 = missing.get(member.name)
    if (sha256 === undefined) throw mismatch(`the payload file ${JSON.stringify(member.name)} is not in the manifest`)
    missing.delete(member.name)
    const hash = createHash('sha256')
    const content = new CheckedContent(member.content, {
      update: (part) => hash.update(part),
      check: () => {
        if (hash.digest('hex') !== sha256) throw wrongDigest(member.name)
      },
    })
    yield { name: member.name, size: member.size, sha256, content: content.read() }
    // What the consumer did not read is verified all the same.
    await content.drain()
  }
  for (const name of missing.keys()) throw mismatch(`the payload file ${JSON.stringify(name)} is missing`)
}

export async function nextMember(members: AsyncGenerator<TarMember>, expected: string): Promise<TarMember> {
  const next = await members.next()
  if (next.done === true) throw mismatch(`the artifact ends where ${expected} should stand`)
  return next.value
}

export function wrongDigest(name: string): Fault {
  return new Fault('refused', 'formats.digest', `the SHA-256 of ${JSON.stringify(name)} is not the one in the manifest`)
}

export function misplaced(found: string, expected: string): Fault {
  return new Fault('malformed', 'formats.mender_order', `${JSON.stringify(found)} stands where ${expected} should`)
}

export function mismatch(message: string): Fault {
  return new Fault('malformed', 'formats.mender_content', message)
}
