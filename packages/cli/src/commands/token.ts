import { type Permission, permissions } from '@holdfast/protocol'
import { type Command, InvalidArgumentError } from 'commander'
import { integer } from '../arguments.ts'
import { operatorOf } from '../connection.ts'
import { choose } from '../resolve-names.ts'
import { type PersonOptions, signInAsPerson } from '../sign-in.ts'
import { ago, count, nearest, short } from '../wording.ts'

/** API tokens for programs, and for this command line. */
export function registerTokens(program: Command): void {
  const token = program.command('token').description('API tokens, for programs')
  token
    .command('create')
    .argument('<name>', 'what it is for')
    .description('make a token with some of your permissions; it is shown once')
    .requiredOption('--permission <permission>', 'such as deployments.create (several)', permission)
    .option('--days <number>', 'how long it is good', integer, 90)
    .option('--email <address>', 'who you are')
    .option('--password-stdin', 'read the password from standard input')
    .option('--code <digits>', 'the one-time code, where a second factor is set')
    .action(create)
  token.command('list').description('your tokens; those of everybody if you may read people').action(list)
  token.command('revoke').argument('<token>', 'name or id').description('revoke a token').action(revoke)
}

function permission(text: string, before: readonly Permission[] = []): Permission[] {
  const known = permissions.find((each) => each === text)
  if (known !== undefined) return [...before, known]
  const near = nearest(text, permissions)
  throw new InvalidArgumentError(near === undefined ? `known: ${permissions.join(', ')}` : `did you mean ${near}?`)
}

interface CreateOptions extends PersonOptions {
  readonly permission: Permission[]
  readonly days: number
}

/** Only a person makes tokens, never a token: so the stored sign-in does not do. */
async function create(name: string, options: CreateOptions, command: Command): Promise<void> {
  const { out, server } = await operatorOf(command)
  const { client } = await signInAsPerson(server, options)
  const answer = await client.people.createToken({
    body: { name, permissions: options.permission, days: options.days },
  })
  await client.session.signOut()
  out.show(answer, () => answer.token)
  out.note(`It is shown this once and good until ${answer.expiresAt}. Programs give it as HOLDFAST_TOKEN.`)
}

async function list(_options: object, command: Command): Promise<void> {
  const { client, out } = await operatorOf(command)
  const answer = await client.people.tokens()
  out.list(
    answer.items,
    [
      { title: 'name', value: (item) => item.name },
      { title: 'of', value: (item) => item.owner.name },
      { title: 'may', value: (item) => count(item.permissions.length, 'thing') },
      { title: 'until', value: (item) => item.expiresAt },
      { title: 'used', value: (item) => ago(item.usedAt) },
      { title: 'id', value: (item) => short(item.id) },
    ],
    'No token.',
    answer,
  )
}

async function revoke(text: string, _options: object, command: Command): Promise<void> {
  const { client, out } = await operatorOf(command)
  const { items } = await client.people.tokens()
  const found = choose(
    'token',
    text,
    items.map((value) => ({ id: value.id, names: [value.name], value })),
  )
  await client.people.revokeToken({ params: { token: found.id } })
  out.done(`Revoked ${found.name}`, { id: found.id })
}
