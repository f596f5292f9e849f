import { createHash, type Hash } from 'node:crypto'
import { type FileHandle, mkdir, open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '@holdfast/kernel'
import type { StoredBlob } from './blobs.ts'

/** No upload writes nothing for so long. */
const abandonedMilliseconds = 60 * 60_000

/**
 * Makes the folder where uploads wait until they are whole, and throws away what a crash left there. Where other nodes use
 * the folder too, that is only what nobody has written to for an hour.
 */
export async function openWaitingRoom(path: string, { shared }: { readonly shared: boolean }): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  for (const name of await readdir(path)) {
    const file = join(path, name)
    const age = Date.now() - ((await stat(file).catch(() => undefined))?.mtimeMs ?? 0)
    if (!shared || age > abandonedMilliseconds) await rm(file, { recursive: true, force: true })
  }
}

export interface IntakeOptions<T> {
  readonly limit: number
  readonly check?: (bytes: AsyncIterable<Uint8Array>) => Promise<T>
  /** The digest and size that the check has found of all bytes: they are not hashed again. */
  readonly measured?: (checked: T) => { readonly sha256: string; readonly size: number }
}

/**
 * Writes a stream to a private new file while it is hashed and looked at by `check`, and makes it durable. The three see
 * the same bytes and memory holds one chunk of them.
 */
export async function takeIn<T>(
  source: AsyncIterable<Uint8Array>,
  path: string,
  options: IntakeOptions<T>,
): Promise<StoredBlob & { checked: T | undefined }> {
  const file = await open(path, 'wx', 0o600)
  try {
    const hash = options.measured === undefined || options.check === undefined ? createHash('sha256') : undefined
    const passing = new Passing(source, file, options.limit, hash)
    const stream = passing.chunks()
    const checked = options.check === undefined ? undefined : await options.check(borrowed(stream))
    for await (const _ of stream);
    await file.sync()
    return {
      digest: hash?.digest('hex') ?? digestFound(options, checked as T, passing.size),
      size: passing.size,
      checked,
    }
  } finally {
    await file.close()
  }
}

function digestFound<T>({ measured }: IntakeOptions<T>, checked: T, stored: number): string {
  const found = measured?.(checked)
  if (found?.size !== stored) throw new Error('the check has not read what was stored')
  return found.sha256
}

class Passing {
  size = 0
  readonly #hash: Hash | undefined
  readonly #source: AsyncIterable<Uint8Array>
  readonly #file: FileHandle
  readonly #limit: number

  constructor(source: AsyncIterable<Uint8Array>, file: FileHandle, limit: number, hash: Hash | undefined) {
    this.#hash = hash
    this.#source = source
    this.#file = file
    this.#limit = limit
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    for await (const chunk of this.#source) {
      this.size += chunk.length
      if (this.size > this.#limit) {
        throw new Fault('limited', 'blobs.too_large', `the upload is larger than ${this.#limit} bytes`)
      }
      // The write runs in another thread while this one hashes.
      const written = writeAll(this.#file, chunk)
      this.#hash?.update(chunk)
      await written
      yield chunk
    }
  }
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  let done = 0
  while (done < chunk.length) done += (await file.write(chunk, done, chunk.length - done)).bytesWritten
}

/** The stream without its `return`: a check that stops reading early must not end it, the rest is still to be stored. */
function borrowed(stream: AsyncGenerator<Uint8Array>): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => ({ next: () => stream.next() }) }
}
