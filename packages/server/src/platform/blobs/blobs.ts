/** A SHA-256 in lower-case hex: the name of a blob is the digest of its bytes. */
export type BlobDigest = string

export interface StoredBlob {
  readonly digest: BlobDigest
  readonly size: number
}

export interface ByteRange {
  /** First byte, from 0. */
  readonly start: number
  /** Last byte, included. */
  readonly end: number
}

/** Content-addressed storage. A blob is either there whole and durable or not there at all. */
export interface Blobs {
  /**
   * Stores a stream. `check` sees the same bytes while they pass and may throw to refuse them: then nothing is kept.
   * Throws `blobs.too_large` beyond `limit` bytes. Where the check hashes everything itself, `measured` tells what it found.
   */
  put<T>(
    source: AsyncIterable<Uint8Array>,
    options: {
      limit: number
      check?: (bytes: AsyncIterable<Uint8Array>) => Promise<T>
      measured?: (checked: T) => { readonly sha256: string; readonly size: number }
    },
  ): Promise<StoredBlob & { checked: T | undefined }>
  /** Throws `blobs.missing`. */
  size(digest: BlobDigest): Promise<number>
  /** Throws `blobs.missing`. */
  read(digest: BlobDigest, range?: ByteRange): Promise<AsyncIterable<Uint8Array>>
  /** Removing what is not there is no error. */
  remove(digest: BlobDigest): Promise<void>
  list(): AsyncIterable<BlobDigest>
}
