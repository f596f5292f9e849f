import { Fault } from '@holdfast/kernel'
import type { Permission } from '@holdfast/protocol'
import type { Actor } from '../actor.ts'

/** Where a permission holds: on everything of the organisation, or on these products and device groups only. */
export type AccessScope =
  | 'everywhere'
  | { readonly products: ReadonlySet<string>; readonly groups: ReadonlySet<string> }

/** Throws for a permission that holds on a part of the organisation only. */
export function requireEverywhere({ scope }: { readonly scope: AccessScope }): void {
  if (scope !== 'everywhere')
    throw new Fault('forbidden', 'access.denied', 'this needs the permission on the whole organisation')
}

/** Somebody who is signed in and the organisation that they work in. */
export interface Caller {
  readonly actor: Actor
  /** The user behind the session or token. */
  readonly user: string
  readonly organisation: string
  readonly via: 'session' | 'token'
  /** Undefined: not allowed anywhere. */
  scopeOf(permission: Permission): AccessScope | undefined
}

/** The credentials of a request, unparsed. */
export interface Credentials {
  readonly authorization: string | undefined
  readonly cookie: string | undefined
  /** Whether the request bears the header that a foreign page cannot send. */
  readonly sameOrigin: boolean
  readonly method: string
  readonly origin: string
}

/** Finds out who calls; undefined: nobody. Throws `unauthenticated` for credentials that are wrong or no longer good. */
export type Authenticate = (credentials: Credentials) => Promise<Caller | undefined>
