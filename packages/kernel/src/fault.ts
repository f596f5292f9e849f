/** What went wrong, as the caller must treat it; one table at the edge maps a kind to a wire status. */
export type FaultKind =
  | 'malformed'
  | 'unauthenticated'
  | 'forbidden'
  | 'missing'
  | 'conflict'
  | 'refused'
  | 'limited'
  | 'unavailable'

export interface FaultOptions {
  readonly cause?: unknown
  /** Where in the input the fault lies: a path such as `phases[1].percent`, a file member, a byte offset. */
  readonly at?: string
  /** Seconds after which trying again is sensible; for `limited` and `unavailable`. */
  readonly retryAfter?: number
}

/**
 * The one error that is expected: it names what is wrong, to the person or program that can mend it.
 * `code` is `<domain>.<reason>` and part of the API; `message` is for people. Anything else thrown is a defect.
 */
export class Fault extends Error {
  readonly kind: FaultKind
  readonly code: string
  readonly at: string | undefined
  readonly retryAfter: number | undefined

  constructor(kind: FaultKind, code: string, message: string, options: FaultOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'Fault'
    this.kind = kind
    this.code = code
    this.at = options.at
    this.retryAfter = options.retryAfter
  }
}

/** The message of anything thrown, for a log line or a wrapped Fault. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
