import { createHash } from 'node:crypto'
import { type ByteSource, Fault } from '@holdfast/kernel'
import { decompress } from '../compression.ts'
import { CheckedContent, collect, type Digest, Tap } from '../content.ts'
import { parseJsonObject } from '../json-shape.ts'
import { readTar, type TarMember } from '../tar.ts'
import { type MenderHeader, parseHeader } from './header.ts'
import { compressionOf, type MenderLimits, menderLimits } from './limits.ts'
import { type MenderManifest, maxManifestBytes, parseManifest } from './manifest.ts'

export interface MenderReadOptions {
  readonly limits?: Partial<MenderLimits>
  /** Called with the manifest before anything that it covers is parsed; throws to refuse the artifact. */
  readonly verify?: (manifest: Uint8Array, signature: string | null) => void
}

export interface MenderFile extends Digest {
  readonly name: string
}

export interface MenderPayloadFile extends MenderFile {
  /** Verified while it flows: the stream throws at its end when the digest is wrong. */
  readonly content: ByteSource
}

export interface MenderDescription extends MenderHeader {
  readonly files: readonly MenderFile[]
  /** Base64, as in `manifest.sig`; null when there is none. Not verified unless `verify` did. */
  readonly signature: string | null
  readonly manifest: Uint8Array
  /** Of the whole artifact. */
  readonly size: number
  readonly sha256: string
}

export interface OpenMenderArtifact {
  readonly header: MenderHeader
  readonly signature: string | null
  readonly manifest: Uint8Array
  /** To be read once. Nothing of it may be put to use before `finish` has resolved. */
  readonly files: AsyncIterable<MenderPayloadFile>
  /** Reads what is left, and resolves when every byte was accounted for. */
  finish(): Promise<Digest>
}

const maxVersionBytes = 1024
const maxSignatureBytes = 8 * 1024

/** Reads an artifact once, holding only its header, and checks every digest in it. Throws a Fault that says what is wrong. */
export async function readMenderArtifact(
  source: ByteSource,
  options: MenderReadOptions = {},
): Promise<MenderDescription> {
  const artifact = await openMenderArtifact(source, options)
  const files: MenderFile[] = []
  for await (const { name, size, sha256 } of artifact.files) files.push({ name, size, sha256 })
  const whole = await artifact.finish()
  return { ...artifact.header, files, signature: artifact.signature, manifest: artifact.manifest, ...whole }
}

/**
 * The payload files of an artifact, for an installer: `for await (const file of openMenderPayload(source, { verify }))`.
 * Only when the loop ends without a Fault is the whole artifact known to be sound.
 */
export async function* openMenderPayload(
  source: ByteSource,
  options: MenderReadOptions,
): AsyncGenerator<MenderPayloadFile, void, undefined> {
  const artifact = await openMenderArtifact(source, options)
  yield* artifact.files
  await artifact.finish()
}

/** Reads as far as the payload: what the artifact says about itself is then known and checked, its files are not. */
export async function openMenderArtifact(
  source: ByteSource,
  options: MenderReadOptions = {},
): Promise<OpenMenderArtifact> {
  const limits = { ...menderLimits, ...options.limits }
  const whole = new Tap()
  const tar = { members: 8, memberBytes: limits.artifactBytes, bytes: limits.artifactBytes }
  const members = readTar(whole.through(source), { name: 'the artifact', limits: tar })

  try {
    const head = await readHead(members, options, limits)
    const payload = new Payload(members, head.manifest, limits)
    const { header, signature, manifestBytes } = head
    return {
      header,
      signature,
      manifest: manifestBytes,
      files: payload.files,
      async finish() {
        await payload.finish()
        return whole.digest()
      },
    }
  } catch (error) {
    await members.return()
    throw error
  }
}

async function readHead(
  members: AsyncGenerator<TarMember, void, undefined>,
  options: MenderReadOptions,
  limits: MenderLimits,
) {
  const version = await collect((await requireMember(members, 'version')).content, maxVersionBytes, 'version')
  requireVersion3(version)
  const manifestBytes = await collect((await requireMember(members, 'manifest')).content, maxManifestBytes, 'manifest')
  let next = await nextMember(members, 'header.tar')
  let signature: string | null = null
  if (next.name === 'manifest.sig') {
    signature = Buffer.from(await collect(next.content, maxSignatureBytes, 'manifest.sig')).toString('latin1')
    next = await nextMember(members, 'header.tar')
  }
  options.verify?.(manifestBytes, signature)
  const manifest = parseManifest(manifestBytes)
  requireDigest(version, manifest.version, 'version')
  return { header: await readHeader(next, manifest, limits), signature, manifest, manifestBytes }
}

async function readHeader(member: TarMember, manifest: MenderManifest, limits: MenderLimits): Promise<MenderHeader> {
  if (/^(manifest|header)-augment/.test(member.name)) {
    throw new Fault(
      'refused',
      'formats.mender_augmented',
      'artifacts with unsigned additions (augment) are not accepted',
    )
  }
  const suffix = /^header\.tar(\.[a-z]+)?$/.exec(member.name)
  if (suffix === null) throw misplaced(member.name, 'header.tar')
  if (member.name !== manifest.header.name)
    throw mismatch(`the manifest covers ${manifest.header.name}, not ${member.name}`)
  const compression = compressionOf(suffix[1] ?? '')
  const stored = await collect(member.content, limits.headerBytes, member.name)
  requireDigest(stored, manifest.header.sha256, member.name)
  return parseHeader(stored, compression, limits)
}

class Payload {
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

function requireVersion3(bytes: Uint8Array): void {
  const { format, version } = parseJsonObject(bytes, 'version')
  if (format !== 'mender' || version !== 3) {
    throw new Fault('refused', 'formats.mender_version', 'only Mender artifacts of version 3 are accepted')
  }
}

async function nextMember(members: AsyncGenerator<TarMember>, expected: string): Promise<TarMember> {
  const next = await members.next()
  if (next.done === true) throw mismatch(`the artifact ends where ${expected} should stand`)
  return next.value
}

async function requireMember(members: AsyncGenerator<TarMember>, name: string): Promise<TarMember> {
  const member = await nextMember(members, name)
  if (member.name !== name) throw misplaced(member.name, name)
  return member
}

function requireDigest(bytes: Uint8Array, sha256: string, name: string): void {
  if (createHash('sha256').update(bytes).digest('hex') !== sha256) throw wrongDigest(name)
}

function wrongDigest(name: string): Fault {
  return new Fault('refused', 'formats.digest', `the SHA-256 of ${JSON.stringify(name)} is not the one in the manifest`)
}

function misplaced(found: string, expected: string): Fault {
  return new Fault('malformed', 'formats.mender_order', `${JSON.stringify(found)} stands where ${expected} should`)
}

function mismatch(message: string): Fault {
  return new Fault('malformed', 'formats.mender_content', message)
}
