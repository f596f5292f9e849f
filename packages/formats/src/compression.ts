import type { Transform } from 'node:stream'
import { createGunzip, createGzip, createZstdCompress, createZstdDecompress } from 'node:zlib'
import { type ByteSource, Fault, messageOf } from '@holdfast/kernel'

export type Compression = 'none' | 'gzip' | 'zstd'

export interface ExpansionLimits {
  /** Of the decompressed stream. */
  readonly bytes: number
  /** Decompressed bytes for each compressed one. */
  readonly ratio: number
}

const chunkSize = 128 * 1024
/** A tar of a few short files is mostly zeros; the ratio says nothing about streams as small as this. */
const ratioFreeBytes = 256 * 1024

/**
 * Decompresses as a stream and stops a bomb while it expands. Throws `formats.too_large`,
 * `formats.expansion_ratio`, `formats.compressed_data` when the data is damaged or followed by anything.
 */
export async function* decompress(
  source: ByteSource,
  compression: Compression,
  options: { readonly name: string; readonly limits: ExpansionLimits },
): AsyncGenerator<Uint8Array, void, undefined> {
  const { name, limits } = options
  if (compression === 'none') {
    yield* source
    return
  }
  const decoder = compression === 'gzip' ? createGunzip({ chunkSize }) : createZstdDecompress({ chunkSize })
  const state = { fed: 0 }
  const feeding = feed(source, decoder, (size) => {
    state.fed += size
    // NOTE: Node ends a zstd stream at the end of its first frame; more frames are refused as well.
    if (decoder.bytesWritten !== state.fed) throw damaged(name, 'something follows the compressed data')
  })
  feeding.catch(() => undefined)
  let produced = 0
  try {
    for await (const chunk of decoder as AsyncIterable<Uint8Array>) {
      produced += chunk.length
      if (produced > limits.bytes) {
        throw new Fault('limited', 'formats.too_large', `${name} expands to more than ${limits.bytes} bytes`)
      }
      if (produced > ratioFreeBytes && produced > decoder.bytesWritten * limits.ratio) {
        throw new Fault('refused', 'formats.expansion_ratio', `${name} expands more than ${limits.ratio} times`)
      }
      yield chunk
    }
    await feeding
  } catch (error) {
    throw isCodecError(error) ? damaged(name, messageOf(error), error) : error
  } finally {
    decoder.destroy()
  }
}

/** Equal input gives equal output: the gzip header holds neither a time nor a name. */
export async function* compress(
  source: ByteSource,
  compression: Compression,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (compression === 'none') {
    yield* source
    return
  }
  const coder = compression === 'gzip' ? createGzip({ chunkSize }) : createZstdCompress({ chunkSize })
  const feeding = feed(source, coder)
  feeding.catch(() => undefined)
  try {
    yield* coder as AsyncIterable<Uint8Array>
    await feeding
  } finally {
    coder.destroy()
  }
}

/**
 * Writes one chunk after the other, each when the one before is processed: a source may reuse its buffer, and the
 * end is a call of its own (ended together with a write, Node's zstd coder adds an empty frame).
 */
async function feed(
  source: ByteSource,
  coder: Transform,
  fed: (size: number) => void = () => undefined,
): Promise<void> {
  coder.on('error', () => undefined)
  let stop = (): void => undefined
  coder.once('close', () => stop())
  try {
    for await (const chunk of source) {
      await new Promise<void>((resolve, reject) => {
        // A coder that is destroyed may forget the write it was at; the source must be closed all the same.
        stop = () => reject(new Error('the reader left'))
        coder.write(chunk, (error) => (error == null ? resolve() : reject(error)))
      })
      fed(chunk.length)
    }
    coder.end()
  } catch (error) {
    // Ends the loop that reads from the coder, if it has not ended yet.
    coder.destroy(error instanceof Error ? error : new Error(messageOf(error)))
    throw error
  }
}

function isCodecError(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return code.startsWith('Z_') || code.startsWith('ZSTD_') || code === 'ERR_TRAILING_JUNK_AFTER_STREAM_END'
}

function damaged(name: string, why: string, cause?: unknown): Fault {
  return new Fault('malformed', 'formats.compressed_data', `${name} cannot be decompressed: ${why}`, { cause })
}
