import type { KeyObject } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { publicKeyPem, signBytes } from '@holdfast/crypto/keys'
import { collect } from '@holdfast/formats/content'
import { Fault } from '@holdfast/kernel'

export interface DeviceConnection {
  readonly url: string
  /** PEM of the authority that the device was made with. */
  readonly authority: string
  readonly tenantToken: string
  readonly identity: Readonly<Record<string, string>>
  readonly key: KeyObject
}

export interface OfferedUpdate {
  readonly id: string
  readonly name: string
  readonly source: string
}

const maxAnswer = 1024 * 1024
const resumes = 5

/** The device's half of the Mender device API: it authenticates by its own key and keeps its token. */
export function createDeviceApi(connection: DeviceConnection) {
  const agent = new Agent({ ca: connection.authority, keepAlive: true, maxSockets: 2 })
  let token: string | undefined

  const send = async (method: string, path: string, body?: object) => {
    const attempt = () =>
      exchange(agent, new URL(`/api/devices${path}`, connection.url), method, body, {
        authorization: `Bearer ${token ?? ''}`,
      })
    let answer = await attempt()
    if (answer.status === 401) {
      token = undefined
      await authenticate()
      answer = await attempt()
    }
    return answer
  }

  const authenticate = async () => {
    const body = JSON.stringify({
      id_data: JSON.stringify(connection.identity),
      tenant_token: connection.tenantToken,
      pubkey: publicKeyPem(connection.key),
    })
    const signature = Buffer.from(signBytes(connection.key, new TextEncoder().encode(body))).toString('base64')
    const url = new URL('/api/devices/v1/authentication/auth_requests', connection.url)
    const answer = await exchange(agent, url, 'POST', body, { 'x-men-signature': signature })
    if (answer.status !== 200) {
      throw new Fault('unauthenticated', 'device.not_accepted', `not accepted yet: ${errorText(answer.text)}`)
    }
    token = answer.text
  }

  return {
    authenticate,

    async next(provides: Readonly<Record<string, string>>): Promise<OfferedUpdate | undefined> {
      const answer = await send('POST', '/v2/deployments/device/deployments/next', { device_provides: provides })
      if (answer.status === 204) return undefined
      requireStatus(answer, 200)
      const { id, artifact } = JSON.parse(answer.text) as {
        id: string
        artifact: { artifact_name: string; source: { uri: string } }
      }
      return { id, name: artifact.artifact_name, source: artifact.source.uri }
    },

    /** Throws `device.cancelled` when the deployment was aborted. */
    async report(deployment: string, status: string, substate?: string): Promise<void> {
      const path = `/v1/deployments/device/deployments/${deployment}/status`
      const answer = await send('PUT', path, { status, ...(substate === undefined ? {} : { substate }) })
      if (answer.status === 409) throw new Fault('conflict', 'device.cancelled', 'the deployment was aborted')
      requireStatus(answer, 204)
    },

    async log(deployment: string, lines: readonly string[]): Promise<void> {
      const timestamp = new Date().toISOString()
      const messages = lines.map((message) => ({ level: 'error', timestamp, message }))
      requireStatus(await send('PUT', `/v1/deployments/device/deployments/${deployment}/log`, { messages }), 204)
    },

    async inventory(attributes: Readonly<Record<string, string>>): Promise<void> {
      const body = Object.entries(attributes).map(([name, value]) => ({ name, value }))
      requireStatus(await send('PUT', '/v1/inventory/device/attributes', body), 200)
    },

    download: (source: string) => download(agent, new URL(source)),

    close(): void {
      agent.destroy()
    },
  }
}

export type DeviceApi = ReturnType<typeof createDeviceApi>

/** The artifact's bytes; a connection that breaks is taken up again where it broke. */
async function* download(agent: Agent, url: URL): AsyncGenerator<Uint8Array> {
  let at = 0
  let total = Number.POSITIVE_INFINITY
  for (let attempt = 0; at < total; attempt += 1) {
    const response = await open(agent, url, 'GET', undefined, at === 0 ? {} : { range: `bytes=${at}-` })
    if (response.statusCode !== (at === 0 ? 200 : 206)) {
      throw new Fault('refused', 'device.download', `the download was answered with ${response.statusCode}`)
    }
    total = at + Number(response.headers['content-length'])
    try {
      for await (const part of response as AsyncIterable<Buffer>) {
        at += part.length
        yield part
      }
    } catch (thrown) {
      if (attempt >= resumes) throw thrown
    }
  }
}

interface Answered {
  readonly status: number
  readonly text: string
}

async function exchange(
  agent: Agent,
  url: URL,
  method: string,
  body: object | string | undefined,
  headers: Record<string, string>,
): Promise<Answered> {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
  const response = await open(agent, url, method, text, headers)
  const answer = await collect(response as AsyncIterable<Buffer>, maxAnswer, 'the answer')
  return { status: response.statusCode ?? 0, text: new TextDecoder().decode(answer) }
}

function open(
  agent: Agent,
  url: URL,
  method: string,
  body: string | undefined,
  headers: Record<string, string>,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const type = body === undefined ? {} : { 'content-type': 'application/json' }
    const message = request(url, { agent, method, headers: { ...type, ...headers }, timeout: 30_000 }, resolve)
    message.once('timeout', () => message.destroy(new Error('no answer within 30 s')))
    message.once('error', (thrown) =>
      reject(
        new Fault('unavailable', 'device.unreachable', `the server cannot be reached: ${thrown.message}`, {
          cause: thrown,
        }),
      ),
    )
    message.end(body)
  })
}

function requireStatus(answer: Answered, status: number): void {
  if (answer.status === status) return
  throw new Fault('refused', 'device.unexpected_answer', `answered ${answer.status}: ${errorText(answer.text)}`)
}

function errorText(text: string): string {
  try {
    const { error } = JSON.parse(text) as { error?: unknown }
    return typeof error === 'string' ? error : text
  } catch {
    return text
  }
}
