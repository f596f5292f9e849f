import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { Fault } from '@holdfast/kernel'
import { apiPrefix, type Input, type Operation, type Permission } from '@holdfast/protocol'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { ZodType } from 'zod'
import type { AccessScope, Authenticate, Caller } from './caller.ts'
import { dismissBody } from './dismiss-body.ts'
import { faultAnswer } from './fault-answer.ts'
import type { Download, Route, SignedInContext } from './routes.ts'
import { uploadBlocks } from './upload-blocks.ts'

export interface ApiNeeds {
  readonly routes: readonly Route[]
  readonly authenticate: Authenticate
  readonly tls: { readonly key: string; readonly cert: string }
  readonly ownUrl: () => string
  /** Addresses or networks whose X-Forwarded-For says who calls. */
  readonly trustedProxies: readonly string[]
  readonly logDefect: (thrown: unknown, about: { method: string; path: string; requestId: string }) => void
  /** Called for every request before anything else; throws `limited` or `unavailable`. Answers how to end the count. */
  readonly admit: (address: string) => () => void
  readonly onAnswered: (method: string, status: number, seconds: number) => void
}

const jsonLimit = 1024 * 1024
const cookieName = 'holdfast_session'
/** A document has to be here by then; uploads take as long as they take, and are counted. */
const documentMilliseconds = 30_000
const csrfHeader = 'x-holdfast-csrf'

/** The REST interface over HTTPS: each operation of the protocol with its permission check. Refuses to be made with one unimplemented. */
export function createApiServer(needs: ApiNeeds, operations: readonly Operation[]): FastifyInstance {
  requireAllBound(needs.routes, operations)
  const server = Fastify({
    https: { key: needs.tls.key, cert: needs.tls.cert, minVersion: 'TLSv1.2' },
    bodyLimit: jsonLimit,
    genReqId: () => randomUUID(),
    trustProxy: needs.trustedProxies.length === 0 ? false : [...needs.trustedProxies],
    routerOptions: { maxParamLength: 512 },
    // What is under way may finish; whoever drains the server decides for how long.
    forceCloseConnections: 'idle',
    requestTimeout: 0,
    keepAliveTimeout: 65_000,
  }) as unknown as FastifyInstance
  server.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload))
  server.addHook('onRequest', async (request, reply) => {
    const release = needs.admit(request.ip)
    reply.raw.once('close', release)
    if (request.headers['content-type'] !== 'application/octet-stream') limitArrival(request.raw)
    reply.header('x-request-id', request.id)
    reply.header('strict-transport-security', 'max-age=31536000')
    reply.header('x-content-type-options', 'nosniff')
    reply.header('cache-control', 'no-store')
  })
  const draining = new AbortController()
  server.addHook('preClose', async () => draining.abort())
  server.addHook('onResponse', async (request, reply) => {
    needs.onAnswered(request.method, reply.statusCode, reply.elapsedTime / 1000)
  })
  server.setErrorHandler((thrown, request, reply) => answerFault(needs, thrown, request, reply))
  for (const { operation, handle } of needs.routes) {
    server.route({
      method: operation.method,
      url: apiPrefix + operation.path.replace(/\{\w+\*\}/, '*').replace(/\{(\w+)\}/g, ':$1'),
      handler: (request, reply) => serve({ ...needs, draining: draining.signal }, operation, handle, request, reply),
    })
  }
  return server
}

/** Ends the connection of whoever sends a document too slowly. */
function limitArrival(message: IncomingMessage): void {
  if (message.complete) return
  const late = setTimeout(() => {
    if (!message.complete) message.destroy()
  }, documentMilliseconds).unref()
  message.once('end', () => clearTimeout(late))
  message.once('close', () => clearTimeout(late))
}

function requireAllBound(routes: readonly Route[], operations: readonly Operation[]): void {
  const bound = new Set(routes.map((route) => route.operation.id))
  const unbound = operations.filter((operation) => !bound.has(operation.id)).map((operation) => operation.id)
  if (unbound.length > 0) throw new Error(`operations without a handler: ${unbound.join(', ')}`)
  for (const { operation } of routes) {
    if ((operation as Partial<Operation>).requires === undefined)
      throw new Error(`${operation.id} declares no permission`)
  }
}

type Serving = ApiNeeds & { readonly draining: AbortSignal }

async function serve(
  needs: Serving,
  operation: Operation,
  handle: Route['handle'],
  request: FastifyRequest,
  reply: FastifyReply,
) {
  const { caller, scope } = await authorise(needs.authenticate, operation, request)
  const input = parseInput(operation, request)
  const context = contextOf(needs, request, reply, caller, scope)
  const answer = await handle(input, context)
  if (operation.answer === 'nothing') return reply.code(operation.status ?? 204).send()
  if (operation.answer === 'bytes') return sendDownload(reply, answer as Download)
  if (operation.answer === 'events') return sendEvents(reply, answer as AsyncIterable<object>)
  return reply
    .code(operation.status ?? 200)
    .type('application/json; charset=utf-8')
    .send(JSON.stringify(answer))
}

async function authorise(authenticate: Authenticate, operation: Operation, request: FastifyRequest) {
  if (operation.requires === 'public') return { caller: undefined, scope: 'everywhere' as AccessScope }
  const caller = await authenticate({
    authorization: request.headers.authorization,
    cookie: cookieOf(request),
    sameOrigin: request.headers[csrfHeader] === '1',
    method: request.method,
    origin: request.ip,
  })
  if (caller === undefined) throw new Fault('unauthenticated', 'session.none', 'sign in first')
  if (operation.requires === 'session') return { caller, scope: 'everywhere' as AccessScope }
  const scope = caller.scopeOf(operation.requires satisfies Permission)
  if (scope === undefined) {
    throw new Fault('forbidden', 'access.denied', `this needs the permission ${operation.requires}`)
  }
  return { caller, scope }
}

function parseInput(operation: Operation, request: FastifyRequest): Input<Operation> {
  const body =
    operation.body === 'bytes'
      ? bytesOf(request)
      : operation.body instanceof ZodType
        ? operation.body.parse(request.body ?? {})
        : undefined
  return {
    params: operation.params?.parse(pathParams(operation, request.params as Record<string, string>)),
    query: operation.query?.strict().parse(request.query),
    body,
  } as unknown as Input<Operation>
}

function pathParams(operation: Operation, params: Record<string, string>): Record<string, string> {
  const rest = /\{(\w+)\*\}/.exec(operation.path)?.[1]
  return rest === undefined ? params : { ...params, [rest]: params['*'] ?? '' }
}

function bytesOf(request: FastifyRequest): AsyncIterable<Uint8Array> {
  const type = request.headers['content-type']
  if (type !== 'application/octet-stream' || request.body === undefined) {
    throw new Fault('malformed', 'protocol.content_type', 'send the bytes as application/octet-stream')
  }
  // Whoever refuses half-way stops reading; ending the stream would close the connection before the refusal is sent.
  return uploadBlocks(request.body as IncomingMessage)
}

function contextOf(
  needs: Serving,
  request: FastifyRequest,
  reply: FastifyReply,
  caller: Caller | undefined,
  scope: AccessScope,
): SignedInContext {
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort())
  return {
    address: request.ip,
    userAgent: request.headers['user-agent'],
    ownUrl: needs.ownUrl(),
    sessionToken: cookieOf(request),
    setSession: (token) => {
      const value = token === undefined ? `${cookieName}=; Max-Age=0` : `${cookieName}=${token}; Max-Age=2592000`
      reply.header('set-cookie', `${value}; Path=/; Secure; HttpOnly; SameSite=Strict`)
    },
    // Operations that are public never look at the caller; their context type has none.
    caller: caller as Caller,
    scope,
    // Streams have no end of their own, so they end when the server is to end.
    signal: AbortSignal.any([gone.signal, needs.draining]),
  }
}

function cookieOf(request: FastifyRequest): string | undefined {
  for (const part of (request.headers.cookie ?? '').split(';')) {
    const [name, value] = part.trim().split('=', 2)
    if (name === cookieName && value !== undefined && value !== '') return value
  }
  return undefined
}

function sendDownload(reply: FastifyReply, download: Download) {
  reply.type(download.type)
  if (download.size !== undefined) reply.header('content-length', download.size)
  if (download.fileName !== undefined) {
    reply.header('content-disposition', `attachment; filename="${download.fileName.replaceAll(/[^\w.+~@-]/g, '_')}"`)
  }
  return reply.send(Readable.from(download.content, { objectMode: false }))
}

function sendEvents(reply: FastifyReply, events: AsyncIterable<object>) {
  reply.header('content-type', 'text/event-stream')
  return reply.send(Readable.from(eventLines(events), { objectMode: false }))
}

async function* eventLines(events: AsyncIterable<object>): AsyncGenerator<string> {
  yield 'retry: 2000\n\n'
  for await (const event of events) yield 'type' in event ? `data: ${JSON.stringify(event)}\n\n` : ': still here\n\n'
}

function answerFault(needs: ApiNeeds, thrown: unknown, request: FastifyRequest, reply: FastifyReply) {
  // Whoever went away in the middle of their request is no defect of ours.
  const cut = request.raw.aborted && !(thrown instanceof Fault)
  const fault = cut ? new Fault('malformed', 'protocol.cut', 'the request was cut off', { cause: thrown }) : thrown
  const known = faultAnswer(fromFramework(fault), request.id)
  dismissBody(request.raw, reply.raw)
  if (known === undefined) {
    needs.logDefect(thrown, { method: request.method, path: request.url.split('?')[0] ?? '', requestId: request.id })
    return reply.code(500).send({ error: 'something went wrong here', code: 'server.defect', request_id: request.id })
  }
  if (known.retryAfter !== undefined) reply.header('retry-after', Math.ceil(known.retryAfter))
  return reply.code(known.status).send(known.body)
}

/** The web framework's own refusals (body too large, bad JSON …) as Faults. */
function fromFramework(thrown: unknown): unknown {
  if (thrown instanceof Fault || !(thrown instanceof Error) || !('statusCode' in thrown)) return thrown
  const status = Number(thrown.statusCode)
  if (status < 400 || status >= 500) return thrown
  return new Fault(status === 413 ? 'limited' : 'malformed', 'protocol.unreadable', thrown.message, { cause: thrown })
}
