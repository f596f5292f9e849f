import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { given, integer } from '../arguments.ts'
import { operatorOf } from '../connection.ts'
import { choose } from '../resolve-names.ts'
import { formatFacts } from '../table.ts'
import { ago, short } from '../wording.ts'

/** Settings of the organisation: which authorities and gateways speak for devices, and who of support may look in. */
export function registerSettings(program: Command): void {
  const authority = program.command('authority').description('certificate authorities that are trusted for devices')
  authority.command('list').description('the authorities').action(listAuthorities)
  authority
    .command('trust')
    .argument('<name>')
    .argument('<file>', 'the authority’s certificate (PEM)')
    .description('trust an authority for device certificates')
    .action(trust)
  authority
    .command('remove')
    .argument('<authority>', 'name, id or fingerprint')
    .description('stop trusting it')
    .action(distrust)
  program
    .command('gateway-token')
    .description('make a new DDI gateway token, which may act for any controller; it is shown once')
    .action(gatewayToken)

  const support = program.command('support').description('who of support may look in, and until when')
  support.command('list').description('open grants').action(listSupport)
  support
    .command('grant')
    .argument('<email>')
    .description('let somebody of support look in for a while; every act of theirs is recorded')
    .requiredOption('--reason <text>', 'why')
    .option('--hours <number>', 'for how long', integer, 24)
    .action(grantSupport)
  support.command('revoke').argument('<grant>', 'e-mail or id').description('end it at once').action(revokeSupport)

  const settings = program.command('settings').description('the organisation that you work in')
  settings.command('show').description('name, tenant token, DDI tenant, limits').action(showSettings)
  settings
    .command('set')
    .description('change them')
    .option('--name <name>')
    .option('--require-second-factor', 'everybody needs a second factor')
    .option('--no-require-second-factor', 'nobody needs one')
    .action(changeSettings)
}

async function listAuthorities(_options: object, command: Command): Promise<void> {
  const { client, out } = await operatorOf(command)
  const answer = await client.devices.authorities()
  out.list(
    answer.items,
    [
      { title: 'name', value: (item) => item.name },
      { title: 'subject', value: (item) => item.subject },
      { title: 'until', value: (item) => item.notAfter },
      { title: 'fingerprint', value: (item) => `${item.fingerprint.slice(0, 16)}…` },
      { title: 'id', value: (item) => short(item.id) },
    ],
    'No authority is trusted: no device is recognised by a certificate.',
    answer,
  )
}

async function trust(name: string, file: string, _options: object, command: Command): Promise<void> {
  const { client, out } = await operatorOf(command)
  const answer = await client.devices.trustAuthority({ body: { name, pem: await readFile(file, 'utf8') } })
  out.done(`Device certificates by ${name} are trusted now (${answer.fingerprint})`, answer)
}

async function distrust(text: string, _options: object, command: Command): Promise<void> {
  const { client, out } = await operatorOf(command)
  const { items } = await client.devices.authorities()
  const known = items.map((value) => ({ id: value.id, names: [value.name, value.fingerprint], value }))
  const found = choose('authority', text, known)
  await client.devices.removeAuthority({ params: { authority: found.id } })
  out.done(`${found.name} is no longer trusted for devices`, { id: found.id })
}

async function gatewayToken(_options: object, command: Command): Promise<void> {
  const { client, out } = await operatorOf(command)
  const answer = await client.devices.gatewayToken()
  out.show(answer, () => answer.token)
  out.note('It is shown this once, and the one before has ended. In swupdate.cfg it is suricatta.gatewaytoken.')
}

async function listSupport(_options: object, command: Command): Promise<void> {
  const { client, out } = await operatorOf(command)
  const answer = await client.people.supportAccess()
  out.list(
    answer.items,
    [
      { title: 'e-mail', value: (item) => item.email },
      { title: 'until', value: (item) => item.expiresAt },
      { title: 'granted by', value: (item) => item.grantedBy },
      { title: 'why', value: (item) => item.reason },
      { title: 'id', value: (item) => short(item.id) },
    ],
    'Nobody of support may look in.',
    answer,
  )
}

async function grantSupport(
  email: string,
  options: { reason: string; hours: number },
  command: Command,
): Promise<void> {
  const { client, out } = await operatorOf(command)
  const answer = await client.people.grantSupport({ body: { email, ...options } })
  out.done(`${email} may look in until ${answer.expiresAt}; end it with: holdfast support revoke ${email}`, answer)
}

async function revokeSupport(text: string, _options: object, command: Command): Promise<void> {
  const { client, out } = await operatorOf(command)
  const { items } = await client.people.supportAccess()
  const known = items.map((value) => ({ id: value.id, names: [value.email], value }))
  const found = choose('grant', text, known)
  await client.people.revokeSupport({ params: { access: found.id } })
  out.done(`${found.email} may no longer look in`, { id: found.id })
}

async function showSettings(_options: object, command: Command): Promise<void> {
  const { client, out } = await operatorOf(command)
  const [organisation, server] = [await client.people.organisation(), await client.system.server()]
  out.show({ organisation, server }, () =>
    formatFacts([
      ['organisation', organisation.name],
      ['id', organisation.id],
      ['made', ago(organisation.createdAt)],
      ['tenant token', organisation.tenantToken],
      ['DDI tenant', organisation.ddiTenant],
      ['second factor', organisation.requireSecondFactor ? 'everybody needs one' : 'optional'],
      ['at most', `${organisation.limits.devices} devices`],
      ['Mender URL', server.deviceUrl],
      ['DDI URL', server.ddiUrl],
      ['server', `${server.version}, ${server.database}, blobs in ${server.blobs}`],
    ]),
  )
}

interface SettingsOptions {
  readonly name?: string
  readonly requireSecondFactor?: boolean
}

async function changeSettings(options: SettingsOptions, command: Command): Promise<void> {
  const { client, out } = await operatorOf(command)
  await client.people.changeOrganisation({ body: given(options) })
  out.done('Changed')
}
