import type { Command } from 'commander'
import { outputOf } from '../connection.ts'
import { UsageError } from '../failure.ts'
import { toned } from '../output.ts'
import { bytes, count } from '../wording.ts'
import { backUp } from './backup.ts'
import { type LocalOptions, localConfig } from './installation.ts'
import { restoreBackup, type Verified, verifyBackup } from './restore.ts'

export async function backup(file: string, options: LocalOptions, command: Command): Promise<void> {
  const { manifest, size } = await backUp(localConfig(options), file)
  outputOf(command).done(
    `Wrote ${file}: ${bytes(size)}, database and ${count(manifest.blobs, 'blob')}. It holds keys: keep it where only you can read it.\nTry it: holdfast restore ${file} --verify`,
    { file, size, blobs: manifest.blobs, createdAt: manifest.createdAt },
  )
}

interface RestoreOptions {
  readonly verify?: boolean
  readonly into?: string
  readonly database?: string
}

export async function restore(file: string, options: RestoreOptions, command: Command): Promise<void> {
  const { into } = options
  if ((options.verify === true) === (into !== undefined)) throw new UsageError('say --verify or --into DIR')
  const verified = into === undefined ? await verifyBackup(file) : await restoreBackup(file, into, options.database)
  outputOf(command).done(text(verified, file, into), {
    ...verified.manifest,
    files: undefined,
    logs: verified.logs,
    into,
  })
}

function text({ manifest, logs }: Verified, file: string, into: string | undefined): string {
  const said = `${toned('good', 'verified')}: ${file} of ${manifest.createdAt}, ${count(manifest.files.length, 'file')} and ${count(manifest.blobs, 'blob')}, every digest right`
  const records = (logs ?? []).reduce((sum, log) => sum + log.records, 0)
  const audit =
    logs === undefined
      ? ''
      : `\nThe database is sound, and so is the audit log: ${count(records, 'record')} of ${count(logs.length, 'organisation')}`
  return `${said}${audit}${into === undefined ? '' : `\nRestored into ${into}; start it: holdfast server --data ${into}`}`
}
