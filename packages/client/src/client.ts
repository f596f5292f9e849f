import { Fault, type FaultKind } from '@holdfast/kernel'
import { type Answer, apiPrefix, type Call, type Operation, operations } from '@holdfast/protocol'

export interface TransportRequest {
  readonly method: string
  /** Path and query, beginning with `/api/v1`. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array | AsyncIterable<Uint8Array> | undefined
}

export interface TransportResponse {
  readonly status: number
  readonly retryAfter: number | undefined
  text(): Promise<string>
  bytes(): AsyncIterable<Uint8Array>
}

/** How bytes travel: the browser's fetch with its cookie, or Node's with a pinned authority and an API token. */
export type Transport = (request: TransportRequest) => Promise<TransportResponse>

type Arguments<C> = Record<never, never> extends C ? [call?: C] : [call: C]
type Method<O extends Operation> = (...call: Arguments<Call<O>>) => Promise<Answer<O>>

/** A method for each operation: `client.devices.list({ query: { filter } })`. Failures are Faults. */
export type Client = {
  readonly [D in keyof typeof operations]: {
    readonly [N in keyof (typeof operations)[D]]: (typeof operations)[D][N] extends Operation
      ? Method<(typeof operations)[D][N]>
      : never
  }
}

export function createClient(transport: Transport): Client {
  const domains = Object.entries(operations).map(([domain, members]) => [
    domain,
    Object.fromEntries(
      Object.entries(members as Record<string, Operation>).map(([name, operation]) => [
        name,
        (call: LooseCall = {}) => perform(transport, operation, call),
      ]),
    ),
  ])
  return Object.fromEntries(domains) as Client
}

interface LooseCall {
  readonly params?: Readonly<Record<string, unknown>>
  readonly query?: Readonly<Record<string, unknown>>
  readonly body?: unknown
}

async function perform(transport: Transport, operation: Operation, call: LooseCall): Promise<unknown> {
  const raw = operation.body === 'bytes'
  const response = await transport({
    method: operation.method,
    path: apiPrefix + fill(operation.path, call.params ?? {}) + search(call.query ?? {}),
    headers: bodyHeaders(operation, call.body),
    body: raw ? (call.body as Uint8Array) : call.body === undefined ? undefined : JSON.stringify(call.body),
  })
  if (response.status >= 400) throw await faultOf(response)
  if (operation.answer === 'nothing') {
    await response.text()
    return undefined
  }
  if (operation.answer === 'bytes' || operation.answer === 'events') return response.bytes()
  return JSON.parse(await response.text())
}

function bodyHeaders(operation: Operation, body: unknown): Record<string, string> {
  if (operation.body === 'bytes') return { 'content-type': 'application/octet-stream' }
  return body === undefined ? {} : { 'content-type': 'application/json' }
}

function fill(path: string, params: Readonly<Record<string, unknown>>): string {
  return path.replace(/\{(\w+)(\*?)\}/g, (_, name: string, rest: string) => {
    const value = params[name]
    if (value === undefined)
      throw new Fault('malformed', 'client.parameter_missing', `${name} is missing`, { at: name })
    return rest === '' ? encodeURIComponent(String(value)) : String(value).split('/').map(encodeURIComponent).join('/')
  })
}

function search(query: Readonly<Record<string, unknown>>): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined)
  if (given.length === 0) return ''
  return `?${new URLSearchParams(Object.fromEntries(given.map(([name, value]) => [name, String(value)]))).toString()}`
}

const kinds: Readonly<Record<number, FaultKind>> = {
  400: 'malformed',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'missing',
  409: 'conflict',
  413: 'limited',
  422: 'refused',
  429: 'limited',
  503: 'unavailable',
}

async function faultOf(response: TransportResponse): Promise<Fault> {
  const kind = kinds[response.status] ?? 'unavailable'
  const text = await response.text()
  const retry = response.retryAfter === undefined ? {} : { retryAfter: response.retryAfter }
  try {
    const { error, code, at } = JSON.parse(text) as { error: string; code: string; at?: string }
    return new Fault(kind, code, error, { ...retry, ...(at === undefined ? {} : { at }) })
  } catch {
    return new Fault(kind, 'client.unexpected_answer', `the server answered ${response.status}`, retry)
  }
}
