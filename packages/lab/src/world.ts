import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { type Client, createClient, type Transport } from '@holdfast/client'
import type { Clock } from '@holdfast/kernel'
import { type App, startApp } from '@holdfast/server/app'
import { type Config, readConfig } from '@holdfast/server/config'
import { createLog } from '@holdfast/server/platform/log/log'

export interface WorldOptions {
  /** Settings over the defaults, as in the configuration file. */
  readonly config?: Record<string, unknown>
  readonly clock?: Clock
  /** Leave the first owner to be made through the set-up link. */
  readonly withoutOwner?: boolean
  /** Use this directory and leave it: for restarts. */
  readonly data?: string
}

export interface World extends AsyncDisposable {
  readonly app: App
  readonly config: Config
  readonly apiUrl: string
  readonly deviceUrl: string
  /** PEM of the authority that clients and devices must trust, and a file with it. */
  readonly authority: string
  readonly caFile: string
  readonly directory: string
  readonly owner: { readonly email: string; readonly password: string }
  readonly organisation: { readonly id: string; readonly tenantToken: string; readonly ddiTenant: string }
  /** The owner's own rights, by API token. */
  readonly client: Client
  readonly token: string
  /** A client with another token, or with none. */
  clientFor(token: string | undefined): Client
  /** A raw request to the REST interface. */
  fetch(path: string, init?: RawRequest): Promise<RawAnswer>
}

export interface RawRequest {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>
}

export interface RawAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: AsyncIterable<Uint8Array>
  text(): Promise<string>
}

const owner = { email: 'owner@example.com', password: 'correct horse battery staple' }

/** A whole server of its own, in this process, with its first owner: on a temporary directory and free ports. */
export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const directory = options.data ?? (await mkdtemp(join(tmpdir(), 'holdfast-world-')))
  const database = await databaseFor(directory)
  const config = readConfig(
    {},
    {
      data: join(directory, 'data'),
      listen: { host: '127.0.0.1', port: 0, devicePort: 0, metricsPort: 0 },
      log: { level: process.env.HOLDFAST_TEST_LOG ?? 'error' },
      limits: { perAddressPerMinute: 1_000_000, minFreeDiskMiB: 1 },
      database: database.settings,
      ...options.config,
    },
  )
  const app = await startApp({
    config,
    log: createLog(config.log.level),
    ...(options.clock === undefined ? {} : { clock: options.clock }),
  })
  const authority = app.foundation.tls.authority
  const caFile = join(directory, 'ca.crt')
  await writeFile(caFile, authority)
  const agent = new Agent({ ca: authority, keepAlive: true, maxSockets: 50 })
  const send = (path: string, init: RawRequest = {}) => rawRequest(agent, app.apiUrl, path, init)
  const clientFor = (token: string | undefined) => createClient(transport(send, token))
  const close = async () => {
    agent.destroy()
    await app.stop()
    if (options.data !== undefined) return
    await database.drop()
    await rm(directory, { recursive: true, force: true })
  }
  const base = {
    app,
    config,
    apiUrl: app.apiUrl,
    deviceUrl: app.deviceUrl,
    authority,
    caFile,
    directory,
    owner,
    clientFor,
    fetch: send,
    [Symbol.asyncDispose]: close,
  }
  if (options.withoutOwner === true) {
    return {
      ...base,
      client: clientFor(undefined),
      token: '',
      organisation: { id: '', tenantToken: '', ddiTenant: '' },
    }
  }
  try {
    const token = await ownerToken(await app.setupLink(), send)
    const client = clientFor(token)
    return { ...base, token, client, organisation: await client.people.organisation() }
  } catch (thrown) {
    await close()
    throw thrown
  }
}

/** Makes the owner through the set-up link, or signs in where there is none, and makes a token with all rights. */
export async function ownerToken(link: string | undefined, send: World['fetch']): Promise<string> {
  const path = link === undefined ? '/api/v1/session' : '/api/v1/session/setup'
  const body =
    link === undefined ? owner : { ...owner, name: 'Olive Owner', organisation: 'Example', secret: link.split('#')[1] }
  const answer = await send(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const cookie = String(answer.headers['set-cookie'] ?? '').split(';')[0] ?? ''
  if (answer.status >= 300) throw new Error(`the owner could not sign in: ${await answer.text()}`)
  const { permissions } = await import('@holdfast/protocol')
  const made = await send('/api/v1/tokens', {
    method: 'POST',
    headers: { 'content-type': 'application/json', cookie, 'x-holdfast-csrf': '1' },
    body: JSON.stringify({ name: 'world', permissions }),
  })
  const { token } = JSON.parse(await made.text()) as { token?: string }
  if (token === undefined) throw new Error('no token was made')
  return token
}

export function transport(send: World['fetch'], token: string | undefined): Transport {
  return async ({ method, path, headers, body }) => {
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const answer = await send(path, {
      method,
      headers: { ...headers, ...authorization },
      ...(body === undefined ? {} : { body }),
    })
    const retryAfter = answer.headers['retry-after']
    return {
      status: answer.status,
      retryAfter: retryAfter === undefined ? undefined : Number(retryAfter),
      text: answer.text,
      bytes: () => answer.body,
    }
  }
}

export function rawRequest(agent: Agent, base: string, path: string, init: RawRequest): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const message = request(
      new URL(path, base),
      { agent, method: init.method ?? 'GET', headers: { ...lengthHeader(init.body), ...init.headers } },
      (response) => {
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: response,
          async text() {
            const parts: Buffer[] = []
            for await (const part of response) parts.push(part as Buffer)
            return Buffer.concat(parts).toString('utf8')
          },
        })
      },
    )
    message.once('error', reject)
    const { body } = init
    if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) message.end(body)
    else Readable.from(body, { objectMode: false }).pipe(message)
  })
}

/** Node leaves it out where a method has usually no body, and the body would be taken for the next request. */
function lengthHeader(body: RawRequest['body']): { 'content-length'?: string } {
  if (typeof body !== 'string' && !(body instanceof Uint8Array)) return {}
  return { 'content-length': String(Buffer.byteLength(body)) }
}

/** A database of its own: the embedded one, or a schema where HOLDFAST_TEST_POSTGRES points. */
export async function databaseFor(
  directory: string,
): Promise<{ settings: { url?: string; connections?: number }; drop: () => Promise<void> }> {
  const url = process.env.HOLDFAST_TEST_POSTGRES
  if (url === undefined || url === '') return { settings: {}, drop: async () => {} }
  const schema = `world_${directory.replace(/\W/g, '').slice(-12).toLowerCase()}`
  const { default: pg } = await import('pg')
  const run = async (statement: string) => {
    const connection = new pg.Client({ connectionString: url })
    await connection.connect()
    await connection.query(statement).finally(() => connection.end())
  }
  await run(`create schema if not exists ${schema}`)
  const own = new URL(url)
  own.searchParams.set('options', `-c search_path=${schema}`)
  return { settings: { url: own.href, connections: 8 }, drop: () => run(`drop schema ${schema} cascade`) }
}
