import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type ByteSource, Fault } from '@holdfast/kernel'
import { openSqlite } from '@holdfast/server/platform/db/index'
import { type CheckedLog, checkAuditLogs } from './audit-check.ts'
import { databaseFile, run, runPostgres, temporaryDirectory } from './backup.ts'
import { type Manifest, type RestoredMember, readBackup } from './backup-file.ts'

export interface Verified {
  readonly manifest: Manifest
  /** Absent for a PostgreSQL dump, which only PostgreSQL can open. */
  readonly logs?: readonly CheckedLog[]
}

/** Checks a backup without touching anything: every digest, the database's own integrity, and the audit logs. */
export async function verifyBackup(path: string): Promise<Verified> {
  const work = await temporaryDirectory()
  try {
    const manifest = await readBackup(path, async (member, { database }) => {
      const needed = member.name === databaseFile[database] || member.name.startsWith('secrets/')
      if (needed) await place(member, work)
      else for await (const _ of member.content);
    })
    if (manifest.database === 'postgres') {
      await run('pg_restore', ['--list', '--file=/dev/null', join(work, databaseFile.postgres)])
      return { manifest }
    }
    return { manifest, logs: await checkRestored(work) }
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** Makes a new data directory out of a backup; it appears whole or not at all. `databaseUrl` receives a PostgreSQL dump. */
export async function restoreBackup(path: string, into: string, databaseUrl?: string): Promise<Verified> {
  const present = await readdir(into).catch(() => [])
  if (present.length > 0)
    throw new Fault('conflict', 'backup.not_empty', `${into} is not empty; restore into a new directory`)
  const draft = `${into}.${process.pid}.new`
  try {
    await mkdir(draft, { recursive: true, mode: 0o700 })
    const manifest = await readBackup(path, (member) => place(member, draft))
    if (manifest.database === 'postgres') {
      if (databaseUrl === undefined) {
        throw new Fault(
          'refused',
          'backup.needs_database',
          'this is a backup of PostgreSQL: say where to with --database URL, an empty database',
        )
      }
      await runPostgres('pg_restore', databaseUrl, [
        '--no-owner',
        '--exit-on-error',
        join(draft, databaseFile.postgres),
      ])
      await rm(join(draft, databaseFile.postgres))
    }
    const logs = manifest.database === 'sqlite' ? { logs: await checkRestored(draft) } : {}
    await rm(into, { recursive: true, force: true })
    await rename(draft, into)
    return { manifest, ...logs }
  } catch (thrown) {
    await rm(draft, { recursive: true, force: true })
    throw thrown
  }
}

/** Names were checked to be safe by the reader; secrets and blobs lie where the server looks for them. */
async function place({ name, content }: RestoredMember, directory: string): Promise<void> {
  const [, digest] = /^blobs\/([0-9a-f]{64})$/.exec(name) ?? []
  const path = join(directory, ...(digest === undefined ? name.split('/') : ['blobs', digest.slice(0, 2), digest]))
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await writeDurably(path, content)
}

async function writeDurably(path: string, content: ByteSource): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    for await (const chunk of content) await file.writeFile(chunk)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function checkRestored(directory: string): Promise<CheckedLog[]> {
  const file = join(directory, databaseFile.sqlite)
  requireSoundSqlite(file)
  const db = openSqlite(file)
  try {
    return await checkAuditLogs(db.read, join(directory, 'secrets', 'log.key'))
  } finally {
    await db.close()
  }
}

/** Throws `backup.database_damaged`, saying what SQLite found. */
export function requireSoundSqlite(file: string): void {
  const db = new DatabaseSync(file, { readOnly: true })
  try {
    const found = db
      .prepare('pragma integrity_check(10)')
      .all()
      .map((row) => String(Object.values(row)[0]))
    if (found.join() !== 'ok') {
      throw new Fault('malformed', 'backup.database_damaged', `the database is damaged: ${found.join('; ')}`)
    }
    const orphans = db.prepare('pragma foreign_key_check').all().length
    if (orphans > 0)
      throw new Fault('malformed', 'backup.database_damaged', `${orphans} rows of the database refer to nothing`)
  } finally {
    db.close()
  }
}
