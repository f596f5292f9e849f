import { collect } from '@holdfast/formats/content'
import { configurationArtifact } from '@holdfast/formats/mender/configuration'
import { signMenderManifest } from '@holdfast/formats/mender/signature'
import { writeMenderArtifact } from '@holdfast/formats/mender/write'
import { newId } from '@holdfast/kernel'
import type { Command } from 'commander'
import { parsePair } from '../arguments.ts'
import { operatorOf } from '../connection.ts'
import { type PolicyOptions, policyOf, type TargetOptions, targetOf } from '../deployment-policy.ts'
import { UsageError } from '../failure.ts'
import { readSigningKey } from '../key-material.ts'
import { toned } from '../output.ts'
import { formatFacts, formatTable } from '../table.ts'
import { ago, count, short } from '../wording.ts'
import { withPolicy } from './deploy.ts'
import { watchDeployment } from './deploy-watch.ts'

const maxConfigurationBytes = 16 * 1024 * 1024

export function registerConfiguration(program: Command): void {
  const configuration = program.command('configuration').description('settings of devices, signed like software')
  withPolicy(
    configuration
      .command('set')
      .argument('<settings...>', 'name=value')
      .description('make, sign, release and deploy a configuration')
      .requiredOption('--product <product>', 'the product of the devices')
      .option('--key <file>', 'sign it with this private key')
      .option('--passphrase-file <file>', 'opens the private key')
      .option('--watch', 'stay and show its progress'),
  ).action(set)
  configuration
    .command('show')
    .argument('<device>')
    .description('desired and reported settings, and the difference')
    .action(show)
  configuration
    .command('history')
    .argument('<device>')
    .description('every configuration it was given or reported')
    .action(history)
}

interface SetOptions extends TargetOptions, PolicyOptions {
  readonly product: string
  readonly key?: string
  readonly passphraseFile?: string
  readonly watch?: boolean
}

async function set(settings: string[], options: SetOptions, command: Command): Promise<void> {
  const operator = await operatorOf(command)
  const { client, out, names } = operator
  const product = await names.product(options.product)
  if (options.key === undefined && product.signaturesRequired > 0) {
    throw new UsageError(`${product.key} takes signed releases only: give --key FILE`)
  }
  const target = await targetOf(options, names)
  const version = `configuration-${newId()}`
  const key = options.key === undefined ? undefined : await readSigningKey(options.key, options.passphraseFile)
  const spec = configurationArtifact({
    deviceTypes: product.deviceTypes,
    configuration: Object.assign({}, ...settings.map(parsePair)),
    name: version,
  })
  const sign = key === undefined ? {} : { sign: (manifest: Uint8Array) => signMenderManifest(manifest, key) }
  const artifact = await collect(writeMenderArtifact({ ...spec, ...sign }), maxConfigurationBytes, 'the configuration')

  const release = await client.releases.create({
    body: { product: product.id, version, notes: settings.join('\n'), tags: ['configuration'] },
  })
  await client.releases.uploadArtifact({
    params: { release: release.id, fileName: `${version}.mender` },
    body: artifact,
  })
  await client.releases.release({ params: { release: release.id } })
  const name = `Configuration of ${product.name}`
  const answer = await client.deployments.create({
    body: { name, release: release.id, target, policy: policyOf(options) },
  })
  if (options.watch === true) return await watchDeployment(operator, answer.id)
  out.done(
    `Deploying ${count(settings.length, 'setting')} to ${count(answer.devices, 'device')}; watch it: holdfast deploy watch ${short(answer.id)}`,
    {
      ...answer,
      release: release.id,
    },
  )
}

async function show(text: string, _options: object, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const device = await names.device(text)
  const answer = await client.configuration.get({ params: { device: device.id } })
  out.show(answer, () => {
    const settings = [...new Set([...Object.keys(answer.desired), ...Object.keys(answer.reported)])].sort()
    const drifting = new Set(answer.drift.map(({ name }) => name))
    const head = formatFacts([
      ['device', device.name],
      ['desired', answer.desiredAt === undefined ? 'nothing yet' : ago(answer.desiredAt)],
      ['reported', answer.reportedAt === undefined ? 'nothing yet' : ago(answer.reportedAt)],
      [
        'drift',
        answer.drift.length === 0 ? toned('good', 'none') : toned('bad', count(answer.drift.length, 'setting')),
      ],
    ])
    if (settings.length === 0) return head
    const table = formatTable(settings, [
      { title: 'setting', value: (name) => name },
      { title: 'desired', value: (name) => answer.desired[name] ?? '' },
      { title: 'reported', value: (name) => answer.reported[name] ?? '' },
      { title: '', value: (name) => (drifting.has(name) ? toned('bad', 'differs') : '') },
    ])
    return `${head}\n\n${table}`
  })
}

async function history(text: string, _options: object, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const device = await names.device(text)
  const answer = await client.configuration.history({ params: { device: device.id } })
  out.list(
    answer.items,
    [
      { title: 'at', value: (item) => item.at },
      { title: 'kind', value: (item) => item.kind },
      {
        title: 'settings',
        value: (item) =>
          Object.entries(item.settings)
            .map((pair) => pair.join('='))
            .join(' '),
      },
    ],
    'It was given none and reported none.',
    answer,
  )
}
