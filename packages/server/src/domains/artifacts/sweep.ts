import { type Clock, hour, type Instant } from '@holdfast/kernel'
import type { Blobs } from '../../platform/blobs/index.ts'
import type { Database } from '../../platform/db/index.ts'
import type { Job } from '../../platform/jobs/jobs.ts'
import { isBlobUsed } from './store.ts'

/**
 * Removes blobs that no artifact names. One is removed only when it was unused an hour before too, so that an upload whose
 * bytes are stored but not yet recorded is safe.
 */
export function sweepJob({ db, blobs, clock }: { db: Database; blobs: Blobs; clock: Clock }): Job {
  let unused = new Map<string, Instant>()
  return {
    name: 'artifacts.sweep',
    everyMilliseconds: hour,
    async run() {
      const still = new Map<string, Instant>()
      for await (const digest of blobs.list()) {
        if (await isBlobUsed(db.read, digest)) continue
        const since = unused.get(digest) ?? clock.now()
        if (clock.now() - since >= hour) await blobs.remove(digest)
        else still.set(digest, since)
      }
      unused = still
    },
  }
}
