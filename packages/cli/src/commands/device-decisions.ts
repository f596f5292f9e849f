import type { Command } from 'commander'
import { operatorOf } from '../connection.ts'
import { UsageError } from '../failure.ts'
import { choose } from '../resolve-names.ts'
import { count } from '../wording.ts'

/** What people decide about devices that exist. */
export function registerDeviceDecisions(device: Command): void {
  device
    .command('accept')
    .argument('[devices...]', 'names, ids or the starts of ids')
    .description('accept pending devices: they may then update')
    .option('--all-pending', 'every device that is pending now, up to 1,000')
    .option('--product <product>', 'put them under this product')
    .action(accept)
  device.command('reject').argument('<device>').description('reject a device; its tokens end at once').action(reject)
  device
    .command('quarantine')
    .argument('<device>')
    .description('hold a device apart; its tokens end at once')
    .requiredOption('--reason <text>')
    .action(quarantine)
  device.command('release').argument('<device>').description('end a quarantine').action(release)
  device
    .command('retire')
    .argument('<device>')
    .description('retire a device for good')
    .requiredOption('--reason <text>')
    .action(retire)
  device
    .command('decide-key')
    .argument('<device>')
    .argument('<key>', 'id or fingerprint, or the start of its id')
    .argument('<decision>', 'accept or reject')
    .description('accept or reject one of several keys; at most one is accepted')
    .action(decideKey)
  device
    .command('revoke-tokens')
    .argument('<device>')
    .description('end every token of a device, on every node within a second')
    .action(revokeTokens)
  device
    .command('target-token')
    .argument('<device>')
    .description('make a new DDI target token; it is shown once')
    .action(targetToken)
}

interface AcceptOptions {
  readonly allPending?: boolean
  readonly product?: string
}

async function accept(texts: string[], options: AcceptOptions, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  if ((texts.length === 0) === (options.allPending !== true)) {
    throw new UsageError('name the devices, or say --all-pending')
  }
  const devices = options.allPending === true ? await pending() : await names.devices(texts)
  if (devices.length === 0) {
    out.done('No device is pending', { accepted: 0 })
    return
  }
  const product = options.product === undefined ? {} : { product: (await names.product(options.product)).id }
  const answer = await client.devices.accept({ body: { devices, ...product } })
  out.done(`Accepted ${count(answer.accepted, 'device')}`, answer)

  async function pending(): Promise<string[]> {
    const ids: string[] = []
    let cursor: string | undefined
    do {
      const page = await client.devices.list({
        query: { filter: 'state = pending', limit: 500, ...(cursor === undefined ? {} : { cursor }) },
      })
      ids.push(...page.items.map((item) => item.id))
      cursor = page.next
    } while (cursor !== undefined && ids.length < 1_000)
    return ids.slice(0, 1_000)
  }
}

async function reject(text: string, _options: object, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const { id, name } = await names.device(text)
  await client.devices.reject({ params: { device: id } })
  out.done(`Rejected ${name}`, { id })
}

async function quarantine(text: string, options: { reason: string }, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const { id, name } = await names.device(text)
  await client.devices.quarantine({ params: { device: id }, body: options })
  out.done(`Quarantined ${name}; end it with: holdfast device release ${id.slice(0, 13)}`, { id })
}

async function release(text: string, _options: object, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const { id, name } = await names.device(text)
  await client.devices.release({ params: { device: id } })
  out.done(`${name} is no longer quarantined`, { id })
}

async function retire(text: string, options: { reason: string }, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const { id, name } = await names.device(text)
  await client.devices.retire({ params: { device: id }, body: options })
  out.done(`Retired ${name} for good`, { id })
}

async function decideKey(text: string, keyText: string, decision: string, _options: object, command: Command) {
  if (decision !== 'accept' && decision !== 'reject') throw new UsageError('the decision is accept or reject')
  const { client, out, names } = await operatorOf(command)
  const { id, name } = await names.device(text)
  const { keys } = await client.devices.get({ params: { device: id } })
  const known = keys.map((value) => ({ id: value.id, names: [value.fingerprint], value }))
  const key = choose('key', keyText, known)
  const state = decision === 'accept' ? 'accepted' : 'rejected'
  await client.devices.decideKey({ params: { device: id, key: key.id }, body: { state } })
  out.done(`${name}: the key ${key.fingerprint.slice(0, 16)}… is ${state}`, { id, key: key.id, state })
}

async function revokeTokens(text: string, _options: object, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const { id, name } = await names.device(text)
  await client.devices.revokeTokens({ params: { device: id } })
  out.done(`Every token of ${name} has ended`, { id })
}

async function targetToken(text: string, _options: object, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const { id } = await names.device(text)
  const answer = await client.devices.targetToken({ params: { device: id } })
  out.show(answer, () => answer.token)
  out.note('It is shown this once. In swupdate.cfg it is suricatta.targettoken.')
}
