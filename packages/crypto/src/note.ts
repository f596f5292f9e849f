import { createPublicKey, type KeyObject } from 'node:crypto'
import { Fault } from '@holdfast/kernel'
import { concat, sameBytes } from './bytes.ts'
import { keyKind, publicKeyDer, signWith, verifyWith } from './keys.ts'
import { sha256 } from './sha256.ts'

/** Who signs or has signed: the key name of C2SP signed-note and an Ed25519 key. */
export interface NoteSigner {
  readonly name: string
  readonly privateKey: KeyObject
}

export interface NoteVerifier {
  readonly name: string
  readonly publicKey: KeyObject
}

export interface NoteSignature {
  readonly name: string
  readonly keyId: Uint8Array
  readonly signature: Uint8Array
}

/** A note that was read and not verified: its text means nothing yet. */
export interface UnverifiedNote {
  /** Ends in a newline; this is what is signed. */
  readonly text: string
  readonly signatures: readonly NoteSignature[]
}

const maxNoteBytes = 65_536
const maxSignatures = 64
const ed25519Type = 0x01
const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex')

/** Signs a text that ends in a newline; one signature line per signer. */
export function signNote(text: string, signers: readonly NoteSigner[]): string {
  requireText(text)
  const bytes = new TextEncoder().encode(text)
  const lines = signers.map(({ name, privateKey }) => {
    const signature = signWith(privateKey, undefined, bytes)
    return `— ${requireName(name)} ${base64(concat(noteKeyId(name, privateKey), signature))}\n`
  })
  if (lines.length === 0) throw badNote('a note needs a signer')
  return `${text}\n${lines.join('')}`
}

/** Takes a note apart (C2SP signed-note); throws `crypto.bad_note`. */
export function parseNote(note: string): UnverifiedNote {
  if (note.length > maxNoteBytes)
    throw new Fault('limited', 'crypto.too_large', `a note larger than ${maxNoteBytes} bytes`)
  const end = note.lastIndexOf('\n\n')
  if (end < 0 || !note.endsWith('\n')) throw badNote('it has no signatures')
  const text = note.slice(0, end + 1)
  requireText(text)
  const lines = note.slice(end + 2).split('\n')
  lines.pop()
  if (lines.length === 0 || lines.length > maxSignatures) throw badNote('it has no signatures, or too many')
  return { text, signatures: lines.map(parseSignature) }
}

function parseSignature(line: string): NoteSignature {
  const [, name = '', encoded = ''] = /^— (\S+) (\S+)$/.exec(line) ?? []
  const bytes = fromBase64(encoded)
  if (bytes === undefined || bytes.length < 5) throw badNote('a signature line that is none')
  return { name: requireName(name), keyId: bytes.subarray(0, 4), signature: bytes.subarray(4) }
}

/**
 * The text of a note that at least one of the verifiers' keys signed. Signatures of unknown keys are passed over; one
 * of a known key that does not verify condemns the note. Throws `crypto.note_untrusted`.
 */
export function verifyNote(note: string, verifiers: readonly NoteVerifier[]): string {
  const { text, signatures } = parseNote(note)
  const bytes = new TextEncoder().encode(text)
  let verified = 0
  for (const { name, keyId, signature } of signatures) {
    const known = verifiers.find((each) => each.name === name && sameBytes(noteKeyId(name, each.publicKey), keyId))
    if (known === undefined) continue
    if (!verifyWith(known.publicKey, undefined, bytes, signature)) throw untrusted(`the signature of ${name} is wrong`)
    verified += 1
  }
  if (verified === 0) throw untrusted('no known key signed the note')
  return text
}

/** The key ID: the first four bytes of SHA-256(name ‖ newline ‖ 0x01 ‖ public key). */
export function noteKeyId(name: string, key: KeyObject): Uint8Array {
  const encoded = concat(Uint8Array.of(ed25519Type), rawEd25519(key))
  return sha256(new TextEncoder().encode(`${requireName(name)}\n`), encoded).subarray(0, 4)
}

/** `name+hash+base64`: the form in which verifier keys are handed to other programs. */
export function verifierString({ name, publicKey }: NoteVerifier): string {
  const id = Buffer.from(noteKeyId(name, publicKey)).toString('hex')
  return `${name}+${id}+${base64(concat(Uint8Array.of(ed25519Type), rawEd25519(publicKey)))}`
}

/** Reads a verifier key string and checks its hash; throws `crypto.bad_verifier`. */
export function parseVerifier(text: string): NoteVerifier {
  const [, name = '', id = '', encoded = ''] = /^([^+\s]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text) ?? []
  const bytes = fromBase64(encoded)
  if (bytes === undefined || bytes.length !== 33 || bytes[0] !== ed25519Type)
    throw badVerifier('not an Ed25519 verifier key')
  const key = Buffer.concat([spkiPrefix, bytes.subarray(1)])
  const verifier = { name, publicKey: createPublicKey({ key, format: 'der', type: 'spki' }) }
  if (verifierString(verifier) !== `${name}+${id}+${encoded}`) throw badVerifier('its hash does not match')
  return verifier
}

function rawEd25519(key: KeyObject): Uint8Array {
  if (keyKind(key) !== 'ed25519')
    throw new Fault('refused', 'crypto.key_unsupported', 'notes are signed with Ed25519 keys')
  return publicKeyDer(key).subarray(spkiPrefix.length)
}

function requireName(name: string): string {
  if (!/^[^\s+\p{Cc}]+$/u.test(name)) throw badNote('a key name must be without spaces and plus signs')
  return name
}

function requireText(text: string): void {
  if (!text.endsWith('\n')) throw badNote('its text does not end in a newline')
  if (!text.isWellFormed() || hasControl(text)) throw badNote('its text has control characters')
}

function hasControl(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code < 0x20 && code !== 0x0a) return true
  }
  return false
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

/** Standard base64 with its padding, in the one form that encodes the bytes. */
export function fromBase64(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64')
  return text !== '' && bytes.toString('base64') === text ? new Uint8Array(bytes) : undefined
}

function badNote(message: string): Fault {
  return new Fault('malformed', 'crypto.bad_note', `signed note: ${message}`)
}

function badVerifier(message: string): Fault {
  return new Fault('malformed', 'crypto.bad_verifier', `verifier key: ${message}`)
}

function untrusted(message: string): Fault {
  return new Fault('refused', 'crypto.note_untrusted', message)
}
