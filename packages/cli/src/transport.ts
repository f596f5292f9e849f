import { Readable } from 'node:stream'
import type { Transport, TransportRequest } from '@holdfast/client'
import { Fault, messageOf } from '@holdfast/kernel'
import { Agent, type Dispatcher, request } from 'undici'

export interface Server {
  readonly url: string
  /** PEM; absent: the authorities of the system. */
  readonly ca?: string | undefined
  /** Believe exactly the certificate `ca`, which need not be an authority: for the first sign-in only. */
  readonly pinned?: boolean
}

export interface NodeTransport extends Transport {
  close(): Promise<void>
}

/** HTTPS with one pinned authority, and an API token or, while signing in, the session's cookie. */
export function createTransport(server: Server, token?: string): NodeTransport {
  const agent = new Agent({
    connect: {
      ...(server.ca === undefined ? {} : { ca: server.ca }),
      ...(server.pinned === true ? { allowPartialTrustChain: true } : {}),
    },
    // Uploads and watches take as long as they take.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  let cookie: string | undefined
  const transport = async (call: TransportRequest) => {
    const response = await send(agent, server.url, call, {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(cookie === undefined ? {} : { cookie }),
      'x-holdfast-csrf': '1',
    })
    cookie = sessionCookie(response.headers['set-cookie']) ?? cookie
    const retry = Number(response.headers['retry-after'])
    return {
      status: response.statusCode,
      retryAfter: Number.isFinite(retry) ? retry : undefined,
      text: () => response.body.text(),
      bytes: () => response.body as AsyncIterable<Uint8Array>,
    }
  }
  return Object.assign(transport, { close: () => agent.close() })
}

async function send(
  agent: Agent,
  url: string,
  call: TransportRequest,
  credentials: Record<string, string>,
): Promise<Dispatcher.ResponseData> {
  try {
    return await request(new URL(call.path, url), {
      dispatcher: agent,
      method: call.method as Dispatcher.HttpMethod,
      headers: { ...call.headers, ...credentials },
      body:
        call.body === undefined || typeof call.body === 'string' || call.body instanceof Uint8Array
          ? (call.body ?? null)
          : Readable.from(call.body, { objectMode: false }),
    })
  } catch (thrown) {
    throw connectionFault(thrown, url)
  }
}

const untrusted = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_GET_ISSUER_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'CERT_HAS_EXPIRED',
  'CERT_SIGNATURE_FAILURE',
])

/** A failure to connect as a Fault; anything else comes back as it is. */
export function connectionFault(thrown: unknown, url: string): unknown {
  if (thrown instanceof Fault || !(thrown instanceof Error) || !('code' in thrown)) return thrown
  const code = String(thrown.code)
  if (untrusted.has(code)) {
    return new Fault('refused', 'cli.untrusted_server', `the certificate of ${url} is not trusted: ${thrown.message}`, {
      cause: thrown,
    })
  }
  if (code.startsWith('E') || code.startsWith('UND_ERR')) {
    return new Fault('unavailable', 'cli.unreachable', `${url} cannot be reached: ${messageOf(thrown) || code}`, {
      cause: thrown,
    })
  }
  return thrown
}

function sessionCookie(header: string | string[] | undefined): string | undefined {
  for (const each of [header ?? []].flat()) {
    const pair = each.split(';', 1)[0] ?? ''
    if (pair.startsWith('holdfast_session=')) return pair
  }
  return undefined
}
