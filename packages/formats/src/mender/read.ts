import { createHash } from 'node:crypto'
import { type ByteSource, Fault } from '@holdfast/kernel'
import { collect, type Digest, Tap } from '../content.ts'
import { parseJsonObject } from '../json-shape.ts'
import { readTar, type TarMember } from '../tar.ts'
import { type MenderHeader, parseHeader } from './header.ts'
import { compressionOf, type MenderLimits, menderLimits } from './limits.ts'
import { type MenderManifest, maxManifestBytes, parseManifest } from './manifest.ts'
import {
  type MenderFile,
  type MenderPayloadFile,
  mismatch,
  misplaced,
  nextMember,
  Payload,
  wrongDigest,
} from './payload.ts'

export interface MenderReadOptions {
  readonly limits?: Partial<MenderLimits>
  /** Called with the manifest before anything that it covers is parsed; throws to refuse the artifact. */
  readonly verify?: (manifest: Uint8Array, signature: string | null) => void
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

function requireVersion3(bytes: Uint8Array): void {
  const { format, version } = parseJsonObject(bytes, 'version')
  if (format !== 'mender' || version !== 3) {
    throw new Fault('refused', 'formats.mender_version', 'only Mender artifacts of version 3 are accepted')
  }
}

async function requireMember(members: AsyncGenerator<TarMember>, name: string): Promise<TarMember> {
  const member = await nextMember(members, name)
  if (member.name !== name) throw misplaced(member.name, name)
  return member
}

function requireDigest(bytes: Uint8Array, sha256: string, name: string): void {
  if (createHash('sha256').update(bytes).digest('hex') !== sha256) throw wrongDigest(name)
}
