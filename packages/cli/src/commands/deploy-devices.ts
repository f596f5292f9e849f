import { type Command, Option } from 'commander'
import { given, integer } from '../arguments.ts'
import { operatorOf } from '../connection.ts'
import { formatFacts, formatTable } from '../table.ts'
import { ago, short } from '../wording.ts'

const statuses = [
  'pending',
  'downloading',
  'downloaded',
  'paused_before_installing',
  'installing',
  'paused_before_rebooting',
  'rebooting',
  'paused_before_committing',
  'success',
  'failure',
  'already_installed',
  'aborted',
  'incompatible',
] as const

/** The devices of a deployment, one by one. */
export function registerDeployDevices(deploy: Command): void {
  deploy
    .command('devices')
    .argument('<deployment>', 'id, name or latest')
    .description('its devices that have been heard of')
    .addOption(new Option('--status <status>').choices(statuses))
    .option('--phase <number>', 'only this phase', integer)
    .option('--limit <number>', 'how many', integer, 100)
    .option('--cursor <cursor>', 'go on where the page before ended')
    .action(devices)
  deploy
    .command('timeline')
    .argument('<deployment>', 'id, name or latest')
    .argument('<device>')
    .description('what one device did in it, step by step')
    .action(timeline)
  deploy
    .command('log')
    .argument('<deployment>', 'id, name or latest')
    .argument('<device>')
    .description('the log that the device sent')
    .action(log)
  deploy
    .command('retry')
    .argument('<deployment>', 'id, name or latest')
    .argument('<device>')
    .description('let a failed device try again')
    .action(retry)
  deploy
    .command('continue')
    .argument('<deployment>', 'id, name or latest')
    .argument('<device>')
    .description('let a device go on that waits at a pause point or for confirmation')
    .action(goOn)
}

interface DevicesOptions {
  readonly status?: (typeof statuses)[number]
  readonly phase?: number
  readonly limit: number
  readonly cursor?: string
}

async function devices(text: string, options: DevicesOptions, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const { id } = await names.deployment(text)
  const answer = await client.deployments.devices({ params: { deployment: id }, query: given(options) })
  out.list(
    answer.items,
    [
      { title: 'device', value: (item) => item.device.name },
      { title: 'id', value: (item) => short(item.device.id) },
      { title: 'phase', value: (item) => String(item.phase), right: true },
      { title: 'status', value: (item) => item.status.replaceAll('_', ' ') },
      { title: 'doing', value: (item) => item.substate ?? '' },
      { title: 'attempt', value: (item) => String(item.attempt), right: true },
      { title: 'log', value: (item) => (item.hasLog ? 'yes' : '') },
      { title: 'heard', value: (item) => ago(item.updatedAt) },
    ],
    'No device of it was heard of yet.',
    answer,
  )
  if (answer.next !== undefined) out.note(`There are more: --cursor ${answer.next}`)
}

async function place(text: string, deviceText: string, command: Command) {
  const operator = await operatorOf(command)
  const deployment = await operator.names.deployment(text)
  const device = await operator.names.device(deviceText)
  return { ...operator, deployment, device, params: { deployment: deployment.id, device: device.id } }
}

async function timeline(text: string, deviceText: string, _options: object, command: Command): Promise<void> {
  const { client, out, params } = await place(text, deviceText, command)
  const answer = await client.deployments.timeline({ params })
  out.show(answer, () =>
    [
      formatFacts([
        ['device', answer.device.name],
        ['phase', String(answer.phase)],
        ['status', answer.status.replaceAll('_', ' ')],
        ['attempt', String(answer.attempt)],
      ]),
      formatTable(answer.events, [
        { title: 'at', value: (event) => event.at },
        { title: 'status', value: (event) => (event.status ?? '').replaceAll('_', ' ') },
        { title: 'step', value: (event) => event.substate ?? '' },
        { title: 'message', value: (event) => event.message ?? '' },
      ]),
    ].join('\n\n'),
  )
}

async function log(text: string, deviceText: string, _options: object, command: Command): Promise<void> {
  const { client, out, params } = await place(text, deviceText, command)
  const answer = await client.deployments.log({ params })
  out.list(
    answer.messages,
    [
      { title: 'at', value: (line) => line.at },
      { title: 'level', value: (line) => line.level },
      { title: 'message', value: (line) => line.message },
    ],
    'The device sent no log.',
    answer,
  )
}

async function retry(text: string, deviceText: string, _options: object, command: Command): Promise<void> {
  const { client, out, params, device } = await place(text, deviceText, command)
  await client.deployments.retry({ params })
  out.done(`${device.name} may try again`, params)
}

async function goOn(text: string, deviceText: string, _options: object, command: Command): Promise<void> {
  const { client, out, params, device } = await place(text, deviceText, command)
  await client.deployments.continue({ params })
  out.done(`${device.name} goes on`, params)
}
