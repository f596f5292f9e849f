import { readFile } from 'node:fs/promises'
import { type Client, createClient } from '@holdfast/client'
import { Fault } from '@holdfast/kernel'
import type { Command } from 'commander'
import { readContexts } from './contexts.ts'
import { createOutput, type Output } from './output.ts'
import { createNames, type Names } from './resolve-names.ts'
import { createTransport, type Server } from './transport.ts'

export interface GlobalOptions {
  readonly json?: boolean
  readonly context?: string
}

/** What an operator's command works with. */
export interface Operator {
  readonly client: Client
  readonly out: Output
  readonly names: Names
  readonly server: Server
  readonly token: string
}

interface Credentials {
  readonly server: Server
  readonly token: string
}

/** HOLDFAST_URL, HOLDFAST_TOKEN and HOLDFAST_CA win over the stored context. */
async function findCredentials(environment: NodeJS.ProcessEnv, context?: string): Promise<Credentials> {
  const { HOLDFAST_URL: url, HOLDFAST_TOKEN: token, HOLDFAST_CA: ca } = environment
  const file = url !== undefined && token !== undefined ? undefined : await readContexts()
  const name = context ?? file?.current ?? 'default'
  const stored = file?.contexts[name]
  if (context !== undefined && file !== undefined && stored === undefined) {
    const known = Object.keys(file.contexts).join(', ') || 'none'
    throw new Fault('missing', 'cli.no_context', `there is no context ${context}; known: ${known}`)
  }
  const chosen = { url: url ?? stored?.url, token: token ?? stored?.token }
  if (chosen.url === undefined || chosen.token === undefined) {
    throw new Fault('unauthenticated', 'cli.not_signed_in', 'you are not signed in to a server')
  }
  const pem = ca === undefined ? (chosen.url === stored?.url ? stored.ca : undefined) : await readAuthority(ca)
  return { server: { url: chosen.url, ca: pem }, token: chosen.token }
}

/** HOLDFAST_CA and `--ca` take a file, or the PEM itself. */
export async function readAuthority(given: string): Promise<string> {
  return given.includes('-----BEGIN') ? given : await readFile(given, 'utf8')
}

export function outputOf(command: Command): Output {
  return createOutput(command.optsWithGlobals<GlobalOptions>().json === true)
}

/** Connects a command to its server; connections end with the command. */
export async function operatorOf(command: Command): Promise<Operator> {
  const { context } = command.optsWithGlobals<GlobalOptions>()
  const { server, token } = await findCredentials(process.env, context)
  const client = createClient(createTransport(server, token))
  return { client, out: outputOf(command), names: createNames(client), server, token }
}
