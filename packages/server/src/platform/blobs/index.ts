export type { BlobDigest, Blobs, ByteRange, StoredBlob } from './blobs.ts'
export { openDirectoryBlobs } from './directory.ts'
export { openS3Blobs, type S3Settings } from './s3.ts'
