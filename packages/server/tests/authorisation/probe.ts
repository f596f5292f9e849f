import type { World } from '@holdfast/lab/world'
import type { ExampleCall } from './examples.ts'

/** An operation as the OpenAPI document describes it. */
export interface Documented {
  readonly id: string
  readonly method: string
  readonly path: string
  readonly requires: string
  readonly success: number
  readonly hasJsonBody: boolean
  readonly hasCursor: boolean
}

export interface Credentials {
  readonly token?: string
  readonly cookie?: string
  /** Whether the request bears the header that a foreign page cannot send; with a cookie only. */
  readonly sameOrigin?: boolean
}

export interface Answer {
  readonly status: number
  readonly code: string
  readonly text: string
}

export interface Sent {
  readonly operation: Documented
  readonly call: ExampleCall
  readonly as: Credentials
  /** JSON members put into the body as they are. */
  readonly injected?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Look at the beginning of an endless answer only. */
  readonly stream?: boolean
}

export type Send = (sent: Sent) => Promise<Answer>

interface OpenApi {
  readonly paths: Record<string, Record<string, OpenApiOperation>>
}

interface OpenApiOperation {
  readonly operationId: string
  readonly 'x-requires'?: string
  readonly parameters: readonly { readonly name: string }[]
  readonly requestBody?: { readonly content: Record<string, unknown> }
  readonly responses: Record<string, unknown>
}

/** Every operation of the served document. One that declares no permission is a fault of the document. */
export async function readDocument(world: Pick<World, 'fetch'>): Promise<Documented[]> {
  const document = JSON.parse(await (await world.fetch('/api/v1/openapi.json')).text()) as OpenApi
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]) => {
      const requires = described['x-requires']
      if (requires === undefined) throw new Error(`${described.operationId} declares no permission`)
      return {
        id: described.operationId,
        method: method.toUpperCase(),
        path,
        requires,
        success: Number(Object.keys(described.responses).find((status) => status !== 'default')),
        hasJsonBody: described.requestBody?.content['application/json'] !== undefined,
        hasCursor: described.parameters.some(({ name }) => name === 'cursor'),
      }
    }),
  )
}

export function createSend(world: Pick<World, 'fetch'>): Send {
  return async ({ operation, call, as, injected, headers, stream }) => {
    const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string) =>
      String(call.params?.[name] ?? '')
        .split('/')
        .map(encodeURIComponent)
        .join('/'),
    )
    const query = Object.entries(call.query ?? {}).map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    const answer = await world
      .fetch(`/api/v1${path}${query.length > 0 ? `?${query.join('&')}` : ''}`, {
        method: operation.method,
        headers: { ...headers, ...credentialHeaders(as), ...typeHeader(call.body) },
        ...bodyOf(call.body, injected),
      })
      .catch((thrown: unknown) => {
        throw new Error(`${operation.id} was not answered`, { cause: thrown })
      })
    const text = stream === true && answer.status < 300 ? await beginning(answer.body) : await answer.text()
    return { status: answer.status, text, code: codeOf(text) }
  }
}

function credentialHeaders({ token, cookie, sameOrigin }: Credentials): Record<string, string> {
  return {
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(cookie === undefined ? {} : { cookie }),
    ...(sameOrigin === true ? { 'x-holdfast-csrf': '1' } : {}),
  }
}

function typeHeader(body: unknown): Record<string, string> {
  if (body === undefined) return {}
  return { 'content-type': body instanceof Uint8Array ? 'application/octet-stream' : 'application/json' }
}

function bodyOf(body: unknown, injected: string | undefined): { body?: string | Uint8Array } {
  if (body === undefined) return {}
  if (body instanceof Uint8Array) return { body }
  const json = JSON.stringify(body)
  if (injected === undefined) return { body: json }
  return { body: json === '{}' ? `{${injected}}` : `${json.slice(0, -1)},${injected}}` }
}

async function beginning(body: AsyncIterable<Uint8Array>): Promise<string> {
  for await (const part of body) return Buffer.from(part).toString()
  return ''
}

function codeOf(text: string): string {
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed === 'object' && parsed !== null && 'code' in parsed) return String(parsed.code)
  } catch {}
  return ''
}

/** What a caller can tell from a refusal besides the names that they gave themselves; of a success, that it was one. */
export function tellable({ status, text, code }: Answer, names: readonly string[]): string {
  if (status < 400) return String(status)
  const { error = '', at = '' } = JSON.parse(text) as { error?: string; at?: string }
  return `${status} ${code} ${at} ${names.reduce((told, name) => told.replaceAll(name, '…'), error)}`
}
