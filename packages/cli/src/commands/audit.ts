import { createReadStream, createWriteStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Fault } from '@holdfast/kernel'
import { verifyEvidence } from '@holdfast/trust/evidence'
import { maxLineLength } from '@holdfast/trust/evidence-lines'
import type { Command } from 'commander'
import { earlier, given, integer } from '../arguments.ts'
import { operatorOf, outputOf } from '../connection.ts'
import { linesOf } from '../lines.ts'
import { toned } from '../output.ts'
import { formatFacts } from '../table.ts'
import { count, short } from '../wording.ts'

export function registerAudit(program: Command): void {
  const audit = program.command('audit').description('what happened, in a log that nobody can change unseen')
  audit
    .command('list')
    .description('records, newest first')
    .option('--type <type>', 'only this type, such as device.accepted')
    .option('--subject <id>', 'only about this object')
    .option('--actor <id>', 'only by this person, token or device')
    .option('--from <time>', 'not before: a time, or how long ago, such as 2h', earlier)
    .option('--to <time>', 'not after', earlier)
    .option('--limit <number>', 'how many', integer, 50)
    .action(list)
  audit.command('show').argument('<record>').description('one record with its proof of inclusion').action(show)
  audit
    .command('export')
    .argument('[file]', 'where to; standard output if absent')
    .description('the whole log for holdfast evidence verify')
    .action(exportLog)
  audit
    .command('checkpoint')
    .description('the signed checkpoint and the verifier key of the log; keep both')
    .action(checkpoint)

  const evidence = program.command('evidence').description('check an exported log, without any server')
  evidence
    .command('verify')
    .argument('<file>', 'an export of the audit log; - for standard input')
    .description('find any changed, removed, reordered or added record')
    .option('--key <verifier>', 'the log’s verifier key, or a file that holds it, as you noted it earlier')
    .option('--since <file>', 'an earlier checkpoint that this log must continue')
    .action(verify)
}

interface ListOptions {
  readonly type?: string
  readonly subject?: string
  readonly actor?: string
  readonly from?: string
  readonly to?: string
  readonly limit: number
}

async function list(options: ListOptions, command: Command): Promise<void> {
  const { client, out } = await operatorOf(command)
  const answer = await client.audit.list({ query: given(options) })
  out.list(
    answer.items,
    [
      { title: 'at', value: (item) => item.at },
      { title: 'what', value: (item) => item.type },
      { title: 'about', value: (item) => `${item.subject.kind} ${short(item.subject.id)}` },
      { title: 'by', value: (item) => item.actor.name ?? `${item.actor.kind} ${short(item.actor.id)}` },
      { title: 'from', value: (item) => item.origin ?? '' },
      { title: 'leaf', value: (item) => String(item.position ?? '…'), right: true },
      { title: 'id', value: (item) => item.id },
    ],
    'Nothing was recorded.',
    answer,
  )
}

async function show(record: string, _options: object, command: Command): Promise<void> {
  const { client, out } = await operatorOf(command)
  const found = await client.audit.get({ params: { record } })
  out.show(found, () => JSON.stringify(found, null, 2))
}

async function exportLog(file: string | undefined, _options: object, command: Command): Promise<void> {
  const { client, out } = await operatorOf(command)
  const bytes = await client.audit.export()
  if (file === undefined) {
    for await (const chunk of bytes) process.stdout.write(chunk)
    return
  }
  await pipeline(Readable.from(bytes), createWriteStream(file, { flags: 'wx', mode: 0o600 }))
  out.done(`Wrote ${file}. Check it anywhere: holdfast evidence verify ${file}`, { file })
}

async function checkpoint(_options: object, command: Command): Promise<void> {
  const { client, out } = await operatorOf(command)
  const state = await client.audit.state()
  out.show(state, () => `${state.checkpoint ?? ''}\nverifier key: ${state.verifierKey}`)
}

async function verify(file: string, options: { key?: string; since?: string }, command: Command): Promise<void> {
  const out = outputOf(command)
  const source: AsyncIterable<Uint8Array> = file === '-' ? process.stdin : createReadStream(file)
  const verdict = await verifyEvidence(linesOf(source, maxLineLength), {
    verifierKey: options.key === undefined ? undefined : await verifierText(options.key),
    since: options.since === undefined ? undefined : await checkpointText(options.since),
  })
  out.show(verdict, () =>
    [
      `${toned('good', 'verified')}: ${count(verdict.size, 'record')}, none changed, removed, reordered or added`,
      formatFacts([
        ['log', verdict.origin],
        ['root', verdict.root],
        [
          'continues',
          verdict.continues === undefined ? undefined : `the checkpoint of ${count(verdict.continues, 'record')}`,
        ],
        ['signed by', verdict.verifierKey],
      ]),
    ].join('\n'),
  )
  if (!verdict.keyWasGiven) {
    out.note(
      'The key came from the export itself. To know that it is the log’s, give the one you noted: --key VERIFIER',
    )
  }
}

/** A verifier key holds plus signs and no newline; anything else is a file. */
async function verifierText(given: string): Promise<string> {
  if (/^\S+\+[0-9a-f]{8}\+\S+$/.test(given)) return given
  return (await readFile(given, 'utf8')).trim()
}

async function checkpointText(file: string): Promise<string> {
  const text = await readFile(file, 'utf8')
  if (!text.startsWith('{')) return text.replace(/\nverifier key: .*\n*$/, '')
  const { checkpoint } = JSON.parse(text) as { checkpoint?: unknown }
  if (typeof checkpoint !== 'string') throw new Fault('malformed', 'cli.checkpoint', `${file} holds no checkpoint`)
  return checkpoint
}
