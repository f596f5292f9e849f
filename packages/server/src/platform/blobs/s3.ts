import { open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { Fault, newId } from '@holdfast/kernel'
import type { Blobs } from './blobs.ts'
import { diskFault, requireDigest } from './directory.ts'
import { openWaitingRoom, takeIn } from './intake.ts'

export interface S3Settings {
  readonly endpoint?: string | undefined
  readonly region: string
  readonly bucket: string
  readonly prefix: string
  readonly accessKeyId?: string | undefined
  readonly secretAccessKey?: string | undefined
  readonly forcePathStyle: boolean
  /** How long the store may say nothing before it counts as away; 30 s. */
  readonly silenceMilliseconds?: number
}

const partSize = 16 * 1024 * 1024
const usualSilence = 30_000
const connectionTimeout = 5_000

/**
 * Blobs as objects `<prefix>ab/abcd…` of a bucket. An upload is first checked whole in `spool`, because the name of an
 * object is its digest and nothing unchecked may ever be visible.
 */
export async function openS3Blobs(settings: S3Settings, spool: string, { shared = false } = {}): Promise<Blobs> {
  await openWaitingRoom(spool, { shared })
  const { accessKeyId, secretAccessKey, silenceMilliseconds: socketTimeout = usualSilence } = settings
  const client = new S3Client({
    region: settings.region,
    forcePathStyle: settings.forcePathStyle,
    requestHandler: { connectionTimeout, socketTimeout },
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    ...(settings.endpoint === undefined ? {} : { endpoint: settings.endpoint }),
    ...(accessKeyId === undefined || secretAccessKey === undefined
      ? {}
      : { credentials: { accessKeyId, secretAccessKey } }),
  })
  const bucket = new Bucket(client, settings.bucket, settings.prefix)
  return {
    async put(source, options) {
      const temporary = join(spool, newId())
      try {
        const taken = await takeIn(source, temporary, options)
        if (!(await bucket.has(taken.digest))) await bucket.upload(taken.digest, temporary, taken.size)
        return taken
      } catch (thrown) {
        throw diskFault(thrown)
      } finally {
        await rm(temporary, { force: true })
      }
    },
    size: (digest) => bucket.size(digest),
    read: (digest, range) => bucket.read(digest, range === undefined ? undefined : `bytes=${range.start}-${range.end}`),
    remove: (digest) => bucket.remove(digest),
    list: () => bucket.list(),
  }
}

class Bucket {
  readonly #client: S3Client
  readonly #bucket: string
  readonly #prefix: string

  constructor(client: S3Client, bucket: string, prefix: string) {
    this.#client = client
    this.#bucket = bucket
    this.#prefix = prefix
  }

  async has(digest: string): Promise<boolean> {
    return this.size(digest).then(
      () => true,
      (thrown: unknown) => {
        if (thrown instanceof Fault && thrown.kind === 'missing') return false
        throw thrown
      },
    )
  }

  async size(digest: string): Promise<number> {
    const head = await this.#client
      .send(new HeadObjectCommand(this.#name(digest)))
      .catch((thrown) => storeFault(thrown, digest))
    return head.ContentLength ?? 0
  }

  async read(digest: string, range: string | undefined): Promise<AsyncIterable<Uint8Array>> {
    const command = new GetObjectCommand({ ...this.#name(digest), ...(range === undefined ? {} : { Range: range }) })
    const { Body } = await this.#client.send(command).catch((thrown) => storeFault(thrown, digest))
    if (Body === undefined)
      throw new Fault('unavailable', 'blobs.store', 'the object store sent no content', { retryAfter: 5 })
    return Body as unknown as AsyncIterable<Uint8Array>
  }

  async remove(digest: string): Promise<void> {
    await this.#client.send(new DeleteObjectCommand(this.#name(digest))).catch((thrown) => storeFault(thrown, digest))
  }

  async *list(): AsyncGenerator<string> {
    const pages = paginateListObjectsV2({ client: this.#client }, { Bucket: this.#bucket, Prefix: this.#prefix })
    while (true) {
      const page = await pages.next().catch((thrown: unknown) => storeFault(thrown, ''))
      if (page.done === true) return
      for (const { Key } of page.value.Contents ?? []) yield Key?.split('/').at(-1) ?? ''
    }
  }

  async upload(digest: string, path: string, size: number): Promise<void> {
    try {
      if (size <= partSize) {
        // From memory, because a stream could not be sent again when the first attempt fails.
        await this.#client.send(new PutObjectCommand({ ...this.#name(digest), Body: await readFile(path) }))
      } else await this.#uploadInParts(digest, path, size)
    } catch (thrown) {
      storeFault(thrown, digest)
    }
  }

  async #uploadInParts(digest: string, path: string, size: number): Promise<void> {
    const name = this.#name(digest)
    const { UploadId } = await this.#client.send(new CreateMultipartUploadCommand(name))
    const file = await open(path, 'r')
    try {
      const parts: { PartNumber: number; ETag: string | undefined }[] = []
      for (let start = 0; start < size; start += partSize) {
        const body = Buffer.alloc(Math.min(partSize, size - start))
        await file.read(body, 0, body.length, start)
        const PartNumber = parts.length + 1
        const { ETag } = await this.#client.send(new UploadPartCommand({ ...name, UploadId, PartNumber, Body: body }))
        parts.push({ PartNumber, ETag })
      }
      await this.#client.send(
        new CompleteMultipartUploadCommand({ ...name, UploadId, MultipartUpload: { Parts: parts } }),
      )
    } catch (thrown) {
      await this.#client.send(new AbortMultipartUploadCommand({ ...name, UploadId })).catch(() => {})
      throw thrown
    } finally {
      await file.close()
    }
  }

  #name(digest: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: `${this.#prefix}${digest.slice(0, 2)}/${requireDigest(digest)}` }
  }
}

function storeFault(thrown: unknown, digest: string): never {
  const name = thrown instanceof Error ? thrown.name : ''
  if (name === 'NotFound' || name === 'NoSuchKey')
    throw new Fault('missing', 'blobs.missing', `there is no blob ${digest}`, { cause: thrown })
  if (thrown instanceof Fault) throw thrown
  throw new Fault('unavailable', 'blobs.store', 'the object store does not answer as it should', {
    cause: thrown,
    retryAfter: 5,
  })
}
