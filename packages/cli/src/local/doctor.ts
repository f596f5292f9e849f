import { createServer } from 'node:net'
import { join } from 'node:path'
import { minute } from '@holdfast/kernel'
import type { Config } from '@holdfast/server/config'
import { rebuildIndex } from '@holdfast/server/domains/devices/index'
import { openDatabase } from '@holdfast/server/foundation'
import { migrations } from '@holdfast/server/migrations'
import { type Database, planMigrations } from '@holdfast/server/platform/db/index'
import type { Command } from 'commander'
import { outputOf } from '../connection.ts'
import { type Tone, toned } from '../output.ts'
import { count, span } from '../wording.ts'
import { checkAuditLogs } from './audit-check.ts'
import { databaseFile } from './backup.ts'
import { blobFinding, fileChecks } from './doctor-files.ts'
import { type Check, examineAll, type Finding, failing } from './finding.ts'
import { type LocalOptions, localConfig, requireData } from './installation.ts'
import { requireSoundSqlite } from './restore.ts'

const marks: Readonly<Record<Finding['verdict'], readonly [mark: string, tone: Tone]>> = {
  ok: ['ok     ', 'good'],
  warning: ['warning', 'warn'],
  failing: ['FAILING', 'bad'],
}

export interface DoctorOptions extends LocalOptions {
  readonly deep?: boolean
  readonly rebuildIndex?: boolean
}

export async function doctor(options: DoctorOptions, command: Command): Promise<void> {
  const config = localConfig(options)
  await requireData(config)
  const db = openDatabase(config)
  try {
    if (options.rebuildIndex === true) {
      const devices = await rebuildIndex(db)
      outputOf(command).show({ devices }, () => `The index holds ${count(devices, 'device')} again.`)
      return
    }
    const isDeep = options.deep === true
    const findings = await examineAll([
      ...fileChecks(config),
      ...databaseChecks(config, db, isDeep),
      ...placeChecks(config, db),
    ])
    outputOf(command).show({ findings }, () => findings.map(line).join('\n'))
    if (findings.some((finding) => finding.verdict === 'failing')) process.exitCode = 3
  } finally {
    await db.close()
  }
}

function line({ about, verdict, says, mend }: Finding): string {
  const [mark, tone] = marks[verdict]
  const said = `${toned(tone, mark)}  ${about.padEnd(14)}  ${says}`
  return verdict === 'ok' || mend === undefined ? said : `${said}\n${' '.repeat(25)}${toned('dim', `→ ${mend}`)}`
}

function databaseChecks(config: Config, db: Database, isDeep: boolean): Check[] {
  return [
    {
      about: 'database',
      mend: 'stop the server and restore the last good backup: holdfast restore FILE --into DIR',
      async run() {
        if (db.engine === 'sqlite') requireSoundSqlite(join(config.data, databaseFile.sqlite))
        else await db.read.selectFrom('migration').select('id').limit(1).execute()
        return db.engine === 'sqlite' ? 'SQLite, sound' : 'PostgreSQL, answers'
      },
    },
    {
      about: 'schema',
      mend: 'holdfast migrate, or start the server of this version',
      async run() {
        const planned = await planMigrations(db, migrations)
        if (planned.length > 0) throw failing('doctor.schema', `${count(planned.length, 'migration')} to apply`)
        return 'up to date'
      },
    },
    {
      about: 'audit log',
      mend: 'somebody or something changed the log: keep this copy, and compare it with an export and a backup',
      async run() {
        const logs = await checkAuditLogs(db.read, join(config.data, 'secrets', 'log.key'))
        const records = logs.reduce((sum, log) => sum + log.records, 0)
        return `${count(records, 'record')} of ${count(logs.length, 'organisation')}, whole and unchanged`
      },
    },
    {
      about: 'blobs',
      mend: 'restore the missing blobs from a backup',
      run: () => checkBlobs(config, db, isDeep),
    },
  ]
}

async function checkBlobs(config: Config, db: Database, isDeep: boolean): Promise<string | Finding[]> {
  const artifacts = await db.read.selectFrom('artifact').select(['sha256', 'size', 'file_name']).execute()
  if (config.blobs.s3 !== undefined) return `${count(artifacts.length, 'artifact')}, kept in S3`
  const findings: Finding[] = []
  for (const artifact of artifacts) {
    const finding = await blobFinding(join(config.data, 'blobs'), artifact, isDeep)
    if (finding !== undefined) findings.push(finding)
  }
  if (findings.length > 0) return findings
  return `${count(artifacts.length, 'artifact')}, all there${isDeep ? ' and unchanged' : ''}`
}

function placeChecks(config: Config, db: Database): Check[] {
  const { host, port, devicePort, metricsHost, metricsPort } = config.listen
  return [
    {
      about: 'clock',
      mend: 'set the clock and keep it set: systemctl enable --now systemd-timesyncd',
      async run() {
        const last = await db.read
          .selectFrom('audit_record')
          .select('at')
          .orderBy('seq', 'desc')
          .limit(1)
          .executeTakeFirst()
        const ahead = (last?.at ?? 0) - Date.now()
        if (ahead > minute)
          throw failing('doctor.clock', `it is behind the last record of the audit log by ${span(ahead)}`)
        return new Date().toISOString()
      },
    },
    {
      about: 'ports',
      mend: 'stop the other program, or choose other ports in holdfast.yaml',
      async run() {
        const alive = await fetch(`http://${metricsHost}:${metricsPort}/livez`, { signal: AbortSignal.timeout(2_000) })
          .then((answer) => answer.ok)
          .catch(() => false)
        if (alive) return 'the server is running on them'
        for (const [place, number] of [
          [host, port],
          [host, devicePort],
          [metricsHost, metricsPort],
        ] as const) {
          await requireFree(place, number)
        }
        return `${port}, ${devicePort} and ${metricsPort} are free`
      },
    },
  ]
}

function requireFree(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', () => reject(failing('doctor.port', `port ${port} is taken by another program`)))
    server.listen({ host, port }, () => server.close(() => resolve()))
  })
}
