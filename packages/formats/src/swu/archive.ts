import { createCipheriv } from 'node:crypto'
import { type ByteSource, Fault } from '@holdfast/kernel'
import { compress } from '../compression.ts'
import { type Content, type Digest, digestOf, openContent, spool, unchanged } from '../content.ts'
import { addToChecksum, cpioEnd, cpioMemberHeader, cpioMemberPadding } from '../cpio.ts'
import { parseDescription } from './description.ts'

export interface SwuContent {
  readonly filename: string
  readonly content: Content
  readonly compress?: 'zlib' | 'zstd'
  /** AES-256-CBC; the vector must be new for every content. The device holds the key. */
  readonly encrypt?: { readonly key: Uint8Array; readonly iv: Uint8Array }
}

/** Makes a detached CMS signature (DER) over the bytes of `sw-description`. */
export type SignDescription = (description: Uint8Array) => Promise<Uint8Array> | Uint8Array

export interface PreparedContent {
  readonly filename: string
  readonly content: Content
  /** Of the bytes as stored, so after compression and encryption: these are what SWUpdate checks. */
  readonly digest: Digest
  readonly checksum: number
}

/** Brings a content into the form it is stored in; what that takes on disk is freed with `spools`. */
export async function prepareContent(item: SwuContent, spools: AsyncDisposableStack): Promise<PreparedContent> {
  let checksum = 0
  async function* summed(source: ByteSource) {
    for await (const part of source) {
      checksum = addToChecksum(checksum, part)
      yield part
    }
  }
  const { filename } = item
  const original = openContent(item.content)
  if (item.compress === undefined && item.encrypt === undefined) {
    const digest = await digestOf(summed(original))
    return { filename, content: item.content, digest, checksum }
  }
  const method = item.compress === undefined ? 'none' : item.compress === 'zlib' ? 'gzip' : 'zstd'
  const compressed = compress(original, method)
  const stored = item.encrypt === undefined ? compressed : encrypt(compressed, item.encrypt)
  const { content, digest } = spools.use(await spool(summed(stored)))
  return { filename, content, digest, checksum }
}

/** Description, signature and contents in the order that SWUpdate streams them. */
export async function* writeArchive(
  description: Uint8Array,
  contents: readonly PreparedContent[],
  sign: SignDescription | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  // What we cannot read ourselves we do not write.
  parseDescription(description)
  let position = 0
  for await (const part of members(description, contents, sign)) {
    position += part.length
    yield part
  }
  yield cpioEnd(position)
}

async function* members(
  description: Uint8Array,
  contents: readonly PreparedContent[],
  sign: SignDescription | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield smallMember('sw-description', description, 1)
  if (sign !== undefined) yield smallMember('sw-description.sig', await sign(description), 2)
  for (const [index, { filename, content, digest, checksum }] of contents.entries()) {
    yield cpioMemberHeader({ name: filename, size: digest.size, inode: index + 3, checksum })
    yield* unchanged(content, digest, filename)
    yield cpioMemberPadding(digest.size)
  }
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

function smallMember(name: string, content: Uint8Array, inode: number): Uint8Array {
  const header = cpioMemberHeader({ name, size: content.length, inode, checksum: addToChecksum(0, content) })
  return Buffer.concat([header, content, cpioMemberPadding(content.length)])
}
