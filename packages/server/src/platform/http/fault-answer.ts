import { Fault, type FaultKind } from '@holdfast/kernel'
import { ZodError } from 'zod'
import { postgresFault } from '../db/index.ts'

const statuses: Readonly<Record<FaultKind, number>> = {
  malformed: 400,
  unauthenticated: 401,
  forbidden: 403,
  missing: 404,
  conflict: 409,
  refused: 422,
  limited: 429,
  unavailable: 503,
}

export interface FaultAnswer {
  readonly status: number
  readonly retryAfter: number | undefined
  readonly body: { error: string; code: string; at?: string; request_id: string }
}

/** The one place where errors become statuses. Undefined: a defect, to be logged whole and answered as a bare 500. */
export function faultAnswer(thrown: unknown, requestId: string): FaultAnswer | undefined {
  const fault = toFault(thrown)
  if (fault === undefined) return undefined
  return {
    status: fault.kind === 'limited' && fault.code.endsWith('too_large') ? 413 : statuses[fault.kind],
    retryAfter: fault.retryAfter,
    body: {
      error: fault.message,
      code: fault.code,
      ...(fault.at === undefined ? {} : { at: fault.at }),
      request_id: requestId,
    },
  }
}

function toFault(thrown: unknown): Fault | undefined {
  if (thrown instanceof Fault) return thrown
  if (thrown instanceof ZodError) return zodFault(thrown)
  // Writes have been translated already; this is what reads met with.
  return postgresFault(thrown)
}

/** The first issue of a failed parse, with its path. */
export function zodFault(error: ZodError): Fault {
  const issue = error.issues[0]
  const at = issue?.path.map(String).join('.') ?? ''
  return new Fault(
    'malformed',
    'protocol.invalid',
    `${at === '' ? 'the input' : at}: ${issue?.message ?? 'is not valid'}`,
    {
      ...(at === '' ? {} : { at }),
      cause: error,
    },
  )
}
