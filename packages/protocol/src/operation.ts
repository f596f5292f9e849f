import type { z } from 'zod'
import type { Requirement } from './permissions.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** What a body or an answer is when it is not a JSON document. */
export type Special = 'bytes' | 'events' | 'nothing'

/**
 * One operation of the REST interface, as data: the server's routes, the OpenAPI document, the typed client and the
 * authorisation matrix are all made from this. `path` is below `/api/v1` and names its parameters in braces; `{name*}` takes the rest of it.
 */
export interface Operation {
  readonly id: string
  readonly method: Method
  readonly path: string
  readonly requires: Requirement
  readonly summary: string
  readonly params?: z.ZodObject
  readonly query?: z.ZodObject
  readonly body?: z.ZodType | 'bytes'
  readonly answer: z.ZodType | Special
  /** Status of success; 200, or 204 where the answer is `nothing`. */
  readonly status?: number
}

export function operation<const O extends Operation>(definition: O): O {
  return definition
}

type Parsed<T> = T extends z.ZodType ? z.output<T> : undefined
type Given<T> = T extends z.ZodType ? z.input<T> : undefined

/** What a handler receives, parsed. */
export interface Input<O extends Operation> {
  readonly params: Parsed<O['params']>
  readonly query: Parsed<O['query']>
  readonly body: O['body'] extends 'bytes' ? AsyncIterable<Uint8Array> : Parsed<O['body']>
}

/** The answer as a handler returns it and a client receives it. */
export type Answer<O extends Operation> = O['answer'] extends z.ZodType
  ? z.output<O['answer']>
  : O['answer'] extends 'nothing'
    ? void
    : AsyncIterable<Uint8Array>

type Field<K extends string, T> = [T] extends [undefined]
  ? unknown
  : Record<never, never> extends T
    ? { readonly [P in K]?: T }
    : { readonly [P in K]: T }

/** What a caller gives; a part whose every member is optional may be left out. */
export type Call<O extends Operation> = Field<'params', Given<O['params']>> &
  Field<'query', Given<O['query']>> &
  Field<'body', O['body'] extends 'bytes' ? Uint8Array | AsyncIterable<Uint8Array> : Given<O['body']>>
