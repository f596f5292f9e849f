import { Fault, type FaultKind } from '@holdfast/kernel'
import { CommanderError } from 'commander'
import { toned } from './output.ts'

const exitCodes: Readonly<Record<FaultKind, number>> = {
  malformed: 3,
  refused: 3,
  unauthenticated: 4,
  forbidden: 4,
  missing: 5,
  conflict: 6,
  limited: 7,
  unavailable: 7,
}

const usageExit = 2
const defectExit = 1

/** A way of calling that cannot be meant; exit status 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'UsageError'
  }
}

/** What to do next, by the code of a Fault. */
const hints: Readonly<Record<string, string>> = {
  'cli.not_signed_in': 'sign in with: holdfast login https://HOST:8443',
  'cli.untrusted_server': 'give its authority with --ca FILE, or compare and give --fingerprint SHA256',
  'cli.unreachable': 'is the server running, and is the address right? See: holdfast whoami',
  'session.none': 'sign in with: holdfast login',
  'session.ended': 'sign in with: holdfast login',
  'access.denied': 'what you may do: holdfast whoami',
  'artifacts.unsigned': 'sign it with: holdfast release sign RELEASE --key KEYFILE',
  'artifacts.untrusted_signature': 'is it the right key? Trust it with: holdfast product trust-key PRODUCT FILE',
  'artifacts.empty': 'upload to it: holdfast release upload RELEASE FILE',
  'artifacts.not_released': 'release it first: holdfast release release RELEASE',
  'artifacts.version_taken': 'upload to the one that is there, or choose another version: holdfast release list',
  'session.not_for_tokens': 'do it in the console, where you are signed in yourself',
  'crypto.passphrase_needed': 'give it with --passphrase-file FILE',
  'config.invalid': 'every setting with its default: holdfast config print',
  'platform.schema_newer': 'run the version that made this database, or a later one',
}

/** Says what went wrong, and what to do about it; answers the exit status. */
export function reportFailure(thrown: unknown, json: boolean): number {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : usageExit
  if (thrown instanceof UsageError) {
    write(json, { error: thrown.message, code: 'cli.usage' })
    return usageExit
  }
  if (thrown instanceof Fault) {
    const { code, at, retryAfter } = thrown
    const hint = hints[code] ?? (thrown.kind === 'unauthenticated' ? hints['session.none'] : undefined)
    write(json, { error: thrown.message, code, at, hint, retryAfter })
    return exitCodes[thrown.kind]
  }
  // A reader that has seen enough (`| head`) is no failure of ours.
  if (thrown instanceof Error && 'code' in thrown && thrown.code === 'EPIPE') return 0
  if (thrown instanceof Error && 'code' in thrown && 'path' in thrown) {
    write(json, { error: thrown.message, code: 'cli.file' })
    return exitCodes.refused
  }
  write(json, {
    error: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown),
    code: 'cli.defect',
  })
  return defectExit
}

interface Failure {
  readonly error: string
  readonly code: string
  readonly at?: string | undefined
  readonly hint?: string | undefined
  readonly retryAfter?: number | undefined
}

function write(json: boolean, failure: Failure): void {
  if (json) {
    process.stderr.write(`${JSON.stringify(failure)}\n`)
    return
  }
  const place = failure.at === undefined || failure.error.includes(failure.at) ? '' : ` (at ${failure.at})`
  process.stderr.write(`${toned('bad', 'error:', process.stderr)} ${failure.error}${place}\n`)
  if (failure.hint !== undefined) process.stderr.write(`${toned('dim', 'hint:', process.stderr)} ${failure.hint}\n`)
}
