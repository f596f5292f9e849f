import { verifyCheckpoint } from '@holdfast/crypto/checkpoint'
import { leafHash } from '@holdfast/crypto/merkle'
import { type NoteVerifier, parseVerifier } from '@holdfast/crypto/note'
import { sha256 } from '@holdfast/crypto/sha256'
import { Fault, messageOf, toHex } from '@holdfast/kernel'
import { type EvidenceHead, parseHead, parseLeaf } from './evidence-lines.ts'
import { sameHash, TreeHash } from './tree-hash.ts'

export interface EvidenceOptions {
  /**
   * The log's verifier key, got by another way than the export. Without it the export's own key is used: that shows
   * only that the export agrees with itself.
   */
  readonly verifierKey?: string | undefined
  /** An earlier signed checkpoint of the same log, kept by the reader: nothing that it covered may have changed. */
  readonly since?: string | undefined
}

export interface EvidenceVerdict {
  readonly origin: string
  readonly size: number
  /** Of the signed checkpoint, hex. */
  readonly root: string
  readonly verifierKey: string
  /** False: the key came from the export itself. */
  readonly keyWasGiven: boolean
  /** Size of the earlier checkpoint that this log continues. */
  readonly continues?: number
}

/**
 * Verifies an exported audit log (JSON lines): every leaf's hash, their order and number, the root and the signature
 * of the checkpoint, and that an earlier checkpoint is a prefix. Throws a Fault that names the leaf where it can be
 * known: `evidence.changed`, `evidence.order`, `evidence.missing`, `evidence.added`, `evidence.root`, `evidence.history`.
 */
export async function verifyEvidence(
  lines: AsyncIterable<string>,
  options: EvidenceOptions = {},
): Promise<EvidenceVerdict> {
  const reader = lines[Symbol.asyncIterator]()
  const first = await reader.next()
  if (first.done === true) throw new Fault('malformed', 'evidence.empty', 'the export is empty')
  const head = parseHead(first.value)
  const verifier = requireVerifier(head, options.verifierKey)
  const earlier = options.since === undefined ? undefined : readEarlier(options.since, head.origin, verifier)
  const signed = head.size === 0 && head.checkpoint === '' ? undefined : readCheckpoint(head, verifier)
  requireContinues(earlier, head.size)

  const tree = new TreeHash(sha256)
  let line = 1
  for (let next = await reader.next(); next.done !== true; next = await reader.next()) {
    line += 1
    if (next.value === '') continue
    requirePrefix(earlier, tree)
    appendLeaf(tree, next.value, line, head.size)
  }
  if (tree.size < head.size) throw missing(tree.size, head.size)
  requirePrefix(earlier, tree)
  const root = tree.root()
  if (signed !== undefined && !sameHash(signed.root, root)) {
    throw new Fault(
      'refused',
      'evidence.root',
      `the ${head.size} records do not make the root that the checkpoint signs: some record was changed, exchanged or replaced together with its hash`,
    )
  }
  return {
    origin: head.origin,
    size: head.size,
    root: toHex(root),
    verifierKey: options.verifierKey ?? head.verifierKey,
    keyWasGiven: options.verifierKey !== undefined,
    ...(earlier === undefined ? {} : { continues: earlier.size }),
  }
}

const encoder = new TextEncoder()

function appendLeaf(tree: TreeHash, text: string, line: number, size: number): void {
  const { leaf, hash, body } = parseLeaf(text, line)
  if (leaf !== tree.size) {
    const at = { at: `line ${line}` }
    if (leaf < tree.size) {
      throw new Fault('refused', 'evidence.order', `record ${leaf} stands where record ${tree.size} should`, at)
    }
    throw new Fault('refused', 'evidence.missing', `record ${tree.size} is missing: record ${leaf} follows`, at)
  }
  if (leaf >= size) {
    throw new Fault('refused', 'evidence.added', `record ${leaf} was added: the checkpoint covers ${size} records`, {
      at: `line ${line}`,
    })
  }
  const actual = leafHash(encoder.encode(body), sha256)
  if (toHex(actual) !== hash) {
    throw new Fault('refused', 'evidence.changed', `record ${leaf} was changed: its hash is not that of its text`, {
      at: `line ${line}`,
    })
  }
  tree.append(actual)
}

function requireVerifier(head: EvidenceHead, given: string | undefined): NoteVerifier {
  const verifier = parseVerifier(given ?? head.verifierKey)
  if (verifier.name !== head.origin) {
    throw new Fault('refused', 'evidence.wrong_log', `the key is of ${verifier.name}, the export of ${head.origin}`)
  }
  return verifier
}

function readCheckpoint(head: EvidenceHead, verifier: NoteVerifier) {
  const checkpoint = verifyCheckpoint(head.checkpoint, head.origin, [verifier])
  if (checkpoint.size !== head.size) {
    throw new Fault(
      'refused',
      'evidence.size',
      `the export claims ${head.size} records, its checkpoint signs ${checkpoint.size}`,
    )
  }
  return checkpoint
}

interface Earlier {
  readonly size: number
  readonly root: Uint8Array
}

function readEarlier(note: string, origin: string, verifier: NoteVerifier): Earlier {
  try {
    return verifyCheckpoint(note, origin, [verifier])
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown
    throw new Fault(thrown.kind, thrown.code, `the earlier checkpoint: ${messageOf(thrown)}`, { cause: thrown })
  }
}

function requireContinues(earlier: Earlier | undefined, size: number): void {
  if (earlier !== undefined && earlier.size > size) {
    throw new Fault(
      'refused',
      'evidence.history',
      `the earlier checkpoint covers ${earlier.size} records, the export has only ${size}: records were removed`,
    )
  }
}

/** Called before each append and at the end: exactly when the tree has the earlier size, the roots must agree. */
function requirePrefix(earlier: Earlier | undefined, tree: TreeHash): void {
  if (earlier === undefined || earlier.size !== tree.size || sameHash(earlier.root, tree.root())) return
  throw new Fault(
    'refused',
    'evidence.history',
    `the first ${earlier.size} records are not those that the earlier checkpoint covers: history was rewritten`,
  )
}

function missing(from: number, size: number): Fault {
  const which = size - from === 1 ? `record ${from} is missing` : `records ${from} to ${size - 1} are missing`
  return new Fault('refused', 'evidence.missing', `${which} at the end`)
}
