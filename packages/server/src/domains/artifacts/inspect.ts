import { createHash } from 'node:crypto'
import { type MenderDescription, readMenderArtifact } from '@holdfast/formats/mender/read'
import { readSwu, type SwuContents } from '@holdfast/formats/swu/read'
import { type ByteSource, Fault } from '@holdfast/kernel'

export type ArtifactFormat = 'mender' | 'swu'

export interface ArtifactFile {
  readonly name: string
  readonly size: number
  readonly sha256?: string
  readonly encrypted?: boolean
}

/** What an artifact says of itself, after every digest in it was checked. */
export interface Inspected {
  readonly format: ArtifactFormat
  readonly sha256: string
  readonly size: number
  /** For the update protocol that still identifies files by them; null where none needs them. */
  readonly sha1: string | null
  readonly md5: string | null
  readonly name: string
  readonly payloadType: string
  readonly deviceTypes: readonly string[]
  readonly provides: Readonly<Record<string, string>>
  readonly depends: Readonly<Record<string, string | readonly string[]>>
  readonly clears: readonly string[]
  readonly files: readonly ArtifactFile[]
  readonly scripts: readonly string[]
  /** Settings of a configuration artifact; null for all others. */
  readonly settings: Readonly<Record<string, string>> | null
  /** The bytes that signatures cover. */
  readonly signed: Uint8Array
  readonly signature: Uint8Array | null
}

const configurationType = 'mender-configure'
const cpioMagics = ['070701', '070702']

/** Reads a stream once and finds out what it is. Throws `artifacts.unknown_format` or the format's own Fault. */
export async function inspect(source: ByteSource): Promise<Inspected> {
  const { head, whole } = await peek(source, 6)
  if (cpioMagics.includes(Buffer.from(head).toString('latin1'))) return inspectSwu(whole)
  if (Buffer.from(head).toString('latin1') === 'versio') return ofMender(await readMenderArtifact(whole))
  throw new Fault('malformed', 'artifacts.unknown_format', 'this is neither a Mender artifact nor a .swu', {
    at: 'byte 0',
  })
}

async function inspectSwu(source: ByteSource): Promise<Inspected> {
  const sha1 = createHash('sha1')
  const md5 = createHash('md5')
  const contents = await readSwu(
    passing(source, (chunk) => {
      sha1.update(chunk)
      md5.update(chunk)
    }),
  )
  return { ...ofSwu(contents), sha1: sha1.digest('hex'), md5: md5.digest('hex') }
}

function ofMender(artifact: MenderDescription): Inspected {
  const { deviceTypes, artifactNames, artifactGroups } = artifact.depends
  return {
    format: 'mender',
    sha256: artifact.sha256,
    size: artifact.size,
    sha1: null,
    md5: null,
    name: artifact.name,
    payloadType: artifact.payloadType ?? 'none',
    deviceTypes,
    provides: {
      artifact_name: artifact.name,
      ...(artifact.group === null ? {} : { artifact_group: artifact.group }),
      ...artifact.payloadProvides,
    },
    depends: {
      device_type: deviceTypes,
      ...(artifactNames.length > 0 ? { artifact_name: artifactNames } : {}),
      ...(artifactGroups.length > 0 ? { artifact_group: artifactGroups } : {}),
      ...artifact.payloadDepends,
    },
    clears: artifact.clears,
    files: artifact.files.map(({ name, size, sha256 }) => ({ name, size, sha256 })),
    scripts: artifact.scripts.map(({ name }) => name),
    settings: artifact.payloadType === configurationType ? settingsOf(artifact) : null,
    signed: artifact.manifest,
    signature: artifact.signature === null ? null : Buffer.from(artifact.signature, 'base64'),
  }
}

function settingsOf(artifact: MenderDescription): Record<string, string> {
  const settings: Record<string, string> = {}
  for (const [name, value] of Object.entries(artifact.metaData ?? {})) {
    if (typeof value !== 'string') {
      throw new Fault('malformed', 'artifacts.configuration', 'every setting of a configuration is text', { at: name })
    }
    settings[name] = value
  }
  return settings
}

function ofSwu(swu: SwuContents): Inspected {
  const boards = swu.hardware.flatMap(({ board }) => (board === null ? [] : [board]))
  const encrypted = new Set(swu.entries.filter((entry) => entry.encrypted).map((entry) => entry.filename))
  const isScript = new Set(swu.entries.filter((entry) => entry.section === 'scripts').map((entry) => entry.filename))
  return {
    format: 'swu',
    sha256: swu.sha256,
    size: swu.size,
    sha1: null,
    md5: null,
    // A name alone is the same in each version, and a device's software must say which one it runs.
    name: swu.name === null ? swu.version : `${swu.name}-${swu.version}`,
    payloadType: 'swu',
    deviceTypes: [...new Set(boards)],
    provides: { 'swu.version': swu.version },
    depends: {},
    clears: [],
    files: swu.files.map(({ name, size, sha256 }) => ({ name, size, sha256, encrypted: encrypted.has(name) })),
    scripts: swu.files.filter(({ name }) => isScript.has(name)).map(({ name }) => name),
    settings: null,
    signed: swu.rawDescription,
    signature: swu.signature,
  }
}

async function* passing(source: ByteSource, look: (chunk: Uint8Array) => void): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    look(chunk)
    yield chunk
  }
}

/** The first `length` bytes (or fewer, at an early end) and a stream that begins with them. */
async function peek(source: ByteSource, length: number): Promise<{ head: Uint8Array; whole: ByteSource }> {
  const chunks = source[Symbol.asyncIterator]()
  let head: Uint8Array = new Uint8Array(0)
  while (head.length < length) {
    const next = await chunks.next()
    if (next.done === true) break
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value])
  }
  async function* whole(): AsyncGenerator<Uint8Array> {
    try {
      if (head.length > 0) yield head
      while (true) {
        const next = await chunks.next()
        if (next.done === true) return
        yield next.value
      }
    } finally {
      await chunks.return?.()
    }
  }
  return { head: head.subarray(0, length), whole: whole() }
}
