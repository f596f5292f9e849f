import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import { pipeline } from 'node:stream/promises'
import type { TLSSocket } from 'node:tls'
import { Fault } from '@holdfast/kernel'
import findMyWay from 'find-my-way'
import { faultAnswer } from './fault-answer.ts'

/** What a device sent, before any translation. */
export interface DeviceRequest {
  readonly method: string
  /** Path without query. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly address: string
  /** The certificate that the TLS handshake proved possession of, in DER; whether to trust it is the gateway's decision. */
  readonly certificate: Uint8Array | undefined
  /** The connection, as a key for what is worth remembering as long as it lasts. */
  readonly connection: object
  /** The whole body; throws `limited` beyond `limit` bytes. */
  body(limit: number): Promise<Buffer>
}

export interface DeviceAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string | number>>
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>
}

export type DeviceParams = Readonly<Record<string, string | undefined>>
export type DeviceHandler = (request: DeviceRequest, params: DeviceParams) => Promise<DeviceAnswer> | DeviceAnswer

export interface DeviceRoute {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** In the router's notation: `/api/devices/v1/deployments/device/deployments/:id/status`. */
  readonly path: string
  readonly handle: DeviceHandler
}

export interface DeviceEdgeNeeds {
  readonly routes: readonly DeviceRoute[]
  readonly tls: { readonly key: string; readonly cert: string }
  readonly logDefect: (thrown: unknown, about: { method: string; path: string; requestId: string }) => void
  /** Called for every request before anything else; throws `limited` or `unavailable`. Answers how to end the count. */
  readonly admit: (address: string) => () => void
  readonly onAnswered: (method: string, status: number, seconds: number) => void
}

/**
 * The listener of devices: plain HTTP/1.1 over TLS with optional client certificates. It is kept apart from the people's
 * interface because it is the hot path and the storm path, and because browsers must not be asked for certificates.
 */
export function createDeviceEdge(needs: DeviceEdgeNeeds): Server {
  const router = createRouter(needs.routes)
  const server = createServer(
    {
      ...needs.tls,
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['http/1.1'],
      keepAliveTimeout: 120_000,
      handshakeTimeout: 20_000,
      headersTimeout: 20_000,
      requestTimeout: 120_000,
    },
    (request, response) => {
      void serve(needs, router, request, response)
    },
  )
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    response.writeContinue()
    void serve(needs, router, request, response)
  })
  server.on('tlsClientError', () => {})
  return server
}

type Router = ReturnType<typeof createRouter>

const noParams: DeviceParams = {}

/** Addresses without parameters, of which the check-in is one, are found by one look-up. */
function createRouter(routes: readonly DeviceRoute[]) {
  const router = findMyWay({ maxParamLength: 512, ignoreTrailingSlash: true })
  const fixed = new Map<string, Map<string, DeviceHandler>>()
  for (const { method, path, handle } of routes) {
    router.on(method, path, () => {}, { handle })
    if (/[:*]/.test(path)) continue
    const methods = fixed.get(path) ?? new Map<string, DeviceHandler>()
    fixed.set(path, methods.set(method, handle))
  }
  return (method: string, path: string): { handle: DeviceHandler; params: DeviceParams } | undefined => {
    const handle = fixed.get(path)?.get(method)
    if (handle !== undefined) return { handle, params: noParams }
    const found = router.find(method as 'GET', path)
    return found === null
      ? undefined
      : { handle: (found.store as { handle: DeviceHandler }).handle, params: found.params }
  }
}

async function serve(needs: DeviceEdgeNeeds, router: Router, request: IncomingMessage, response: ServerResponse) {
  const method = request.method ?? 'GET'
  const url = request.url ?? '/'
  const mark = url.indexOf('?')
  const path = mark < 0 ? url : url.slice(0, mark)
  const begun = performance.now()
  let release: (() => void) | undefined
  try {
    release = needs.admit(request.socket.remoteAddress ?? '')
    const found = router(method, path)
    if (found === undefined) throw new Fault('missing', 'gateway.no_route', `nothing answers ${method} ${path}`)
    const received = new EdgeRequest(request, method, path, mark < 0 ? '' : url.slice(mark + 1))
    const answer = found.handle(received, found.params)
    const sending = send(response, answer instanceof Promise ? await answer : answer)
    if (sending !== undefined) await sending
  } catch (thrown) {
    fail(needs, thrown, method, path, request, response)
  } finally {
    release?.()
    needs.onAnswered(method, response.statusCode, (performance.now() - begun) / 1_000)
  }
}

/** Reading the certificate out of a connection costs more than answering a check-in, so once is enough. */
const certificates = new WeakMap<TLSSocket, Uint8Array | null>()

class EdgeRequest implements DeviceRequest {
  readonly method: string
  readonly path: string
  readonly #message: IncomingMessage
  readonly #search: string

  constructor(message: IncomingMessage, method: string, path: string, search: string) {
    this.#message = message
    this.#search = search
    this.method = method
    this.path = path
  }

  get headers(): IncomingHttpHeaders {
    return this.#message.headers
  }

  get query(): URLSearchParams {
    return new URLSearchParams(this.#search)
  }

  get address(): string {
    return this.#message.socket.remoteAddress ?? ''
  }

  get connection(): object {
    return this.#message.socket
  }

  get certificate(): Uint8Array | undefined {
    const socket = this.#message.socket as TLSSocket
    let known = certificates.get(socket)
    if (known === undefined) {
      known = socket.getPeerCertificate(false)?.raw ?? null
      certificates.set(socket, known)
    }
    return known ?? undefined
  }

  body(limit: number): Promise<Buffer> {
    const message = this.#message
    return new Promise((resolve, reject) => {
      // Whoever went away while something else was awaited raises no event any more.
      if (message.destroyed) reject(cutOff())
      const parts: Buffer[] = []
      let size = 0
      message.on('data', (part: Buffer) => {
        size += part.length
        if (size > limit) {
          message.removeAllListeners('data')
          message.resume()
          reject(new Fault('limited', 'gateway.body_too_large', `the body is larger than ${limit} bytes`))
        } else parts.push(part)
      })
      message.on('end', () => resolve(parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)))
      message.on('error', () => reject(cutOff()))
    })
  }
}

function cutOff(): Fault {
  return new Fault('malformed', 'gateway.cut', 'the request was cut off')
}

function send(response: ServerResponse, answer: DeviceAnswer): Promise<void> | undefined {
  const { status, headers, body } = answer
  if (status === 204 && headers === undefined) {
    response.writeHead(204)
    response.end()
    return
  }
  if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) {
    const length = body === undefined ? 0 : Buffer.byteLength(body)
    const lengthHeader = status === 204 || headers?.['content-length'] !== undefined ? {} : { 'content-length': length }
    response.writeHead(status, { ...headers, ...lengthHeader })
    response.end(body ?? '')
    return
  }
  response.writeHead(status, { ...headers })
  return stream(response, body)
}

async function stream(response: ServerResponse, body: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    await pipeline(body, response)
  } catch (thrown) {
    // The device went away or the content broke: it sees a short body and resumes; nobody else is concerned.
    response.destroy(thrown instanceof Error ? thrown : undefined)
  }
}

function fail(
  needs: DeviceEdgeNeeds,
  thrown: unknown,
  method: string,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
) {
  const requestId = randomUUID()
  const known = faultAnswer(thrown, requestId)
  if (known === undefined) needs.logDefect(thrown, { method, path, requestId })
  if (response.headersSent) {
    response.destroy()
    return
  }
  request.resume()
  const body = JSON.stringify(
    known?.body ?? { error: 'something went wrong here', code: 'server.defect', request_id: requestId },
  )
  if (known?.retryAfter !== undefined) response.setHeader('retry-after', Math.ceil(known.retryAfter))
  response.writeHead(known?.status ?? 500, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'x-request-id': requestId,
  })
  response.end(body)
}
