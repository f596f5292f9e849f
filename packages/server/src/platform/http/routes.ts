import type { Input, Operation } from '@holdfast/protocol'
import type { z } from 'zod'
import type { AccessScope, Caller } from './caller.ts'

export interface Download {
  readonly content: AsyncIterable<Uint8Array>
  readonly size?: number
  readonly type: string
  readonly fileName?: string
}

/** What every handler may use of the request besides its input. */
export interface PublicContext {
  /** The caller's network address. */
  readonly address: string
  readonly userAgent: string | undefined
  /** The address that the browser sees, such as `https://holdfast.example:8443`. */
  readonly ownUrl: string
  /** Sets the session cookie, or ends it. */
  setSession(token: string | undefined): void
  /** The session cookie's token. */
  readonly sessionToken: string | undefined
}

export interface SignedInContext extends PublicContext {
  readonly caller: Caller
  /** Where the operation's own permission holds; `everywhere` for operations about oneself. */
  readonly scope: AccessScope
  /** Aborts when the client goes away or the server is to end: streams end then. */
  readonly signal: AbortSignal
}

export type ContextOf<O extends Operation> = O['requires'] extends 'public' ? PublicContext : SignedInContext

/** What a handler returns for each kind of answer. */
export type Served<O extends Operation> = O['answer'] extends z.ZodType
  ? z.input<O['answer']>
  : O['answer'] extends 'bytes'
    ? Download
    : O['answer'] extends 'events'
      ? AsyncIterable<object>
      : void

export interface Route {
  readonly operation: Operation
  readonly handle: (input: Input<Operation>, context: SignedInContext) => Promise<unknown>
}

/** Binds an operation of the protocol to its handler. */
export function route<O extends Operation>(
  operation: O,
  handle: (input: Input<O>, context: ContextOf<O>) => Promise<Served<O>>,
): Route {
  return { operation, handle: handle as unknown as Route['handle'] }
}
