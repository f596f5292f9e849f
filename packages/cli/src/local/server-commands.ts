import { systemClock } from '@holdfast/kernel'
import { startApp } from '@holdfast/server/app'
import { type Config, readConfig, secretSettings } from '@holdfast/server/config'
import { openDatabase } from '@holdfast/server/foundation'
import { migrations } from '@holdfast/server/migrations'
import { migrate, planMigrations } from '@holdfast/server/platform/db/index'
import { createLog } from '@holdfast/server/platform/log/log'
import type { Command } from 'commander'
import { stringify } from 'yaml'
import { outputOf } from '../connection.ts'
import { whenStopped } from '../stop-signal.ts'
import { count } from '../wording.ts'
import { type LocalOptions, localConfig, requireData } from './installation.ts'
import { overridesOf, type ServerOptions } from './server-options.ts'

export function checkConfig(options: LocalOptions, command: Command): void {
  const { data } = localConfig(options)
  outputOf(command).done(`The configuration is sound; data in ${data}`, { data })
}

export function printConfig(options: LocalOptions, command: Command): void {
  const shown = hideSecrets(localConfig(options))
  outputOf(command).show(shown, () => stringify(shown).trimEnd())
}

export async function serve(options: ServerOptions): Promise<void> {
  const stop = whenStopped()
  const config = readConfig(process.env, overridesOf(options))
  const log = createLog(config.log.level)
  const app = await startApp({ config, log })
  try {
    const link = await app.setupLink()
    // Beside the log, which others may read and keep.
    if (link !== undefined) process.stderr.write(`Make the first owner with this link, which works once:\n  ${link}\n`)
    await stop.asked
  } finally {
    await app.stop()
  }
}

/** A copy in which whatever must not be printed reads `(hidden)`. */
function hideSecrets(config: Config): Record<string, unknown> {
  const copy = structuredClone(config) as unknown as Record<string, unknown>
  for (const path of secretSettings) hide(copy, path.split('.'))
  return copy
}

function hide(place: unknown, [step, ...rest]: readonly string[]): void {
  if (step === undefined || typeof place !== 'object' || place === null) return
  const isList = step.endsWith('[]')
  const key = isList ? step.slice(0, -2) : step
  const members = place as Record<string, unknown>
  const inner = members[key]
  if (inner === undefined) return
  if (rest.length === 0) members[key] = '(hidden)'
  else for (const each of isList && Array.isArray(inner) ? inner : [inner]) hide(each, rest)
}

export async function migrateDatabase(options: LocalOptions & { dryRun?: boolean }, command: Command): Promise<void> {
  const out = outputOf(command)
  const config = localConfig(options)
  await requireData(config)
  const db = openDatabase(config)
  try {
    if (options.dryRun !== true) {
      const applied = await migrate(db, migrations, systemClock)
      out.done(applied.length === 0 ? 'The database is up to date' : `Applied ${applied.join(', ')}`, { applied })
      return
    }
    const planned = await planMigrations(db, migrations)
    out.show({ planned }, () =>
      planned.length === 0
        ? 'The database is up to date'
        : `${count(planned.length, 'migration')} would be applied:\n${planned.map(({ id, statements }) => `-- ${id}\n${statements.join(';\n')};`).join('\n')}`,
    )
  } finally {
    await db.close()
  }
}
