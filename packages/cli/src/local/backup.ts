import { spawn } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { chmod, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Fault, messageOf } from '@holdfast/kernel'
import type { Config } from '@holdfast/server/config'
import { openS3Blobs } from '@holdfast/server/platform/blobs/index'
import { type BackupMember, fileEntry, type Manifest, writeBackup } from './backup-file.ts'
import { requireData } from './installation.ts'

export const databaseFile = { sqlite: 'holdfast.db', postgres: 'database.dump' } as const

interface BlobSource {
  readonly digests: readonly string[]
  open(digest: string): Promise<{ size: number; content: AsyncIterable<Uint8Array> }>
}

/**
 * One consistent archive of an installation, while it runs: the database as of one moment first, then the blobs, so that
 * every blob that it names is there.
 */
export async function backUp(config: Config, path: string): Promise<{ manifest: Manifest; size: number }> {
  await requireData(config)
  const work = await mkdtemp(join(dirname(resolve(path)), '.holdfast-backup-'))
  try {
    const database = config.database.url === undefined ? 'sqlite' : 'postgres'
    const snapshot = join(work, databaseFile[database])
    if (config.database.url === undefined) snapshotSqlite(join(config.data, databaseFile.sqlite), snapshot)
    else await runPostgres('pg_dump', config.database.url, ['--format=custom', '--no-owner', `--file=${snapshot}`])
    await chmod(snapshot, 0o600)
    const paths = new Map([[databaseFile[database] as string, snapshot], ...(await secretFiles(config.data))])
    const files: Manifest['files'] = []
    for (const [name, file] of paths) files.push(await fileEntry(name, file))
    const blobs = await openBlobSource(config, work)
    const manifest: Manifest = {
      format: 'holdfast-backup',
      version: 1,
      createdAt: new Date().toISOString(),
      database,
      blobs: blobs.digests.length,
      files,
    }
    const size = await writeBackup(path, manifest, members(paths, files, blobs))
    return { manifest, size }
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function* members(
  paths: ReadonlyMap<string, string>,
  files: Manifest['files'],
  blobs: BlobSource,
): AsyncGenerator<BackupMember> {
  for (const { name, size } of files) yield { name, size, content: createReadStream(paths.get(name) ?? name) }
  for (const digest of blobs.digests) yield { name: `blobs/${digest}`, ...(await blobs.open(digest)) }
}

/** `vacuum into` reads one committed state, and writers go on meanwhile. */
function snapshotSqlite(from: string, to: string): void {
  const db = new DatabaseSync(from, { readOnly: true })
  try {
    db.exec('pragma busy_timeout=10000')
    db.prepare('vacuum into ?').run(to)
  } catch (thrown) {
    throw new Fault('unavailable', 'backup.database', `the database cannot be copied: ${messageOf(thrown)}`, {
      cause: thrown,
    })
  } finally {
    db.close()
  }
}

async function secretFiles(data: string): Promise<[name: string, path: string][]> {
  const directory = join(data, 'secrets')
  const names = (await readdir(directory)).sort()
  const authority = join(data, 'ca.crt')
  const isMade = (await stat(authority).catch(() => undefined)) !== undefined
  return [
    ...(isMade ? [['ca.crt', authority] as [string, string]] : []),
    ...names.map((name): [string, string] => [`secrets/${name}`, join(directory, name)]),
  ]
}

async function openBlobSource(config: Config, work: string): Promise<BlobSource> {
  const { s3 } = config.blobs
  if (s3 !== undefined) {
    const blobs = await openS3Blobs(s3, join(work, 'spool'))
    return {
      digests: await Array.fromAsync(blobs.list()),
      open: async (digest) => ({ size: await blobs.size(digest), content: await blobs.read(digest) }),
    }
  }
  const root = join(config.data, 'blobs')
  const digests: string[] = []
  for (const folder of await readdir(root).catch(() => [])) {
    if (folder.length === 2) digests.push(...(await readdir(join(root, folder))))
  }
  return {
    digests: digests.sort(),
    async open(digest) {
      const path = join(root, digest.slice(0, 2), digest)
      return { size: (await stat(path)).size, content: createReadStream(path, { highWaterMark: 256 * 1024 }) }
    },
  }
}

/** Runs a program of PostgreSQL on a database; the password goes where other users of this machine cannot see it. */
export async function runPostgres(program: string, url: string, args: readonly string[]): Promise<void> {
  const address = new URL(url)
  const password = decodeURIComponent(address.password)
  address.password = ''
  // libpq takes a plus sign for one, not for a space.
  address.search = address.search.replaceAll('+', '%20')
  await run(program, [...args, `--dbname=${address.href}`], password === '' ? {} : { PGPASSWORD: password })
}

/** Runs a program of the system; a failure says what it said. */
export async function run(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<void> {
  const env = { ...process.env, ...environment }
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], env })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2_000)
  })
  const code = await new Promise<number | null>((done, fail) => {
    child.once('error', (thrown) =>
      fail(new Fault('missing', 'backup.no_program', `${program} cannot be run: ${thrown.message}`, { cause: thrown })),
    )
    child.once('close', done)
  })
  if (code !== 0) throw new Fault('unavailable', 'backup.program_failed', `${program} failed: ${said.trim()}`)
}

/** A place for what must be unpacked to be looked at. */
export async function temporaryDirectory(): Promise<string> {
  return await mkdtemp(join(tmpdir(), 'holdfast-restore-'))
}
