import { type Command, Option } from 'commander'
import { given, instant, integer, percent, several } from '../arguments.ts'
import { operatorOf } from '../connection.ts'
import {
  type PolicyOptions,
  parsePhase,
  parseWindow,
  policyOf,
  type TargetOptions,
  targetOf,
} from '../deployment-policy.ts'
import { toned } from '../output.ts'
import { deploymentText, endedCount, stateTones } from '../view/deployment-view.ts'
import { ago, count, short } from '../wording.ts'
import { registerDeployControl } from './deploy-control.ts'
import { registerDeployDevices } from './deploy-devices.ts'
import { watchDeployment } from './deploy-watch.ts'

export function registerDeployments(program: Command): void {
  const deploy = program.command('deploy').description('releases on their way to devices')
  withPolicy(
    deploy
      .command('create')
      .argument('<release>', 'product@version or id')
      .description('deploy a release, in phases if you like')
      .option('--name <name>', 'name of the deployment (default: product and version)')
      .option('--preview', 'only show who would get what')
      .option('--watch', 'stay and show its progress'),
  ).action(create)
  deploy
    .command('list')
    .description('deployments, newest first')
    .option('--state <state>', 'scheduled, running, paused, finished, halted, aborted or expired')
    .option('--product <product>')
    .option('--device <device>')
    .option('--limit <number>', 'how many', integer, 50)
    .action(list)
  deploy
    .command('show')
    .argument('<deployment>', 'id, name or latest')
    .description('one deployment with its phases')
    .action(show)
  deploy
    .command('watch')
    .argument('<deployment>', 'id, name or latest')
    .description('show its progress until it ends; exit status 3 unless it finished')
    .action(watch)
  registerDeployControl(deploy)
  registerDeployDevices(deploy)
}

/** Who gets it, and how: the same for software and for configuration. */
export function withPolicy(command: Command): Command {
  return command
    .option('--group <group>', 'devices of this group')
    .option('--filter <filter>', 'devices that match')
    .option('--device <device>', 'this device (several)', several)
    .option('--continuous', 'also devices that join the group or match later')
    .option('--phase <share>', '10%, a number or rest; with ,gate or ,delay=MINUTES (several)', parsePhase)
    .option('--success <percent>', 'share of a phase that must succeed before the next opens', percent)
    .option('--halt-at <percent>', 'halt at this share of failures in a phase', percent)
    .option('--halt-at-failures <number>', 'halt at this number of failures', integer)
    .option('--priority <number>', 'above 0: before other deployments', integer)
    .option('--start <time>', 'not before: a time, or a span such as 2h', instant)
    .option('--expires <time>', 'not after', instant)
    .option(
      '--window <window>',
      '02:00-05:00 in device-local time, or "mon,tue 22:00-04:00 Europe/Berlin" (several)',
      parseWindow,
    )
    .option('--retries <number>', 'how often a failed device tries again', integer)
    .option('--backoff <minutes>', 'first wait between two attempts; doubles each time', integer)
    .option('--download-only', 'download now, install when told: holdfast deploy install')
    .option('--confirmation', 'somebody at the device must confirm')
    .addOption(
      new Option('--pause-before <point...>', 'wait for a person there').choices([
        'installing',
        'rebooting',
        'committing',
      ]),
    )
    .option('--force', 'install also where it already runs, and outside of windows')
}

interface CreateOptions extends TargetOptions, PolicyOptions {
  readonly name?: string
  readonly preview?: boolean
  readonly watch?: boolean
}

async function create(text: string, options: CreateOptions, command: Command): Promise<void> {
  const operator = await operatorOf(command)
  const { client, out, names } = operator
  const release = await names.release(text)
  const body = { release: release.id, target: await targetOf(options, names), policy: policyOf(options) }
  if (options.preview === true) {
    const preview = await client.deployments.preview({ body })
    out.show(preview, () =>
      [
        `${count(preview.devices, 'device')}: ${preview.compatible} compatible, ${preview.alreadyInstalled} already have it, ${preview.incompatible} cannot install it`,
        ...preview.phases.map((phase) => {
          const examples = phase.examples.map((device) => device.name).join(', ')
          return `phase ${phase.number}: ${count(phase.devices, 'device')}${examples === '' ? '' : `, such as ${examples}`}`
        }),
        ...preview.warnings.map((warning) => toned('warn', warning)),
      ].join('\n'),
    )
    return
  }
  const name = options.name ?? `${release.product.name} ${release.version}`
  const answer = await client.deployments.create({ body: { name, ...body } })
  if (options.watch === true) {
    await watchDeployment(operator, answer.id)
    return
  }
  out.done(
    `Deploying ${toned('strong', name)} to ${count(answer.devices, 'device')}; watch it: holdfast deploy watch ${short(answer.id)}`,
    answer,
  )
}

interface ListOptions {
  readonly state?: string
  readonly product?: string
  readonly device?: string
  readonly limit: number
}

async function list(options: ListOptions, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const product = options.product === undefined ? undefined : (await names.product(options.product)).id
  const device = options.device === undefined ? undefined : (await names.device(options.device)).id
  const { state, limit } = options
  const answer = await client.deployments.list({ query: given({ state, limit, product, device }) })
  out.list(
    answer.items,
    [
      { title: 'id', value: (item) => short(item.id) },
      { title: 'name', value: (item) => item.name },
      { title: 'release', value: (item) => `${item.release.product.name} ${item.release.version}` },
      { title: 'state', value: (item) => toned(stateTones[item.state], item.state) },
      { title: 'done', value: (item) => `${endedCount(item.counts)} of ${item.devices}`, right: true },
      { title: 'begun', value: (item) => ago(item.createdAt) },
    ],
    'Nothing was deployed yet. Deploy a release: holdfast deploy create PRODUCT@VERSION --group GROUP',
    answer,
  )
}

async function show(text: string, _options: object, command: Command): Promise<void> {
  const { out, names } = await operatorOf(command)
  const deployment = await names.deployment(text)
  out.show(deployment, () => deploymentText(deployment))
}

async function watch(text: string, _options: object, command: Command): Promise<void> {
  const operator = await operatorOf(command)
  await watchDeployment(operator, (await operator.names.deployment(text)).id)
}
