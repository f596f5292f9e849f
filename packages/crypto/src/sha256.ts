import { createHash } from 'node:crypto'
import type { HashFunction } from './merkle.ts'

/** SHA-256 by Node, in the form that the Merkle functions take. */
export const sha256: HashFunction = (...parts) => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return new Uint8Array(hash.digest())
}
