import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { given, pairs, several } from '../arguments.ts'
import { operatorOf } from '../connection.ts'
import { UsageError } from '../failure.ts'
import { formatTable } from '../table.ts'
import { count } from '../wording.ts'

/** Devices that are made known before they first call. */
export function registerDeviceEnrolment(device: Command): void {
  device
    .command('preauthorise')
    .description('make a device known before it first calls')
    .requiredOption('--identity <name=value>', 'what it will say it is (several)', pairs)
    .option('--key <file>', 'its public key (PEM)')
    .option('--name <name>')
    .option('--product <product>')
    .option('--tag <tag>', 'several', several)
    .option('--controller-id <id>', 'its DDI controller id')
    .option('--target-token', 'make a DDI target token; it is shown once')
    .action(preauthorise)
  device
    .command('import')
    .argument('<file>', 'CSV with a header line, or JSON lines; - for standard input')
    .description('preauthorise many; every bad line is named, good lines are kept')
    .option('--format <format>', 'csv or jsonl (default: by the file’s ending)')
    .option('--product <product>')
    .option('--dry-run', 'only say what would happen')
    .action(importMany)
}

interface PreauthoriseOptions {
  readonly identity: Record<string, string>
  readonly key?: string
  readonly name?: string
  readonly product?: string
  readonly tag?: string[]
  readonly controllerId?: string
  readonly targetToken?: boolean
}

async function preauthorise(options: PreauthoriseOptions, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const { identity, name, controllerId } = options
  const answer = await client.devices.preauthorise({
    body: {
      identity,
      targetToken: options.targetToken === true,
      ...given({
        name,
        controllerId,
        tags: options.tag,
        publicKey: options.key === undefined ? undefined : await readFile(options.key, 'utf8'),
        product: options.product === undefined ? undefined : (await names.product(options.product)).id,
      }),
    },
  })
  out.show(
    answer,
    () =>
      `Preauthorised ${answer.id}${answer.targetToken === undefined ? '' : `\ntarget token: ${answer.targetToken}`}`,
  )
}

interface ImportOptions {
  readonly format?: string
  readonly product?: string
  readonly dryRun?: boolean
}

async function importMany(file: string, options: ImportOptions, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const format = options.format ?? (/\.(jsonl|ndjson)$/.test(file) ? 'jsonl' : 'csv')
  if (format !== 'csv' && format !== 'jsonl') throw new UsageError('--format is csv or jsonl')
  const answer = await client.devices.importPreauthorised({
    query: {
      format,
      ...(options.dryRun === true ? { dryRun: 'true' } : {}),
      ...(options.product === undefined ? {} : { product: (await names.product(options.product)).id }),
    },
    body: file === '-' ? process.stdin : createReadStream(file),
  })
  out.show(answer, () => {
    const verb = options.dryRun === true ? 'would be preauthorised' : 'preauthorised'
    const said = `${count(answer.imported, 'device')} ${verb}, ${count(answer.refused.length, 'line')} refused`
    if (answer.refused.length === 0) return said
    return `${said}\n${formatTable(answer.refused, [
      { title: 'line', value: (item) => String(item.line), right: true },
      { title: 'why', value: (item) => item.error },
    ])}`
  })
  if (answer.refused.length > 0) process.exitCode = 3
}
