import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '@holdfast/kernel'
import { type Config, readConfig } from '@holdfast/server/config'
import { openDatabase } from '@holdfast/server/foundation'
import { migrations } from '@holdfast/server/migrations'
import { type Database, planMigrations } from '@holdfast/server/platform/db/index'
import { openSecrets, type ServerSecrets } from '@holdfast/server/platform/secrets/secrets'

export interface LocalOptions {
  readonly data?: string
}

export function localConfig(options: LocalOptions): Config {
  return readConfig(process.env, { data: options.data })
}

export interface Installation extends AsyncDisposable {
  readonly config: Config
  readonly db: Database
  readonly secrets: ServerSecrets
}

/**
 * Opens the installation of this machine beside a server that may be running on it: never its blobs, whose unfinished
 * uploads belong to the server. Throws `local.no_data`, and `local.migrate_first` for a schema of another version.
 */
export async function openInstallation(options: LocalOptions): Promise<Installation> {
  const config = localConfig(options)
  await requireData(config)
  const secrets = await openSecrets(config.data)
  const db = openDatabase(config)
  try {
    if ((await planMigrations(db, migrations)).length > 0) {
      throw new Fault('refused', 'local.migrate_first', 'the database is of an older version; run: holdfast migrate')
    }
  } catch (thrown) {
    await db.close()
    throw thrown
  }
  return { config, db, secrets, [Symbol.asyncDispose]: () => db.close() }
}

export async function requireData(config: Config): Promise<void> {
  const marker = config.database.url === undefined ? join(config.data, 'holdfast.db') : join(config.data, 'secrets')
  const present = await stat(marker).catch(() => undefined)
  if (present !== undefined) return
  throw new Fault(
    'missing',
    'local.no_data',
    `there is no Holdfast installation in ${config.data}; say where it is with --data DIR, or start it there first`,
  )
}
