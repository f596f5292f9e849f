import type { Command } from 'commander'
import { given, integer } from '../arguments.ts'
import { operatorOf } from '../connection.ts'
import { type Tone, toned } from '../output.ts'
import type { Device } from '../resolve-names.ts'
import { formatFacts, formatTable } from '../table.ts'
import { ago, count, short } from '../wording.ts'
import { registerDeviceAttributes } from './device-attributes.ts'
import { registerDeviceDecisions } from './device-decisions.ts'
import { registerDeviceEnrolment } from './device-enrolment.ts'

const tones: Readonly<Record<Device['state'], Tone>> = {
  accepted: 'good',
  preauthorised: 'dim',
  pending: 'warn',
  rejected: 'bad',
  quarantined: 'bad',
  retired: 'dim',
}

export function registerDevices(program: Command): void {
  const device = program.command('device').description('the registry of devices')
  device
    .command('list')
    .description('devices by filter and search; the filter language: docs/filters.md')
    .option('--filter <filter>', `such as 'product = sensor and inventory.os >= "2.1"'`)
    .option('--search <text>', 'anywhere in names and identities')
    .option('--state <state>', 'pending, preauthorised, accepted, rejected, quarantined or retired')
    .option('--sort <order>', 'newest, oldest, name or last_seen', 'newest')
    .option('--limit <number>', 'how many', integer, 50)
    .option('--cursor <cursor>', 'go on where the page before ended')
    .action(list)
  device
    .command('count')
    .description('how many devices match, by state')
    .option('--filter <filter>')
    .action(countDevices)
  device.command('show').argument('<device>').description('one device: keys, groups, software').action(show)
  device
    .command('inventory')
    .argument('<device>')
    .description('what it reported about itself')
    .option('--history', 'change by change')
    .option('--name <name>', 'only this attribute (with --history)')
    .action(inventory)
  device.command('next').argument('<device>').description('what it would get if it asked now, and why').action(next)
  device
    .command('set')
    .argument('<device>')
    .description('change its name, product or time zone')
    .option('--name <name>')
    .option('--product <product>')
    .option('--time-zone <zone>', 'IANA zone of its maintenance windows')
    .action(set)
  device
    .command('tag')
    .argument('<device>')
    .argument('<tags...>', 'tags to add; -tag takes one away (after --)')
    .description('add tags, or take them away')
    .action(tag)
  registerDeviceAttributes(device)
  registerDeviceDecisions(device)
  registerDeviceEnrolment(device)
}

interface ListOptions {
  readonly filter?: string
  readonly search?: string
  readonly state?: string
  readonly sort: 'newest' | 'oldest' | 'name' | 'last_seen'
  readonly limit: number
  readonly cursor?: string
}

async function list(options: ListOptions, command: Command): Promise<void> {
  const { client, out } = await operatorOf(command)
  const { state, filter, ...rest } = options
  const parts = [state === undefined ? '' : `state = ${state}`, filter === undefined ? '' : `(${filter})`]
  const whole = parts.filter((part) => part !== '').join(' and ')
  const answer = await client.devices.list({ query: given({ ...rest, filter: whole === '' ? undefined : whole }) })
  out.list(
    answer.items,
    [
      { title: 'id', value: (item) => short(item.id) },
      { title: 'name', value: (item) => item.name },
      { title: 'state', value: (item) => toned(tones[item.state], item.state) },
      { title: 'product', value: (item) => item.product?.name ?? '' },
      { title: 'software', value: (item) => item.software ?? '' },
      { title: 'seen', value: (item) => ago(item.lastSeen) },
      { title: 'tags', value: (item) => item.tags.join(' ') },
    ],
    'No device matches. Devices appear here when they first call, or with holdfast device preauthorise.',
    answer,
  )
  if (answer.next !== undefined) out.note(`There are more: --cursor ${answer.next}`)
  if (answer.items.some((item) => item.state === 'pending'))
    out.note('Accept pending ones: holdfast device accept DEVICE…')
}

async function countDevices(options: { filter?: string }, command: Command): Promise<void> {
  const { client, out } = await operatorOf(command)
  const answer = await client.devices.count({ query: given(options) })
  out.show(answer, () =>
    formatFacts([
      ['all', String(answer.total)],
      ...Object.entries(answer.states).map(([state, devices]) => [state, String(devices)] as const),
    ]),
  )
}

async function show(text: string, _options: object, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const { id } = await names.device(text)
  const device = await client.devices.get({ params: { device: id } })
  const keys = device.keys.map((key) => `${key.state}  ${key.algorithm}  ${key.fingerprint.slice(0, 16)}…  ${key.id}`)
  out.show(device, () =>
    formatFacts([
      ['name', device.name],
      ['id', device.id],
      ['state', toned(tones[device.state], device.state)],
      ['product', device.product?.name],
      ['software', device.software],
      ['seen', ago(device.lastSeen)],
      ['speaks', device.gateway],
      [
        'identity',
        Object.entries(device.identity)
          .map(([name, value]) => `${name} = ${[value].flat().join(', ')}`)
          .join('\n'),
      ],
      ['tags', device.tags.join(' ')],
      ['groups', device.groups.map((group) => group.name).join('\n')],
      ['keys', keys.join('\n')],
      ['time zone', device.timeZone],
      ['inventory', `${count(device.inventory.length, 'value')}: holdfast device inventory ${short(device.id)}`],
    ]),
  )
}

interface InventoryOptions {
  readonly history?: boolean
  readonly name?: string
}

async function inventory(text: string, options: InventoryOptions, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const { id } = await names.device(text)
  if (options.history === true) {
    const query = given({ name: options.name, limit: 100 })
    const answer = await client.devices.inventoryHistory({ params: { device: id }, query })
    out.list(
      answer.items,
      [
        { title: 'at', value: (item) => item.at },
        { title: 'scope', value: (item) => item.scope },
        { title: 'name', value: (item) => item.name },
        { title: 'before', value: (item) => [item.before ?? ''].flat().join(', ') },
        { title: 'after', value: (item) => [item.after ?? ''].flat().join(', ') },
      ],
      'Nothing changed yet.',
      answer,
    )
    return
  }
  const device = await client.devices.get({ params: { device: id } })
  out.list(
    device.inventory,
    [
      { title: 'scope', value: (item) => item.scope },
      { title: 'name', value: (item) => item.name },
      { title: 'value', value: (item) => [item.value].flat().join(', ') },
      { title: 'changed', value: (item) => ago(item.changedAt) },
    ],
    'It has reported nothing yet.',
  )
}

async function next(text: string, _options: object, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const { id } = await names.device(text)
  const answer = await client.deployments.wouldDo({ params: { device: id } })
  out.show(answer, () => {
    const said = formatFacts([
      ['answer', answer.answer.replaceAll('_', ' ')],
      ['why', answer.why],
      ['deployment', answer.deployment?.name],
    ])
    if (answer.considered.length === 0) return said
    const considered = formatTable(answer.considered, [
      { title: 'considered', value: (item) => item.deployment.name },
      { title: 'why', value: (item) => item.why },
    ])
    return `${said}\n\n${considered}`
  })
}

interface SetOptions {
  readonly name?: string
  readonly product?: string
  readonly timeZone?: string
}

async function set(text: string, options: SetOptions, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const device = await names.device(text)
  const product = options.product === undefined ? undefined : (await names.product(options.product)).id
  const { name, timeZone } = options
  await client.devices.change({ params: { device: device.id }, body: given({ name, product, timeZone }) })
  out.done(`Changed ${device.name}`, { id: device.id })
}

async function tag(text: string, tags: string[], _options: object, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const device = await names.device(text)
  const kept = new Set(device.tags)
  for (const each of tags) {
    if (each.startsWith('-')) kept.delete(each.slice(1))
    else kept.add(each.replace(/^\+/, ''))
  }
  await client.devices.change({ params: { device: device.id }, body: { tags: [...kept] } })
  out.done(`${device.name}: ${[...kept].join(' ') || 'no tags'}`, { id: device.id, tags: [...kept] })
}
