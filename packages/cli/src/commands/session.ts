import { hostname } from 'node:os'
import { createClient } from '@holdfast/client'
import { Fault, messageOf } from '@holdfast/kernel'
import type { Command } from 'commander'
import { integer } from '../arguments.ts'
import { type GlobalOptions, operatorOf, outputOf, readAuthority } from '../connection.ts'
import { readContexts, writeContexts } from '../contexts.ts'
import { UsageError } from '../failure.ts'
import { acceptAuthority, fingerprintOf, meetServer } from '../first-contact.ts'
import { toned } from '../output.ts'
import { confirm, readSecretLine } from '../prompt.ts'
import { type Me, type PersonOptions, signInAsPerson } from '../sign-in.ts'
import { formatFacts } from '../table.ts'
import { createTransport, type Server } from '../transport.ts'

interface LoginOptions extends GlobalOptions, PersonOptions {
  readonly ca?: string
  readonly fingerprint?: string
  readonly days: number
  readonly tokenStdin?: boolean
}

export function registerSession(program: Command): void {
  program
    .command('login')
    .description('sign in to a server and remember it; makes an API token of your own')
    .argument('[url]', 'address of the server, such as https://localhost:8443')
    .option('--ca <file>', 'the authority that issued the server’s certificate (PEM)')
    .option('--fingerprint <sha256>', 'accept the server’s certificate by its fingerprint')
    .option('--email <address>', 'who you are')
    .option('--password-stdin', 'read the password from standard input')
    .option('--code <digits>', 'the one-time code, where a second factor is set')
    .option('--days <number>', 'how long the sign-in lasts', integer, 90)
    .option('--token-stdin', 'store an API token from standard input instead of signing in')
    .action(login)
  program.command('logout').description('revoke the stored token and forget it').action(logout)
  program.command('whoami').description('who you are here, and what you may do').action(whoami)
}

async function login(given: string | undefined, options: LoginOptions, command: Command): Promise<void> {
  const globals = command.optsWithGlobals<LoginOptions>()
  const out = outputOf(command)
  const contexts = await readContexts()
  const name = globals.context ?? contexts.current
  const url = originOf(given ?? process.env.HOLDFAST_URL ?? contexts.contexts[name]?.url)
  const ca = options.ca ?? process.env.HOLDFAST_CA
  const met = await meetServer({
    url,
    ca: ca === undefined ? undefined : await readAuthority(ca),
    fingerprint: options.fingerprint,
    confirm: (fingerprint) =>
      confirm(
        `The certificate of ${url} is not known here. Its SHA-256 fingerprint is\n  ${fingerprint}\nIs it the right one?`,
        'give the authority with --ca FILE, or the fingerprint with --fingerprint SHA256',
      ),
  })
  const signedIn = options.tokenStdin === true ? await byToken(met) : await byPassword(met, options)
  const server = met.pinned === true ? { url, ca: acceptAuthority(met, signedIn.authority) } : met
  const context = {
    url,
    token: signedIn.token,
    ...(signedIn.tokenId === undefined ? {} : { tokenId: signedIn.tokenId }),
    ...(server.ca === undefined ? {} : { ca: server.ca }),
    who: signedIn.me.user.email,
    organisation: signedIn.me.organisation.name,
  }
  await writeContexts({ current: name, contexts: { ...contexts.contexts, [name]: context } })
  const authority = server.ca === undefined ? undefined : fingerprintOf(server.ca)
  out.done(
    `Signed in to ${url} as ${toned('strong', context.who)} (${context.organisation})` +
      (authority === undefined ? '' : `\nPinned authority: SHA-256 ${authority}`),
    { url, who: context.who, organisation: context.organisation, authority },
  )
}

interface SignedIn {
  readonly me: Me
  readonly token: string
  readonly tokenId?: string
  readonly authority: string
}

async function byToken(server: Server): Promise<SignedIn> {
  const token = (await readSecretLine()).trim()
  const client = createClient(createTransport(server, token))
  const [me, { authority }] = [await client.session.me(), await client.system.server()]
  return { me, token, authority }
}

async function byPassword(server: Server, options: LoginOptions): Promise<SignedIn> {
  const { client, me } = await signInAsPerson(server, options)
  const { authority } = await client.system.server()
  const permissions = [...new Set(me.permissions.map(({ permission }) => permission))]
  if (permissions.length === 0) {
    throw new Fault('forbidden', 'cli.no_permission', 'your account has no permission here that a token could carry')
  }
  const body = { name: `holdfast on ${hostname()}`, permissions, days: options.days }
  const made = await client.people.createToken({ body })
  await client.session.signOut()
  return { me, token: made.token, tokenId: made.id, authority }
}

async function logout(_options: object, command: Command): Promise<void> {
  const out = outputOf(command)
  const contexts = await readContexts()
  const name = command.optsWithGlobals<GlobalOptions>().context ?? contexts.current
  const { [name]: context, ...rest } = contexts.contexts
  if (context === undefined) throw new Fault('missing', 'cli.not_signed_in', 'you are not signed in')
  if (context.tokenId !== undefined) {
    const client = createClient(createTransport({ url: context.url, ca: context.ca }, context.token))
    // A server that is gone must not keep anybody signed in here.
    await client.people.revokeToken({ params: { token: context.tokenId } }).catch((thrown: unknown) => {
      out.note(`The token could not be revoked at the server: ${messageOf(thrown)}`)
    })
  }
  await writeContexts({ current: Object.keys(rest)[0] ?? 'default', contexts: rest })
  out.done(`Signed out of ${context.url}`, { url: context.url })
}

async function whoami(_options: object, command: Command): Promise<void> {
  const { client, out, server } = await operatorOf(command)
  const me = await client.session.me()
  out.show(me, () =>
    formatFacts([
      ['server', server.url],
      ['user', `${me.user.name} <${me.user.email}>`],
      ['organisation', me.organisation.name],
      ['signed in by', me.via],
      [
        'may',
        me.permissions.map(({ permission, product, group }) => permission + scopeText(product, group)).join('\n'),
      ],
    ]),
  )
}

function scopeText(product: string | undefined, group: string | undefined): string {
  const parts = [product === undefined ? '' : `product ${product}`, group === undefined ? '' : `group ${group}`]
  const text = parts.filter((part) => part !== '').join(', ')
  return text === '' ? '' : ` (${text})`
}

function originOf(given: string | undefined): string {
  if (given === undefined) throw new UsageError('say which server: holdfast login https://HOST:8443')
  const url = URL.parse(given.includes('://') ? given : `https://${given}`)
  if (url === null || url.protocol !== 'https:') throw new UsageError(`${given} is not an https address`)
  return url.origin
}
