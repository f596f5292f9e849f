import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { Fault } from '@holdfast/kernel'
import { collect } from '../content.ts'
import { parseJsonObject } from '../json-shape.ts'
import { decodeUtf8, requireSafeFileName } from '../safe-name.ts'
import { type PreparedContent, prepareContent, type SignDescription, writeArchive } from './archive.ts'
import { maxDescriptionBytes } from './description.ts'
import { formatLibconfig, type LibconfigValue, parseLibconfig } from './libconfig.ts'

export interface SwuDirectory {
  /** Holds `sw-description` and every file that it names. */
  readonly directory: string
  /** For entries marked `encrypted`. `newVector` is asked once for every file and must never repeat itself. */
  readonly encryption?: { readonly key: Uint8Array; readonly newVector: () => Uint8Array }
  readonly sign?: SignDescription
}

type Settings = { readonly [name: string]: LibconfigValue }

/** How a file is stored, and so what its entries have to say. */
interface Stored extends PreparedContent {
  readonly settings: Settings
}

const sections: ReadonlySet<string> = new Set(['images', 'files', 'scripts'])
const maxDepth = 24

/**
 * Streams a `.swu` from a directory whose `sw-description` (libconfig or JSON) lacks what can be computed: entries
 * marked `compressed` or `encrypted` are, and every entry that names a file gets its `sha256` and `ivt`.
 */
export async function* writeSwuDirectory(input: SwuDirectory): AsyncGenerator<Uint8Array, void, undefined> {
  await using spools = new AsyncDisposableStack()
  const template = await readTemplate(input.directory)
  const stored = new Map<string, Stored>()
  for (const entry of entriesOf(template, 0)) {
    const filename = filenameOf(entry)
    const known = stored.get(filename)
    if (known === undefined) stored.set(filename, await store(entry, filename, input, spools))
    else if (formOf(entry) !== formOf(known.settings)) {
      throw malformed(`${filename} is named twice, to be stored in different forms`)
    }
  }
  const description = formatLibconfig(complete(template, stored) as Settings)
  yield* writeArchive(new TextEncoder().encode(description), [...stored.values()], input.sign)
}

async function readTemplate(directory: string): Promise<Settings> {
  const path = join(directory, 'sw-description')
  const bytes = await collect(createReadStream(path), maxDescriptionBytes, 'sw-description')
  const text = decodeUtf8(bytes, 'sw-description')
  // JSON has one kind of value that libconfig has not: null, which the writer of libconfig refuses.
  return /^\s*\{/.test(text) ? (parseJsonObject(bytes, 'sw-description') as Settings) : parseLibconfig(text)
}

async function store(
  entry: Settings,
  filename: string,
  { directory, encryption }: SwuDirectory,
  spools: AsyncDisposableStack,
): Promise<Stored> {
  const method = compressionOf(entry)
  const content = { path: join(directory, requireSafeFileName(filename)) }
  const isEncrypted = entry.encrypted === true
  if (isEncrypted && encryption === undefined) throw malformed(`${filename} is to be encrypted, but there is no key`)
  const encrypt = isEncrypted && encryption !== undefined ? { key: encryption.key, iv: encryption.newVector() } : null
  const prepared = await prepareContent(
    { filename, content, ...(method === null ? {} : { compress: method }), ...(encrypt === null ? {} : { encrypt }) },
    spools,
  )
  const ivt = encrypt === null ? {} : { ivt: Buffer.from(encrypt.iv).toString('hex') }
  return { ...prepared, settings: { ...entry, ...ivt, sha256: prepared.digest.sha256 } }
}

function compressionOf(entry: Settings): 'zlib' | 'zstd' | null {
  const method = entry.compressed
  if (method === undefined || method === false) return null
  if (method === true || method === 'zlib') return 'zlib'
  if (method === 'zstd') return 'zstd'
  throw malformed(`${filenameOf(entry)}: the compression ${JSON.stringify(method)} is neither zlib nor zstd`)
}

function formOf(entry: Settings): string {
  return `${compressionOf(entry)} ${entry.encrypted === true}`
}

function* entriesOf(value: LibconfigValue, depth: number): Generator<Settings> {
  if (depth > maxDepth) throw malformed('it is nested too deeply')
  if (!isSettings(value)) return
  for (const [name, member] of Object.entries(value)) {
    if (!sections.has(name) || !Array.isArray(member)) yield* entriesOf(member, depth + 1)
    else for (const entry of member) if (isSettings(entry) && entry.filename !== undefined) yield entry
  }
}

/** The template with every entry completed; its order stays. */
function complete(value: LibconfigValue, stored: ReadonlyMap<string, Stored>): LibconfigValue {
  if (!isSettings(value)) return value
  const members = Object.entries(value).map(([name, member]): [string, LibconfigValue] => {
    if (!sections.has(name) || !Array.isArray(member)) return [name, complete(member, stored)]
    return [name, member.map((entry: LibconfigValue) => completeEntry(entry, stored))]
  })
  return Object.fromEntries(members)
}

function completeEntry(entry: LibconfigValue, stored: ReadonlyMap<string, Stored>): LibconfigValue {
  if (!isSettings(entry) || entry.filename === undefined) return entry
  const { ivt, sha256 } = stored.get(filenameOf(entry))?.settings ?? {}
  return { ...entry, ...(ivt === undefined ? {} : { ivt }), ...(sha256 === undefined ? {} : { sha256 }) }
}

function filenameOf(entry: Settings): string {
  const filename = entry.filename
  if (typeof filename !== 'string') throw malformed('a filename is not a text')
  return filename
}

function isSettings(value: LibconfigValue): value is Settings {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function malformed(why: string): Fault {
  return new Fault('malformed', 'formats.swu_description', `sw-description is not acceptable: ${why}`)
}
