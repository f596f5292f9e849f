import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip, createZstdCompress, createZstdDecompress } from 'node:zlib'
import { type ByteSource, Fault, messageOf } from '@holdfast/kernel'

export type Compression = 'none' | 'gzip' | 'zstd'

export interface ExpansionLimits {
  /** Of the decompressed stream. */
  readonly bytes: number
  /** Decompressed bytes for each compressed one. */
  readonly ratio: number
}

const chunkSize = 256 * 1024
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
  let consumed = 0
  let produced = 0
  async function* counted() {
    for await (const chunk of source) {
      consumed += chunk.length
      yield chunk
    }
  }
  const decoder = compression === 'gzip' ? createGunzip({ chunkSize }) : createZstdDecompress({ chunkSize })
  const feeding = pipeline(Readable.from(counted(), { highWaterMark: 1 }), decoder)
  // The same failure reaches the loop below through the decoder.
  feeding.catch(() => undefined)
  try {
    for await (const chunk of decoder as AsyncIterable<Uint8Array>) {
      produced += chunk.length
      if (produced > limits.bytes) {
        throw new Fault('limited', 'formats.too_large', `${name} expands to more than ${limits.bytes} bytes`)
      }
      if (produced > ratioFreeBytes && produced > consumed * limits.ratio) {
        throw new Fault('refused', 'formats.expansion_ratio', `${name} expands more than ${limits.ratio} times`)
      }
      yield chunk
    }
    await feeding
    if (decoder.bytesWritten !== consumed) throw damaged(name, 'something follows the compressed data')
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
  const feeding = pipeline(Readable.from(source, { highWaterMark: 1 }), coder)
  feeding.catch(() => undefined)
  try {
    yield* coder as AsyncIterable<Uint8Array>
    await feeding
  } finally {
    coder.destroy()
  }
}

function isCodecError(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return code.startsWith('Z_') || code.startsWith('ZSTD_') || code === 'ERR_TRAILING_JUNK_AFTER_STREAM_END'
}

function damaged(name: string, why: string, cause?: unknown): Fault {
  return new Fault('malformed', 'formats.compressed_data', `${name} cannot be decompressed: ${why}`, { cause })
}
