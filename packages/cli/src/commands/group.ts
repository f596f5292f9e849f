import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { given, instant, integer, pairs } from '../arguments.ts'
import { operatorOf } from '../connection.ts'
import { choose } from '../resolve-names.ts'
import { formatFacts } from '../table.ts'
import { ago, count, short } from '../wording.ts'

export function registerGroups(program: Command): void {
  const group = program.command('group').description('sets of devices: chosen ones, or all that match a filter')
  group.command('list').description('the groups').action(list)
  group.command('show').argument('<group>').description('one group').action(show)
  group
    .command('create')
    .argument('<name>')
    .description('make a group')
    .option('--filter <filter>', 'all devices that match; without it the group has the members that you add')
    .option('--description <text>', 'what it is for', '')
    .action(create)
  group
    .command('change')
    .argument('<group>')
    .description('change a group')
    .option('--name <name>')
    .option('--filter <filter>')
    .option('--description <text>')
    .action(change)
  group.command('remove').argument('<group>').description('remove a group; its devices stay').action(remove)
  group
    .command('add')
    .argument('<group>')
    .argument('<devices...>')
    .description('add devices to a static group')
    .action((text, devices, _options, command) => members(text, devices, 'add', command))
  group
    .command('take-out')
    .argument('<group>')
    .argument('<devices...>')
    .description('take devices out of a static group')
    .action((text, devices, _options, command) => members(text, devices, 'remove', command))
  registerAcceptRules(program)
}

async function list(_options: object, command: Command): Promise<void> {
  const { client, out } = await operatorOf(command)
  const answer = await client.devices.groups()
  out.list(
    answer.items,
    [
      { title: 'name', value: (item) => item.name },
      { title: 'kind', value: (item) => item.kind },
      { title: 'devices', value: (item) => String(item.devices ?? ''), right: true },
      { title: 'filter', value: (item) => item.filter ?? '' },
      { title: 'id', value: (item) => short(item.id) },
    ],
    'There is no group yet. Make one: holdfast group create NAME --filter FILTER',
    answer,
  )
}

async function show(text: string, _options: object, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const { id } = await names.group(text)
  const group = await client.devices.getGroup({ params: { group: id } })
  out.show(group, () =>
    formatFacts([
      ['name', group.name],
      ['id', group.id],
      ['kind', group.kind],
      ['filter', group.filter],
      ['description', group.description],
      ['devices', group.devices === undefined ? undefined : String(group.devices)],
      ['made', ago(group.createdAt)],
    ]),
  )
}

interface CreateOptions {
  readonly filter?: string
  readonly description: string
}

async function create(name: string, options: CreateOptions, command: Command): Promise<void> {
  const { client, out } = await operatorOf(command)
  const answer = await client.devices.createGroup({ body: { name, ...given(options) } })
  const next = options.filter === undefined ? `; add devices: holdfast group add ${name} DEVICE…` : ''
  out.done(`Made the group ${name}${next}`, answer)
}

interface ChangeOptions {
  readonly name?: string
  readonly filter?: string
  readonly description?: string
}

async function change(text: string, options: ChangeOptions, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const { id, name } = await names.group(text)
  await client.devices.changeGroup({ params: { group: id }, body: given(options) })
  out.done(`Changed ${options.name ?? name}`, { id })
}

async function remove(text: string, _options: object, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const { id, name } = await names.group(text)
  await client.devices.removeGroup({ params: { group: id } })
  out.done(`Removed the group ${name}`, { id })
}

async function members(text: string, devices: string[], how: 'add' | 'remove', command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const { id, name } = await names.group(text)
  const answer = await client.devices.changeMembers({
    params: { group: id },
    body: { [how]: await names.devices(devices) },
  })
  out.done(`${name}: ${answer.added} added, ${answer.removed} taken out`, answer)
}

function registerAcceptRules(program: Command): void {
  const rule = program.command('accept-rule').description('rules that accept devices by themselves')
  rule.command('list').description('the rules').action(listRules)
  rule
    .command('create')
    .argument('<name>')
    .description('accept devices by certificate authority or identity pattern')
    .option('--issuer <file>', 'the authority of their certificates (PEM)')
    .option('--identity <name=pattern>', '* stands for any characters (several)', pairs)
    .option('--product <product>')
    .requiredOption('--quota <number>', 'how many at most', integer)
    .requiredOption('--expires <time>', 'until when: a time, or a span such as 30d', instant)
    .action(createRule)
  rule.command('remove').argument('<rule>').description('remove a rule').action(removeRule)
}

async function listRules(_options: object, command: Command): Promise<void> {
  const { client, out } = await operatorOf(command)
  const answer = await client.devices.acceptRules()
  out.list(
    answer.items,
    [
      { title: 'name', value: (item) => item.name },
      { title: 'accepted', value: (item) => String(item.accepted), right: true },
      { title: 'left', value: (item) => String(item.quotaLeft), right: true },
      { title: 'until', value: (item) => item.expiresAt },
      {
        title: 'identity',
        value: (item) =>
          Object.entries(item.identityPattern ?? {})
            .map((pair) => pair.join('='))
            .join(' '),
      },
      { title: 'issuer', value: (item) => item.issuerFingerprint?.slice(0, 16) ?? '' },
      { title: 'id', value: (item) => short(item.id) },
    ],
    'No rule: every device is accepted by a person.',
    answer,
  )
}

interface RuleOptions {
  readonly issuer?: string
  readonly identity?: Record<string, string>
  readonly product?: string
  readonly quota: number
  readonly expires: string
}

async function createRule(name: string, options: RuleOptions, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const answer = await client.devices.createAcceptRule({
    body: {
      name,
      quota: options.quota,
      expiresAt: options.expires,
      ...given({
        issuer: options.issuer === undefined ? undefined : await readFile(options.issuer, 'utf8'),
        identityPattern: options.identity,
        product: options.product === undefined ? undefined : (await names.product(options.product)).id,
      }),
    },
  })
  out.done(`Up to ${count(options.quota, 'device')} will be accepted until ${options.expires}`, answer)
}

async function removeRule(text: string, _options: object, command: Command): Promise<void> {
  const { client, out } = await operatorOf(command)
  const { items } = await client.devices.acceptRules()
  const rule = choose(
    'rule',
    text,
    items.map((value) => ({ id: value.id, names: [value.name], value })),
  )
  await client.devices.removeAcceptRule({ params: { rule: rule.id } })
  out.done(`Removed the rule ${rule.name}`, { id: rule.id })
}
