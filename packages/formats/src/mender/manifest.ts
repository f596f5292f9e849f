import { Fault } from '@holdfast/kernel'
import { decodeUtf8, NameSet, requireSafeFileName, requireSafeName } from '../safe-name.ts'

export interface MenderManifest {
  readonly version: string
  /** Name of the header member, which tells its compression, and the digest of its stored bytes. */
  readonly header: { readonly name: string; readonly sha256: string }
  /** Payload file name → SHA-256 of its uncompressed content. */
  readonly files: ReadonlyMap<string, string>
}

export const maxManifestBytes = 1024 * 1024
const maxEntries = 1_000
const line = /^([0-9a-f]{64}) {2}(\S.*)$/
const payloadPrefix = 'data/0000/'

/** Every entry must name something the artifact has to contain, once. Throws `formats.mender_manifest`. */
export function parseManifest(bytes: Uint8Array): MenderManifest {
  const text = decodeUtf8(bytes, 'the manifest')
  if (!text.endsWith('\n')) throw malformed('its last line does not end')
  const lines = text.slice(0, -1).split('\n')
  if (lines.length > maxEntries) throw malformed(`it has more than ${maxEntries} lines`)
  const names = new NameSet()
  const files = new Map<string, string>()
  let version: string | null = null
  let header: MenderManifest['header'] | null = null
  for (const [index, entry] of lines.entries()) {
    const [, sha256, name] = line.exec(entry) ?? []
    if (sha256 === undefined || name === undefined) throw malformed(`line ${index + 1} is not a digest and a name`)
    names.add(requireSafeName(name))
    if (name === 'version') version = sha256
    else if (/^header\.tar(\.[a-z]+)?$/.test(name) && header === null) header = { name, sha256 }
    else if (name.startsWith(payloadPrefix)) files.set(requireSafeFileName(name.slice(payloadPrefix.length)), sha256)
    else throw malformed(`line ${index + 1} names ${JSON.stringify(name)}, which has no place in an artifact`)
  }
  if (version === null) throw malformed('it has no digest of the version')
  if (header === null) throw malformed('it has no digest of the header')
  return { version, header, files }
}

/** Sorted by name, so that equal artifacts have equal manifests. */
export function formatManifest(manifest: MenderManifest): Uint8Array {
  const entries: [string, string][] = [...manifest.files].map(([name, sha256]) => [payloadPrefix + name, sha256])
  entries.push([manifest.header.name, manifest.header.sha256], ['version', manifest.version])
  entries.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  return new TextEncoder().encode(entries.map(([name, sha256]) => `${sha256}  ${name}\n`).join(''))
}

function malformed(why: string): Fault {
  return new Fault('malformed', 'formats.mender_manifest', `the manifest is not acceptable: ${why}`)
}
