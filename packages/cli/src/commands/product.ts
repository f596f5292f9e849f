import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Command } from 'commander'
import { given, integer, several } from '../arguments.ts'
import { operatorOf } from '../connection.ts'
import { toned } from '../output.ts'
import { choose, type Product } from '../resolve-names.ts'
import { formatFacts } from '../table.ts'
import { ago, count, short } from '../wording.ts'

export function registerProducts(program: Command): void {
  const product = program.command('product').description('the types of device that you make')
  product.command('list').description('the products').action(list)
  product.command('show').argument('<product>').description('one product with its trusted keys').action(show)
  product
    .command('create')
    .argument('<key>', 'short name for addresses and commands, such as weather-station')
    .description('make a product')
    .option('--name <name>', 'name for people (default: the key)')
    .option('--description <text>', 'what it is', '')
    .requiredOption('--device-type <type>', 'what its devices report as device_type (several)', several)
    .option('--signatures <number>', 'distinct trusted signatures that a release needs', integer, 1)
    .option('--trust <file>', 'trust this public key or certificate at once (several)', several)
    .action(create)
  product
    .command('change')
    .argument('<product>')
    .description('change a product')
    .option('--name <name>')
    .option('--description <text>')
    .option('--device-type <type>', 'the whole list anew (several)', several)
    .option('--signatures <number>', 'distinct trusted signatures that a release needs', integer)
    .action(change)
  product
    .command('trust-key')
    .argument('<product>')
    .argument('<file>', 'PEM: a public key (Mender artifacts) or a certificate (.swu)')
    .description('trust a key that signs this product’s releases')
    .option('--name <name>', 'name of the key (default: the file’s)')
    .action(trustKey)
  product
    .command('revoke-key')
    .argument('<product>')
    .argument('<key>', 'name, id or fingerprint')
    .description('stop trusting a key')
    .action(revokeKey)
}

async function list(_options: object, command: Command): Promise<void> {
  const { client, out } = await operatorOf(command)
  const answer = await client.products.list()
  out.list(
    answer.items,
    [
      { title: 'key', value: (item) => item.key },
      { title: 'name', value: (item) => item.name },
      { title: 'device types', value: (item) => item.deviceTypes.join(', ') },
      { title: 'devices', value: (item) => String(item.devices), right: true },
      { title: 'signatures', value: (item) => String(item.signaturesRequired), right: true },
      {
        title: 'keys',
        value: (item) => String(item.keys.filter((key) => key.revokedAt === undefined).length),
        right: true,
      },
    ],
    'There is no product yet. Make one: holdfast product create KEY --device-type TYPE',
    answer,
  )
}

async function show(text: string, _options: object, command: Command): Promise<void> {
  const { out, names } = await operatorOf(command)
  const product = await names.product(text)
  out.show(product, () =>
    formatFacts([
      ['key', product.key],
      ['name', product.name],
      ['id', product.id],
      ['description', product.description],
      ['device types', product.deviceTypes.join(', ')],
      ['devices', String(product.devices)],
      ['signatures', `${product.signaturesRequired} needed to release`],
      ['keys', product.keys.map(keyLine).join('\n') || 'none: holdfast product trust-key'],
      ['made', ago(product.createdAt)],
    ]),
  )
}

function keyLine(key: Product['keys'][number]): string {
  const state = key.revokedAt === undefined ? toned('good', 'trusted') : toned('bad', `revoked ${ago(key.revokedAt)}`)
  return `${key.name}  ${key.kind.replace('_', ' ')}  ${key.algorithm}  ${key.fingerprint.slice(0, 16)}…  ${state}`
}

interface CreateOptions {
  readonly name?: string
  readonly description: string
  readonly deviceType: string[]
  readonly signatures: number
  readonly trust?: string[]
}

async function create(key: string, options: CreateOptions, command: Command): Promise<void> {
  const { client, out } = await operatorOf(command)
  const keys = await Promise.all(
    (options.trust ?? []).map(async (file) => ({ file, pem: await readFile(file, 'utf8') })),
  )
  const { id } = await client.products.create({
    body: {
      key,
      name: options.name ?? key,
      description: options.description,
      deviceTypes: options.deviceType,
      signaturesRequired: options.signatures,
    },
  })
  for (const { file, pem } of keys) {
    await client.products.trustKey({ params: { product: id }, body: { name: basename(file), pem } })
  }
  const trusted = keys.length === 0 ? `; trust a signing key: holdfast product trust-key ${key} FILE` : ''
  out.done(`Made the product ${toned('strong', key)} (${short(id)})${trusted}`, { id })
}

interface ChangeOptions {
  readonly name?: string
  readonly description?: string
  readonly deviceType?: string[]
  readonly signatures?: number
}

async function change(text: string, options: ChangeOptions, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const product = await names.product(text)
  const { name, description, deviceType: deviceTypes, signatures: signaturesRequired } = options
  await client.products.change({
    params: { product: product.id },
    body: given({ name, description, deviceTypes, signaturesRequired }),
  })
  out.done(`Changed ${product.key}`, { id: product.id })
}

async function trustKey(text: string, file: string, options: { name?: string }, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const product = await names.product(text)
  const pem = await readFile(file, 'utf8')
  const made = await client.products.trustKey({
    params: { product: product.id },
    body: { name: options.name ?? basename(file), pem },
  })
  out.done(`${product.key} now trusts ${options.name ?? basename(file)} (${made.fingerprint})`, made)
}

async function revokeKey(text: string, keyText: string, _options: object, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const product = await names.product(text)
  const usable = product.keys.filter((key) => key.revokedAt === undefined)
  const key = choose(
    'key',
    keyText,
    usable.map((value) => ({ id: value.id, names: [value.name, value.fingerprint], value })),
  )
  await client.products.revokeKey({ params: { product: product.id, key: key.id } })
  out.done(`${product.key} no longer trusts ${key.name}; ${count(usable.length - 1, 'key')} left`, { id: key.id })
}
