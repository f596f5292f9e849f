import { statfsSync, writeFileSync } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '@holdfast/kernel'
import type { Blobs } from '../blobs/index.ts'
import type { Database } from '../db/index.ts'

const mebibyte = 1024 * 1024
const ballastBytes = 16 * mebibyte
const checkEveryMilliseconds = 2_000

export interface DiskGuard {
  freeBytes(): number
  /** Throws `platform.disk_full` while less than the minimum is free. */
  requireRoom(): void
}

/** Watches the free space under the data directory, so that writes are refused before they can fail half-way. */
export function watchDisk(directory: string, minFreeMiB: number): DiskGuard {
  let free = measure(directory)
  let at = Date.now()
  const freeBytes = () => {
    if (Date.now() - at > checkEveryMilliseconds) {
      free = measure(directory)
      at = Date.now()
    }
    return free
  }
  return {
    freeBytes,
    requireRoom() {
      if (freeBytes() >= minFreeMiB * mebibyte) return
      throw new Fault(
        'unavailable',
        'platform.disk_full',
        'the disk is almost full: nothing can be changed, reading works',
        {
          retryAfter: 60,
        },
      )
    },
  }
}

/**
 * Keeps a file that can be given up when the disk has filled while the server was not looking: even opening a database
 * needs some room, and a server that cannot start cannot say why.
 */
export async function keepBallast(directory: string): Promise<void> {
  const path = join(directory, 'ballast')
  const free = measure(directory)
  if (free < ballastBytes) await rm(path, { force: true })
  else if (free > 8 * ballastBytes && (await stat(path).catch(() => undefined)) === undefined) {
    writeFileSync(path, Buffer.alloc(ballastBytes, 0x5a), { mode: 0o600 })
  }
}

export function guardDatabase(db: Database, guard: DiskGuard): Database {
  return {
    ...db,
    async write(work) {
      guard.requireRoom()
      return db.write(work)
    },
  }
}

export function guardBlobs(blobs: Blobs, guard: DiskGuard): Blobs {
  return {
    ...blobs,
    async put(source, options) {
      guard.requireRoom()
      return blobs.put(source, options)
    },
  }
}

function measure(directory: string): number {
  const { bavail, bsize } = statfsSync(directory)
  return bavail * bsize
}
