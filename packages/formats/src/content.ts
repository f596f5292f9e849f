import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type ByteSource, Fault } from '@holdfast/kernel'

/**
 * Bytes that a writer puts into an archive: held, on disk, or from a source that can be opened twice, because
 * digests stand before the content.
 */
export type Content = Uint8Array | { readonly path: string } | { readonly open: () => ByteSource }

const chunkSize = 256 * 1024

export function openContent(content: Content): ByteSource {
  if (content instanceof Uint8Array) return oneChunk(content)
  return 'path' in content ? createReadStream(content.path, { highWaterMark: chunkSize }) : content.open()
}

export interface Digest {
  readonly size: number
  readonly sha256: string
}

/** Counts and hashes what flows through it. */
export class Tap {
  readonly #hash = createHash('sha256')
  #size = 0
  #digest: string | null = null

  async *through(source: ByteSource): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of source) {
      this.update(chunk)
      yield chunk
    }
  }

  update(chunk: Uint8Array): void {
    this.#hash.update(chunk)
    this.#size += chunk.length
  }

  get size(): number {
    return this.#size
  }

  /** Of everything so far; nothing may be added afterwards. */
  digest(): Digest {
    this.#digest ??= this.#hash.digest('hex')
    return { size: this.#size, sha256: this.#digest }
  }
}

export async function digestOf(source: ByteSource): Promise<Digest> {
  const tap = new Tap()
  for await (const chunk of source) tap.update(chunk)
  return tap.digest()
}

/** Passes `content` on, and throws `formats.content_changed` at the end when it is not what was measured. */
export async function* unchanged(content: Content, expected: Digest, name: string): AsyncGenerator<Uint8Array> {
  const tap = new Tap()
  for await (const chunk of openContent(content)) {
    tap.update(chunk)
    // An archive header has promised the size already: never hand out more.
    if (tap.size > expected.size) throw changed(name)
    yield chunk
  }
  const { size, sha256 } = tap.digest()
  if (size !== expected.size || sha256 !== expected.sha256) throw changed(name)
}

/**
 * Content whose check comes with its last byte. A reader may leave early without closing the source, so that the
 * rest can still be read and checked by whoever owns it.
 */
export class CheckedContent {
  readonly #parts: AsyncIterator<Uint8Array>
  readonly #update: (part: Uint8Array) => void
  readonly #check: () => void
  #isChecked = false

  constructor(source: ByteSource, checks: { update(part: Uint8Array): void; check(): void }) {
    this.#parts = source[Symbol.asyncIterator]()
    this.#update = checks.update
    this.#check = checks.check
  }

  /** What was not read yet; throws at the end when the check fails. */
  async *read(): AsyncGenerator<Uint8Array, void, undefined> {
    while (!this.#isChecked) {
      const part = await this.#parts.next()
      if (part.done === true) {
        this.#isChecked = true
        this.#check()
        return
      }
      this.#update(part.value)
      yield part.value
    }
  }

  async drain(): Promise<void> {
    for await (const _ of this.read());
  }
}

/** All bytes of a source that must be small. Throws `formats.too_large`. */
export async function collect(source: ByteSource, limit: number, name: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of source) {
    size += chunk.length
    if (size > limit) throw new Fault('limited', 'formats.too_large', `${name} is larger than ${limit} bytes`)
    // A part may be a view that the next one overwrites.
    chunks.push(Uint8Array.from(chunk))
  }
  return Buffer.concat(chunks)
}

export interface Spool extends AsyncDisposable {
  readonly content: Content
  readonly digest: Digest
}

/** Keeps a stream in a private temporary file, for content whose size is known only after making it. */
export async function spool(source: ByteSource): Promise<Spool> {
  const path = join(tmpdir(), `holdfast-${randomUUID()}.spool`)
  const remove = () => rm(path, { force: true })
  const tap = new Tap()
  try {
    await pipeline(
      Readable.from(tap.through(source), { highWaterMark: 1 }),
      createWriteStream(path, { flags: 'wx', mode: 0o600 }),
    )
  } catch (error) {
    await remove()
    throw error
  }
  return { content: { path }, digest: tap.digest(), [Symbol.asyncDispose]: remove }
}

async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  if (bytes.length > 0) yield bytes
}

function changed(name: string): Fault {
  return new Fault('conflict', 'formats.content_changed', `${name} changed while it was being written`)
}
