import { createHash } from 'node:crypto'
import { type ByteSource, Fault } from '@holdfast/kernel'
import { type Compression, compress } from '../compression.ts'
import { type Content, collect, type Digest, digestOf, openContent, spool, unchanged } from '../content.ts'
import type { JsonObject } from '../json-shape.ts'
import { NameSet, requireSafeFileName } from '../safe-name.ts'
import { tarEnd, tarMember, tarMemberHeader, tarMemberPadding } from '../tar.ts'
import { describeScript, formatHeader, type MenderDepends, parseHeader } from './header.ts'
import { menderLimits, suffixOf } from './limits.ts'
import { formatManifest } from './manifest.ts'
import { encodeMenderSignature } from './signature.ts'

export interface MenderSpec {
  readonly name: string
  readonly group?: string
  readonly depends: Pick<MenderDepends, 'deviceTypes'> & Partial<MenderDepends>
  /** The update module that installs the payload. */
  readonly payloadType: string
  readonly payloadProvides?: Readonly<Record<string, string>>
  readonly payloadDepends?: Readonly<Record<string, string | readonly string[]>>
  readonly clears?: readonly string[]
  readonly metaData?: JsonObject
  readonly files: readonly { readonly name: string; readonly content: Content }[]
  readonly scripts?: readonly { readonly name: string; readonly content: Content }[]
  /** gzip unless told; every client reads it. */
  readonly compression?: Compression
  /** Signs the manifest bytes: RSA PKCS#1 v1.5 or ECDSA P-256 (r‖s or DER), with SHA-256. */
  readonly sign?: (manifest: Uint8Array) => Promise<Uint8Array> | Uint8Array
}

interface MeasuredFile {
  readonly name: string
  readonly content: Content
  readonly digest: Digest
}

export const menderVersionDocument: Uint8Array = new TextEncoder().encode('{"format":"mender","version":3}')

/**
 * Streams a version 3 artifact. Equal specs give equal bytes (but for the signature). Contents are read twice;
 * one that changes in between is a Fault, and what was written until then must be thrown away.
 */
export async function* writeMenderArtifact(spec: MenderSpec): AsyncGenerator<Uint8Array, void, undefined> {
  const compression = spec.compression ?? 'gzip'
  const suffix = suffixOf(compression)
  const files = await measureFiles(spec)
  const header = await collect(
    compress(openContent(formatHeader(await describeSpec(spec))), compression),
    menderLimits.headerBytes,
    'the header',
  )
  // What we cannot read ourselves we do not write.
  await parseHeader(header, compression, menderLimits)
  const manifest = formatManifest({
    version: sha256Of(menderVersionDocument),
    header: { name: `header.tar${suffix}`, sha256: sha256Of(header) },
    files: new Map(files.map(({ name, digest }) => [name, digest.sha256])),
  })

  yield tarMember('version', menderVersionDocument)
  yield tarMember('manifest', manifest)
  if (spec.sign !== undefined) yield tarMember('manifest.sig', encodeMenderSignature(await spec.sign(manifest)))
  yield tarMember(`header.tar${suffix}`, header)
  yield* writePayload(files, compression)
  yield tarEnd()
}

async function* writePayload(files: readonly MeasuredFile[], compression: Compression): AsyncGenerator<Uint8Array> {
  if (compression === 'none') {
    yield* member('data/0000.tar', payloadSize(files), payloadTar(files))
    return
  }
  await using compressed = await spool(compress(payloadTar(files), compression))
  const name = `data/0000.tar${suffixOf(compression)}`
  yield* member(name, compressed.digest.size, unchanged(compressed.content, compressed.digest, name))
}

async function* payloadTar(files: readonly MeasuredFile[]): AsyncGenerator<Uint8Array> {
  for (const { name, content, digest } of files) yield* member(name, digest.size, unchanged(content, digest, name))
  yield tarEnd()
}

function payloadSize(files: readonly MeasuredFile[]): number {
  return files.reduce(
    (sum, { name, digest: { size } }) =>
      sum + tarMemberHeader(name, size).length + size + tarMemberPadding(size).length,
    tarEnd().length,
  )
}

async function* member(name: string, size: number, content: ByteSource): AsyncGenerator<Uint8Array> {
  yield tarMemberHeader(name, size)
  yield* content
  yield tarMemberPadding(size)
}

async function measureFiles(spec: MenderSpec): Promise<MeasuredFile[]> {
  if (spec.files.length > menderLimits.files) {
    throw new Fault('limited', 'formats.too_large', `an artifact holds at most ${menderLimits.files} files`)
  }
  const names = new NameSet()
  const measured: MeasuredFile[] = []
  for (const { name, content } of spec.files) {
    names.add(requireSafeFileName(name))
    measured.push({ name, content, digest: await digestOf(openContent(content)) })
  }
  return measured.sort((a, b) => (a.name < b.name ? -1 : 1))
}

async function describeSpec(spec: MenderSpec) {
  const scripts = []
  for (const { name, content } of spec.scripts ?? []) {
    scripts.push(describeScript(name, await collect(openContent(content), menderLimits.headerBytes, name)))
  }
  return {
    name: spec.name,
    group: spec.group ?? null,
    depends: { artifactNames: [], artifactGroups: [], ...spec.depends },
    payloadType: spec.payloadType,
    payloadProvides: spec.payloadProvides ?? {},
    payloadDepends: spec.payloadDepends ?? {},
    clears: spec.clears ?? [],
    metaData: spec.metaData ?? null,
    scripts,
  }
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
