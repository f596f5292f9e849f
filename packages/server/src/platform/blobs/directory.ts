import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault, newId } from '@holdfast/kernel'
import type { BlobDigest, Blobs, ByteRange } from './blobs.ts'
import { openWaitingRoom, takeIn } from './intake.ts'

const readSize = 256 * 1024

/** Blobs as files `ab/abcd…` of a directory, durable before they are named. `shared`: other nodes use it at the same time. */
export async function openDirectoryBlobs(root: string, { shared = false } = {}): Promise<Blobs> {
  const incoming = join(root, 'incoming')
  await openWaitingRoom(incoming, { shared })
  const pathOf = (digest: BlobDigest) => join(root, digest.slice(0, 2), requireDigest(digest))
  return {
    async put(source, options) {
      const temporary = join(incoming, newId())
      try {
        const taken = await takeIn(source, temporary, options)
        await mkdir(join(root, taken.digest.slice(0, 2)), { recursive: true, mode: 0o700 })
        await rename(temporary, pathOf(taken.digest))
        await syncDirectory(join(root, taken.digest.slice(0, 2)))
        return taken
      } catch (thrown) {
        await rm(temporary, { force: true })
        throw diskFault(thrown)
      }
    },
    async size(digest) {
      return (await stat(pathOf(digest)).catch((thrown: unknown) => missing(thrown, digest))).size
    },
    async read(digest, range) {
      const path = pathOf(digest)
      await stat(path).catch((thrown: unknown) => missing(thrown, digest))
      return createReadStream(path, { highWaterMark: readSize, ...(range satisfies ByteRange | undefined) })
    },
    async remove(digest) {
      await rm(pathOf(digest), { force: true })
    },
    async *list() {
      for (const folder of await readdir(root)) {
        if (folder.length === 2) yield* await readdir(join(root, folder))
      }
    },
  }
}

export function requireDigest(digest: string): BlobDigest {
  if (!/^[0-9a-f]{64}$/.test(digest)) throw new Fault('malformed', 'blobs.digest', 'not a SHA-256 in hex')
  return digest
}

function missing(thrown: unknown, digest: BlobDigest): never {
  throw new Fault('missing', 'blobs.missing', `there is no blob ${digest}`, { cause: thrown })
}

/** A new name is durable only once its directory is. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

export function diskFault(thrown: unknown): unknown {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EROFS' || code === 'EIO') {
    return new Fault('unavailable', 'platform.disk_full', 'the upload cannot be stored: is the disk full?', {
      cause: thrown,
      retryAfter: 30,
    })
  }
  return thrown
}
