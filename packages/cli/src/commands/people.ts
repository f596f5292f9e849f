import type { Command } from 'commander'
import { integer, several } from '../arguments.ts'
import { operatorOf } from '../connection.ts'
import { UsageError } from '../failure.ts'
import { choose, type Names, type Person } from '../resolve-names.ts'
import { ago, short } from '../wording.ts'
import { registerTokens } from './token.ts'

type Grant = Person['grants'][number]

export function registerPeople(program: Command): void {
  const people = program.command('people').description('who works here, and what they may do')
  people.command('list').description('the people of the organisation').action(list)
  people
    .command('grant')
    .argument('<person>', 'e-mail, name or id')
    .argument('<roles...>', 'ROLE, ROLE:product=KEY or ROLE:group=NAME')
    .description('set what somebody may do: these roles and no other')
    .action(grant)
  people
    .command('remove')
    .argument('<person>')
    .description('remove somebody; their sessions and tokens end')
    .action(remove)
  people.command('unlock').argument('<person>').description('lift a lock-out').action(unlock)

  const invite = program.command('invite').description('invitations')
  invite
    .command('create')
    .argument('<email>')
    .argument('<roles...>', 'ROLE, ROLE:product=KEY or ROLE:group=NAME')
    .description('invite somebody; the link is shown once')
    .option('--days <number>', 'how long the link is good', integer, 7)
    .action(createInvitation)
  invite.command('list').description('open invitations').action(listInvitations)
  invite
    .command('revoke')
    .argument('<invitation>', 'e-mail or id')
    .description('withdraw an invitation')
    .action(revokeInvitation)

  const role = program.command('role').description('sets of permissions')
  role.command('list').description('the roles and what each may do').action(listRoles)
  role
    .command('set')
    .argument('<role>', 'lower-case letters and underscores')
    .requiredOption('--permission <permission>', 'several', several)
    .description('make or change a role of your own')
    .action(setRole)
  role.command('remove').argument('<role>').description('remove a role that nobody holds').action(removeRole)
  registerTokens(program)
}

async function list(_options: object, command: Command): Promise<void> {
  const { client, out } = await operatorOf(command)
  const answer = await client.people.list({ query: { limit: 500 } })
  out.list(
    answer.items,
    [
      { title: 'name', value: (item) => item.name },
      { title: 'e-mail', value: (item) => item.email },
      { title: 'roles', value: (item) => item.grants.map(grantText).join(', ') },
      { title: 'second factor', value: (item) => (item.secondFactor ? 'yes' : 'no') },
      { title: 'locked', value: (item) => (item.locked ? 'locked' : '') },
      { title: 'signed in', value: (item) => ago(item.lastSignIn) },
      { title: 'id', value: (item) => short(item.id) },
    ],
    'Nobody yet.',
    answer,
  )
}

function grantText({ role, product, group }: Grant): string {
  if (product !== undefined) return `${role} (product ${short(product)})`
  return group === undefined ? role : `${role} (group ${short(group)})`
}

async function parseGrants(texts: readonly string[], names: Names): Promise<Grant[]> {
  const grants: Grant[] = []
  for (const text of texts) {
    const [, role = '', kind, name = ''] = /^([a-z_]+)(?::(product|group)=(.+))?$/.exec(text) ?? []
    if (role === '') throw new UsageError(`${text} is not ROLE, ROLE:product=KEY or ROLE:group=NAME`)
    if (kind === 'product') grants.push({ role, product: (await names.product(name)).id })
    else if (kind === 'group') grants.push({ role, group: (await names.group(name)).id })
    else grants.push({ role })
  }
  return grants
}

async function grant(text: string, roles: string[], _options: object, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const person = await names.person(text)
  const grants = await parseGrants(roles, names)
  await client.people.changeGrants({ params: { person: person.id }, body: { grants } })
  out.done(`${person.name} is now ${grants.map(grantText).join(', ')}`, { id: person.id, grants })
}

async function remove(text: string, _options: object, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const person = await names.person(text)
  await client.people.remove({ params: { person: person.id } })
  out.done(`Removed ${person.name}; their sessions and tokens have ended`, { id: person.id })
}

async function unlock(text: string, _options: object, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const person = await names.person(text)
  await client.people.unlock({ params: { person: person.id } })
  out.done(`${person.name} may sign in again`, { id: person.id })
}

async function createInvitation(email: string, roles: string[], options: { days: number }, command: Command) {
  const { client, out, names } = await operatorOf(command)
  const grants = await parseGrants(roles, names)
  const answer = await client.people.invite({ body: { email, grants, days: options.days } })
  out.show(answer, () => answer.link)
  out.note(`Send this link to ${email}. It is shown this once and good until ${answer.expiresAt}.`)
}

async function listInvitations(_options: object, command: Command): Promise<void> {
  const { client, out } = await operatorOf(command)
  const answer = await client.people.invitations()
  out.list(
    answer.items,
    [
      { title: 'e-mail', value: (item) => item.email },
      { title: 'roles', value: (item) => item.grants.map(grantText).join(', ') },
      { title: 'until', value: (item) => item.expiresAt },
      { title: 'by', value: (item) => item.invitedBy },
      { title: 'id', value: (item) => short(item.id) },
    ],
    'No invitation is open.',
    answer,
  )
}

async function revokeInvitation(text: string, _options: object, command: Command): Promise<void> {
  const { client, out } = await operatorOf(command)
  const { items } = await client.people.invitations()
  const found = choose(
    'invitation',
    text,
    items.map((value) => ({ id: value.id, names: [value.email], value })),
  )
  await client.people.revokeInvitation({ params: { invitation: found.id } })
  out.done(`Withdrew the invitation of ${found.email}`, { id: found.id })
}

async function listRoles(_options: object, command: Command): Promise<void> {
  const { client, out } = await operatorOf(command)
  const answer = await client.people.roles()
  out.list(
    answer.items,
    [
      { title: 'role', value: (item) => item.name },
      { title: 'kind', value: (item) => (item.builtIn ? 'built in' : 'own') },
      { title: 'may', value: (item) => item.permissions.join(' ') },
    ],
    'No roles.',
    answer,
  )
}

type Permissions = Parameters<
  Awaited<ReturnType<typeof operatorOf>>['client']['people']['putRole']
>[0]['body']['permissions']

async function setRole(role: string, options: { permission: string[] }, command: Command): Promise<void> {
  const { client, out } = await operatorOf(command)
  // The server names a permission that it does not know.
  await client.people.putRole({ params: { role }, body: { permissions: options.permission as Permissions } })
  out.done(`The role ${role} may now ${options.permission.join(', ')}`, { role })
}

async function removeRole(role: string, _options: object, command: Command): Promise<void> {
  const { client, out } = await operatorOf(command)
  await client.people.removeRole({ params: { role } })
  out.done(`Removed the role ${role}`, { role })
}
