import { type Client, createClient } from '@holdfast/client'
import { Fault } from '@holdfast/kernel'
import type { Answer, operations } from '@holdfast/protocol'
import { ask, askSecret, readSecretLine } from './prompt.ts'
import { createTransport, type Server } from './transport.ts'

export type Me = Answer<(typeof operations)['session']['me']>

export interface PersonOptions {
  readonly email?: string
  readonly passwordStdin?: boolean
  readonly code?: string
}

/** Signs a person in with password and second factor: a session that lives in this process only. */
export async function signInAsPerson(server: Server, options: PersonOptions): Promise<{ client: Client; me: Me }> {
  const client = createClient(createTransport(server))
  const email = options.email ?? (await ask('E-mail: ', 'give --email ADDRESS'))
  const password =
    options.passwordStdin === true
      ? await readSecretLine()
      : await askSecret('Password: ', 'give --password-stdin and the password on standard input')
  return { client, me: await signIn(client, { email, password }, options.code) }
}

async function signIn(client: Client, body: { email: string; password: string }, code?: string): Promise<Me> {
  const first = await client.session.signIn({ body: { ...body, ...(code === undefined ? {} : { code }) } })
  if (first.done) return first.me
  if (!first.needs.includes('totp')) {
    const way = 'make a token in the console and use: holdfast login --token-stdin'
    throw new Fault('refused', 'cli.needs_passkey', `this account signs in with a passkey: ${way}`)
  }
  const second = await client.session.signIn({
    body: { ...body, code: await ask('One-time code: ', 'give --code DIGITS') },
  })
  if (!second.done) throw new Fault('unauthenticated', 'cli.second_factor', 'the second factor was not accepted')
  return second.me
}
