import { Fault } from '@holdfast/kernel'
import { hashLength } from './merkle.ts'
import { fromBase64, type NoteSigner, type NoteVerifier, signNote, verifyNote } from './note.ts'

/** A tree head: which log, how many leaves, and their root (C2SP tlog-checkpoint). */
export interface Checkpoint {
  readonly origin: string
  readonly size: number
  readonly root: Uint8Array
}

/** The note text of a checkpoint. */
export function writeCheckpoint({ origin, size, root }: Checkpoint): string {
  if (origin === '' || origin.includes('\n')) throw badCheckpoint('an origin is one line that is not empty')
  if (!Number.isSafeInteger(size) || size < 0 || root.length !== hashLength) throw badCheckpoint('not a tree head')
  return `${origin}\n${size}\n${Buffer.from(root).toString('base64')}\n`
}

/** Reads the note text of a checkpoint; extension lines are allowed and ignored. Throws `crypto.bad_checkpoint`. */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin = '', size = '', encoded = '', ...extensions] = text.split('\n')
  if (extensions.pop() !== '' || extensions.includes('')) throw badCheckpoint('empty lines, or no last newline')
  const root = fromBase64(encoded)
  if (origin === '' || root?.length !== hashLength) throw badCheckpoint('it has no origin or no root')
  if (!/^(0|[1-9]\d{0,15})$/.test(size) || !Number.isSafeInteger(Number(size))) throw badCheckpoint('its size is none')
  return { origin, size: Number(size), root }
}

/** A signed checkpoint, by the log's key, whose name is the origin, and by any others. */
export function signCheckpoint(checkpoint: Checkpoint, signers: readonly NoteSigner[]): string {
  return signNote(writeCheckpoint(checkpoint), signers)
}

/** The checkpoint of one log, verified: signed by a known key and of the origin that was asked for. */
export function verifyCheckpoint(note: string, origin: string, verifiers: readonly NoteVerifier[]): Checkpoint {
  const checkpoint = parseCheckpoint(verifyNote(note, verifiers))
  if (checkpoint.origin !== origin) {
    throw new Fault('refused', 'crypto.wrong_origin', `the checkpoint is of ${checkpoint.origin}, not of ${origin}`)
  }
  return checkpoint
}

function badCheckpoint(message: string): Fault {
  return new Fault('malformed', 'crypto.bad_checkpoint', `checkpoint: ${message}`)
}
