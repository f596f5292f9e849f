import type { Client } from '@holdfast/client'
import type { Operation } from '@holdfast/protocol'
import { operations } from '@holdfast/protocol'
import { systemActor } from '@holdfast/server/platform/actor'
import type { Caller } from '@holdfast/server/platform/http/caller'
import type { Download, Route, SignedInContext } from '@holdfast/server/platform/http/routes'
import { ZodType } from 'zod'

/**
 * The REST client without a network: it calls the handlers themselves, as the demo, in one organisation. Whoever runs this
 * process owns the data directory, so it may; the audit log names it.
 */
export function createInProcessClient(routes: readonly Route[], organisation: string): Client {
  const caller: Caller = {
    actor: { ...systemActor('quick-start'), name: 'quick start' },
    user: 'quick-start',
    organisation,
    via: 'token',
    scopeOf: () => 'everywhere',
  }
  const context: SignedInContext = {
    address: 'local',
    userAgent: undefined,
    ownUrl: '',
    setSession: () => {},
    sessionToken: undefined,
    caller,
    scope: 'everywhere',
    signal: new AbortController().signal,
  }
  const handlers = new Map(routes.map((route) => [route.operation.id, route.handle]))
  const call = async (operation: Operation, given: Given = {}) => {
    const handle = handlers.get(operation.id)
    if (handle === undefined) throw new Error(`${operation.id} has no handler`)
    const answer = await handle(parse(operation, given), context)
    return operation.answer === 'bytes' ? (answer as Download).content : answer
  }
  const domains = Object.entries(operations).map(([domain, members]) => [
    domain,
    Object.fromEntries(
      Object.entries(members as Record<string, Operation>).map(([name, operation]) => [
        name,
        (given?: Given) => call(operation, given),
      ]),
    ),
  ])
  return Object.fromEntries(domains) as Client
}

interface Given {
  readonly params?: unknown
  readonly query?: unknown
  readonly body?: unknown
}

type Parsed = Parameters<Route['handle']>[0]

function parse(operation: Operation, given: Given): Parsed {
  return {
    params: operation.params?.parse(given.params ?? {}),
    query: operation.query?.parse(given.query ?? {}),
    body: operation.body instanceof ZodType ? operation.body.parse(given.body ?? {}) : bytes(given.body),
  } as unknown as Parsed
}

function bytes(body: unknown): unknown {
  return body instanceof Uint8Array ? chunks(body) : body
}

async function* chunks(body: Uint8Array): AsyncGenerator<Uint8Array> {
  yield body
}
