import { createCipheriv } from 'node:crypto'
import { type ByteSource, Fault } from '@holdfast/kernel'
import { compress } from '../compression.ts'
import { type Content, type Digest, digestOf, openContent, type Spool, spool, unchanged } from '../content.ts'
import { addToChecksum, cpioEnd, cpioMemberHeader, cpioMemberPadding } from '../cpio.ts'
import { NameSet, requireSafeFileName } from '../safe-name.ts'
import type { SwuSection } from './description.ts'
import { formatLibconfig, type LibconfigValue } from './libconfig.ts'

export interface SwuItem {
  readonly section: SwuSection
  readonly filename: string
  readonly content: Content
  /** Settings for the handler: type, device, path, name, version, installed-directly, properties … */
  readonly settings: { readonly [name: string]: LibconfigValue }
  readonly compress?: 'zlib' | 'zstd'
  /** AES-256-CBC; the vector must be new for every content. The device holds the key. */
  readonly encrypt?: { readonly key: Uint8Array; readonly iv: Uint8Array }
}

export interface SwuSpec {
  readonly version: string
  readonly name?: string
  readonly description?: string
  /** Revisions of the board that may install it. */
  readonly hardwareCompatibility: readonly string[]
  /** More settings of the group `software`, such as `reboot`. */
  readonly settings?: { readonly [name: string]: LibconfigValue }
  readonly items: readonly SwuItem[]
  /** Makes a detached CMS signature (DER) over the bytes of `sw-description`. */
  readonly sign?: (description: Uint8Array) => Promise<Uint8Array> | Uint8Array
}

interface Prepared {
  readonly item: SwuItem
  readonly content: Content
  readonly digest: Digest
  readonly checksum: number
}

/**
 * Streams a `.swu`. Digests are of the bytes as stored, so after compression and encryption, as SWUpdate checks
 * them. Equal specs give equal bytes (but for the signature).
 */
export async function* writeSwu(spec: SwuSpec): AsyncGenerator<Uint8Array, void, undefined> {
  await using spools = new AsyncDisposableStack()
  const names = new NameSet()
  for (const reserved of ['sw-description', 'sw-description.sig']) names.add(reserved)
  const prepared: Prepared[] = []
  for (const item of spec.items) {
    names.add(requireSafeFileName(item.filename))
    prepared.push(await prepare(item, spools))
  }
  let position = 0
  for await (const part of archive(spec, prepared)) {
    position += part.length
    yield part
  }
  yield cpioEnd(position)
}

async function* archive(spec: SwuSpec, prepared: readonly Prepared[]): AsyncGenerator<Uint8Array, void, undefined> {
  const description = new TextEncoder().encode(formatDescription(spec, prepared))
  yield smallMember('sw-description', description, 1)
  if (spec.sign !== undefined) yield smallMember('sw-description.sig', await spec.sign(description), 2)
  for (const [index, { item, content, digest, checksum }] of prepared.entries()) {
    yield cpioMemberHeader({ name: item.filename, size: digest.size, inode: index + 3, checksum })
    yield* unchanged(content, digest, item.filename)
    yield cpioMemberPadding(digest.size)
  }
}

async function prepare(item: SwuItem, spools: AsyncDisposableStack): Promise<Prepared> {
  let checksum = 0
  async function* summed(source: ByteSource) {
    for await (const part of source) {
      checksum = addToChecksum(checksum, part)
      yield part
    }
  }
  const original = openContent(item.content)
  if (item.compress === undefined && item.encrypt === undefined) {
    const digest = await digestOf(summed(original))
    return { item, content: item.content, digest, checksum }
  }
  const method = item.compress === undefined ? 'none' : item.compress === 'zlib' ? 'gzip' : 'zstd'
  const compressed = compress(original, method)
  const stored = item.encrypt === undefined ? compressed : encrypt(compressed, item.encrypt)
  const kept: Spool = spools.use(await spool(summed(stored)))
  return { item, content: kept.content, digest: kept.digest, checksum }
}

async function* encrypt(
  source: ByteSource,
  { key, iv }: { key: Uint8Array; iv: Uint8Array },
): AsyncGenerator<Uint8Array> {
  if (key.length !== 32 || iv.length !== 16) {
    throw new Fault('malformed', 'formats.swu_key', 'AES-256-CBC needs a key of 32 bytes and a vector of 16')
  }
  const cipher = createCipheriv('aes-256-cbc', key, iv)
  for await (const part of source) yield cipher.update(part)
  yield cipher.final()
}

function formatDescription(spec: SwuSpec, prepared: readonly Prepared[]): string {
  const section = (name: SwuSection) => {
    const groups = prepared.filter(({ item }) => item.section === name).map(formatEntry)
    return groups.length === 0 ? {} : { [name]: groups }
  }
  return formatLibconfig({
    software: {
      version: spec.version,
      ...(spec.name === undefined ? {} : { name: spec.name }),
      ...(spec.description === undefined ? {} : { description: spec.description }),
      'hardware-compatibility': [...spec.hardwareCompatibility],
      ...spec.settings,
      ...section('images'),
      ...section('files'),
      ...section('scripts'),
    },
  })
}

function formatEntry({ item, digest }: Prepared): { readonly [name: string]: LibconfigValue } {
  return {
    filename: item.filename,
    ...item.settings,
    ...(item.compress === undefined ? {} : { compressed: item.compress }),
    ...(item.encrypt === undefined ? {} : { encrypted: true, ivt: Buffer.from(item.encrypt.iv).toString('hex') }),
    sha256: digest.sha256,
  }
}

function smallMember(name: string, content: Uint8Array, inode: number): Uint8Array {
  const header = cpioMemberHeader({ name, size: content.length, inode, checksum: addToChecksum(0, content) })
  return Buffer.concat([header, content, cpioMemberPadding(content.length)])
}
