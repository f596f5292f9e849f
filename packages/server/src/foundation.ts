import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '@holdfast/kernel'
import type { Config } from './config.ts'
import { migrations } from './migrations.ts'
import { type Blobs, openDirectoryBlobs, openS3Blobs } from './platform/blobs/index.ts'
import { type Database, migrate, openPostgres, openSqlite } from './platform/db/index.ts'
import { type DiskGuard, guardBlobs, guardDatabase, keepBallast, watchDisk } from './platform/limits/disk.ts'
import { openSecrets, type ServerSecrets } from './platform/secrets/secrets.ts'
import { openTls, type ServerTls } from './platform/secrets/tls.ts'

/** What every part of the server stands on. */
export interface Foundation {
  readonly secrets: ServerSecrets
  readonly tls: ServerTls
  readonly disk: DiskGuard
  readonly db: Database
  readonly blobs: Blobs
}

/** Opens the data directory and the stores, and brings the schema up to date. */
export async function layFoundation(config: Config, clock: Clock): Promise<Foundation> {
  await mkdir(config.data, { recursive: true, mode: 0o700 })
  await keepBallast(config.data)
  const secrets = await openSecrets(config.data)
  const tls = await openTls({ directory: secrets.directory, names: config.tls.names, given: config.tls }, clock)
  const disk = watchDisk(config.data, config.limits.minFreeDiskMiB)
  const db = guardDatabase(openDatabase(config), disk)
  const blobs = guardBlobs(await openBlobs(config), disk)
  await migrate(db, migrations, clock)
  return { secrets, tls, disk, db, blobs }
}

export function openDatabase(config: Config): Database {
  const { url, connections } = config.database
  return url === undefined ? openSqlite(join(config.data, 'holdfast.db')) : openPostgres(url, { connections })
}

export function openBlobs(config: Config): Promise<Blobs> {
  const { s3 } = config.blobs
  // The embedded database belongs to one process; with the other there may be more nodes on the same data directory.
  const shared = { shared: config.database.url !== undefined }
  return s3 === undefined
    ? openDirectoryBlobs(join(config.data, 'blobs'), shared)
    : openS3Blobs(s3, join(config.data, 'spool'), shared)
}
