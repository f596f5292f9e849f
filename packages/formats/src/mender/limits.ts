import { Fault } from '@holdfast/kernel'
import type { Compression } from '../compression.ts'

export interface MenderLimits {
  /** Of the artifact as it is stored. */
  readonly artifactBytes: number
  /** Of the header, compressed and expanded; it is held in memory. */
  readonly headerBytes: number
  /** Of all payload files together, expanded. */
  readonly payloadBytes: number
  readonly files: number
  /** Expanded bytes for each compressed one. */
  readonly ratio: number
}

const mebibyte = 1024 * 1024
const gibibyte = 1024 * mebibyte

export const menderLimits: MenderLimits = {
  artifactBytes: 10 * gibibyte,
  headerBytes: 16 * mebibyte,
  payloadBytes: 64 * gibibyte,
  files: 256,
  ratio: 1_000,
}

const suffixes: Readonly<Record<Compression, string>> = { none: '', gzip: '.gz', zstd: '.zst' }

export function suffixOf(compression: Compression): string {
  return suffixes[compression]
}

/** The compression that a member's suffix declares. Throws `formats.compression_unsupported`. */
export function compressionOf(suffix: string): Compression {
  if (suffix === '') return 'none'
  if (suffix === '.gz') return 'gzip'
  if (suffix === '.zst') return 'zstd'
  throw new Fault(
    'refused',
    'formats.compression_unsupported',
    `the compression ${suffix} is not supported; write the artifact with gzip, zstd or none`,
  )
}
