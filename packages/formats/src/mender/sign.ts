import { BoundedReader, type ByteSource, Fault } from '@holdfast/kernel'
import { tarMember } from '../tar.ts'
import { blockSize, decodeTarHeader, paddingOf } from '../tar-header.ts'
import { menderLimits } from './limits.ts'
import { maxManifestBytes, parseManifest } from './manifest.ts'
import { encodeMenderSignature } from './signature.ts'

const maxSignatureBytes = 8 * 1024

/**
 * Passes an artifact through with `manifest.sig` added or replaced; every other byte stays. It signs the manifest
 * as it is: whether the payload is what the manifest says must have been checked before (`readMenderArtifact`).
 */
export async function* signMenderArtifact(
  source: ByteSource,
  sign: (manifest: Uint8Array) => Promise<Uint8Array> | Uint8Array,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = new BoundedReader(source, { limit: menderLimits.artifactBytes, name: 'the artifact' })
  const version = await takeMember(reader, 'version', 1024)
  const manifest = await takeMember(reader, 'manifest', maxManifestBytes)
  parseManifest(manifest.content)
  yield version.stored
  yield manifest.stored
  yield tarMember('manifest.sig', encodeMenderSignature(await sign(manifest.content)))
  const block = await reader.take(blockSize)
  const next = decodeTarHeader(block)
  if (next.name !== 'manifest.sig') yield block
  else if (next.size <= maxSignatureBytes) await reader.skip(next.size + paddingOf(next.size))
  else throw new Fault('limited', 'formats.too_large', `manifest.sig is larger than ${maxSignatureBytes} bytes`)
  yield* reader.rest()
}

async function takeMember(reader: BoundedReader, name: string, limit: number) {
  const block = await reader.take(blockSize)
  const header = decodeTarHeader(block)
  if (header.name !== name) {
    throw new Fault('malformed', 'formats.mender_order', `${JSON.stringify(header.name)} stands where ${name} should`)
  }
  if (header.size > limit) throw new Fault('limited', 'formats.too_large', `${name} is larger than ${limit} bytes`)
  const content = await reader.take(header.size)
  const padding = await reader.take(paddingOf(header.size))
  return { content, stored: Buffer.concat([block, content, padding]) }
}
