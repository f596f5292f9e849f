import { createHash, hash } from 'node:crypto'
import { concat } from './bytes.ts'
import type { HashFunction } from './merkle.ts'

const small = 4096

/** SHA-256 by Node, in the form that the Merkle functions take. */
export const sha256: HashFunction = (...parts) => {
  let length = 0
  for (const part of parts) length += part.length
  // One call into native code; a Hash object costs several times the hashing of a tree node.
  if (length <= small) return new Uint8Array(hash('sha256', concat(...parts), 'buffer'))
  const stream = createHash('sha256')
  for (const part of parts) stream.update(part)
  return new Uint8Array(stream.digest())
}
