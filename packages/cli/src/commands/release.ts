import type { Command } from 'commander'
import { given, integer, several } from '../arguments.ts'
import { operatorOf } from '../connection.ts'
import { UsageError } from '../failure.ts'
import { type Tone, toned } from '../output.ts'
import { type Release, splitVersion } from '../resolve-names.ts'
import { formatFacts } from '../table.ts'
import { ago, bytes, short } from '../wording.ts'
import { registerReleaseArtifacts } from './release-artifacts.ts'

const tones: Readonly<Record<Release['state'], Tone>> = {
  draft: 'dim',
  signed: 'warn',
  released: 'good',
  withdrawn: 'bad',
}

export function registerReleases(program: Command): void {
  const release = program.command('release').description('the artifacts of one version of a product')
  release
    .command('list')
    .description('releases, newest first')
    .option('--product <product>')
    .option('--state <state>', 'draft, signed, released or withdrawn')
    .option('--tag <tag>')
    .option('--search <text>')
    .option('--limit <number>', 'how many', integer, 50)
    .action(list)
  release.command('show').argument('<release>', 'product@version or id').description('one release').action(show)
  release
    .command('create')
    .argument('<product@version>')
    .description('begin a release')
    .option('--notes <text>', 'what is new', '')
    .option('--tag <tag>', 'several', several)
    .action(create)
  release
    .command('change')
    .argument('<release>')
    .description('change notes and tags')
    .option('--notes <text>')
    .option('--tag <tag>', 'the whole list anew (several)', several)
    .action(change)
  registerReleaseArtifacts(release)
  release
    .command('release')
    .argument('<release>')
    .description('from now on it can be deployed and no longer changes')
    .action(makeReleased)
  release
    .command('withdraw')
    .argument('<release>')
    .description('no device gets it any more; its deployments halt')
    .requiredOption('--reason <text>')
    .action(withdraw)
  release.command('remove').argument('<release>').description('remove a release that was never released').action(remove)
}

interface ListOptions {
  readonly product?: string
  readonly state?: Release['state']
  readonly tag?: string
  readonly search?: string
  readonly limit: number
}

async function list(options: ListOptions, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const product = options.product === undefined ? undefined : (await names.product(options.product)).id
  const answer = await client.releases.list({ query: given({ ...options, product }) })
  out.list(
    answer.items,
    [
      { title: 'product', value: (item) => item.product.name },
      { title: 'version', value: (item) => item.version },
      { title: 'state', value: (item) => toned(tones[item.state], item.state) },
      { title: 'artifacts', value: (item) => String(item.artifacts.length), right: true },
      { title: 'signatures', value: (item) => `${item.signatures.trusted} of ${item.signatures.required}` },
      { title: 'made', value: (item) => ago(item.createdAt) },
      { title: 'id', value: (item) => short(item.id) },
    ],
    'There is no release yet. Begin one: holdfast release create PRODUCT@VERSION',
    answer,
  )
}

async function show(text: string, _options: object, command: Command): Promise<void> {
  const { out, names } = await operatorOf(command)
  const release = await names.release(text)
  out.show(release, () => releaseText(release))
}

function releaseText(release: Release): string {
  return formatFacts([
    ['release', `${release.product.name} ${release.version}`],
    ['id', release.id],
    ['state', toned(tones[release.state], release.state)],
    ['withdrawn', release.withdrawnReason],
    ['signatures', `${release.signatures.trusted} trusted of ${release.signatures.required} needed`],
    ['notes', release.notes],
    ['tags', release.tags.join(' ')],
    ['artifacts', release.artifacts.map(artifactLines).join('\n') || 'none: holdfast release upload'],
    ['made', ago(release.createdAt)],
    ['next', nextStep(release)],
  ])
}

function artifactLines(artifact: Release['artifacts'][number]): string {
  const { signature } = artifact
  const signer =
    signature.key === undefined ? signature.verdict.replaceAll('_', ' ') : `${signature.verdict} ${signature.key.name}`
  return `${artifact.fileName}  ${artifact.name}  ${artifact.payloadType}  ${bytes(artifact.size)}  ${signer}\n  for ${artifact.deviceTypes.join(', ')}`
}

/** The command that brings a release one step on. */
function nextStep(release: Release): string | undefined {
  const id = short(release.id)
  if (release.artifacts.length === 0) return `holdfast release upload ${id} FILE`
  if (release.state === 'draft' && release.signatures.trusted < release.signatures.required) {
    return `holdfast release sign ${id} --key KEYFILE`
  }
  if (release.state === 'draft' || release.state === 'signed') return `holdfast release release ${id}`
  return release.state === 'released' ? `holdfast deploy create ${id} --group GROUP` : undefined
}

async function create(text: string, options: { notes: string; tag?: string[] }, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const [key, version] = splitVersion(text)
  if (key === undefined) throw new UsageError('write it as product@version, such as weather-station@1.4.0')
  const product = await names.product(key)
  const answer = await client.releases.create({
    body: { product: product.id, version, notes: options.notes, tags: options.tag ?? [] },
  })
  out.done(
    `Began ${toned('strong', `${product.key}@${version}`)}; upload to it: holdfast release upload ${product.key}@${version} FILE`,
    answer,
  )
}

async function change(text: string, options: { notes?: string; tag?: string[] }, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const { id } = await names.release(text)
  await client.releases.change({ params: { release: id }, body: given({ notes: options.notes, tags: options.tag }) })
  out.done('Changed', { id })
}

async function makeReleased(text: string, _options: object, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const release = await names.release(text)
  await client.releases.release({ params: { release: release.id } })
  out.done(
    `Released ${release.product.name} ${release.version}; deploy it: holdfast deploy create ${short(release.id)} --group GROUP`,
    {
      id: release.id,
    },
  )
}

async function withdraw(text: string, options: { reason: string }, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const release = await names.release(text)
  await client.releases.withdraw({ params: { release: release.id }, body: options })
  out.done(`Withdrew ${release.product.name} ${release.version}; no device gets it any more`, { id: release.id })
}

async function remove(text: string, _options: object, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const release = await names.release(text)
  await client.releases.remove({ params: { release: release.id } })
  out.done(`Removed ${release.product.name} ${release.version}`, { id: release.id })
}
