import { Fault, messageOf } from '@holdfast/kernel'

export interface EvidenceHead {
  readonly origin: string
  readonly verifierKey: string
  readonly size: number
  /** A signed note; empty while the log is empty. */
  readonly checkpoint: string
}

export interface EvidenceLeaf {
  readonly leaf: number
  /** Hex. */
  readonly hash: string
  /** The exact text that was hashed. */
  readonly body: string
}

/** A leaf holds at most 65,535 bytes, which JSON may escape sixfold. */
export const maxLineLength = 400_000

/** The first line of an export. Throws `evidence.malformed`. */
export function parseHead(line: string): EvidenceHead {
  const { format, version, origin, verifierKey, size, checkpoint } = parseLine(line, 1)
  if (format !== 'holdfast-evidence') throw malformed(1, 'this is not an export of an audit log')
  if (version !== 1) throw malformed(1, 'it was made by a later version')
  if (typeof origin !== 'string' || typeof verifierKey !== 'string' || typeof checkpoint !== 'string') {
    throw malformed(1, 'origin, verifierKey or checkpoint is missing')
  }
  if (!isCount(size)) throw malformed(1, 'its size is none')
  return { origin, verifierKey, size, checkpoint }
}

/** Any other line of an export. Throws `evidence.malformed`. */
export function parseLeaf(line: string, number: number): EvidenceLeaf {
  const { leaf, hash, body } = parseLine(line, number)
  if (!isCount(leaf) || typeof body !== 'string') throw malformed(number, 'it is not a record')
  if (typeof hash !== 'string' || !/^[0-9a-f]{64}$/.test(hash)) throw malformed(number, 'it has no hash')
  return { leaf, hash, body }
}

function parseLine(line: string, number: number): { readonly [key: string]: unknown } {
  if (line.length > maxLineLength) throw malformed(number, 'it is too long')
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (thrown) {
    throw malformed(number, messageOf(thrown))
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw malformed(number, 'it is not an object')
  return value as { readonly [key: string]: unknown }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function malformed(line: number, why: string): Fault {
  return new Fault('malformed', 'evidence.malformed', `line ${line} of the export: ${why}`, { at: `line ${line}` })
}
