import { Fault } from '@holdfast/kernel'
import { parseJsonObject } from '../json-shape.ts'
import { decodeUtf8, requireSafeFileName } from '../safe-name.ts'
import { parseLibconfig } from './libconfig.ts'

export type SwuSection = 'images' | 'files' | 'scripts'

/** One thing that `sw-description` tells a device to install. */
export interface SwuEntry {
  readonly section: SwuSection
  /** Path of groups that the entry belongs to, such as `stable.copy1`; empty for every device. */
  readonly selection: string
  /** Null for an entry that needs no bytes. */
  readonly filename: string | null
  readonly sha256: string | null
  readonly type: string | null
  readonly name: string | null
  readonly version: string | null
  readonly encrypted: boolean
  /** Initialisation vector in hex; null when the device has its own. */
  readonly ivt: string | null
  /** The method, `zlib` when only said to be compressed; null when it is not. */
  readonly compressed: string | null
  /** All other settings that are scalar, such as device, path, installed-directly. */
  readonly attributes: Readonly<Record<string, string | number | boolean>>
}

export interface SwuDescription {
  readonly version: string
  readonly name: string | null
  readonly description: string | null
  /** For each board (null: any) the hardware revisions that may install it. */
  readonly hardware: readonly { readonly board: string | null; readonly revisions: readonly string[] }[]
  readonly entries: readonly SwuEntry[]
  /** True when the description itself carries Lua code that a device runs while parsing it. */
  readonly hasEmbeddedScript: boolean
}

type Group = { readonly [name: string]: unknown }

export const maxDescriptionBytes = 1024 * 1024
const maxSelectionDepth = 6
const maxEntries = 1_000
const sections: ReadonlySet<string> = new Set(['images', 'files', 'scripts'])
const described = new Set(['filename', 'sha256', 'type', 'name', 'version', 'encrypted', 'ivt', 'compressed'])

/** Parses `sw-description`, in libconfig or JSON. Throws `formats.swu_description`. */
export function parseDescription(bytes: Uint8Array): SwuDescription {
  const text = decodeUtf8(bytes, 'sw-description')
  const root = /^\s*\{/.test(text) ? parseJsonObject(bytes, 'sw-description') : parseLibconfig(text)
  const software = root.software
  if (!isGroup(software)) throw malformed('it has no group “software”')
  const version = software.version
  if (typeof version !== 'string' || version === '') throw malformed('software.version is missing')
  const entries: SwuEntry[] = []
  const hardware: { board: string | null; revisions: string[] }[] = []
  walk(software, [], entries, hardware)
  requireOneDigestPerFile(entries)
  return {
    version,
    name: scalarText(software.name),
    description: scalarText(software.description),
    hardware,
    entries,
    hasEmbeddedScript: software['embedded-script'] !== undefined,
  }
}

function walk(
  group: Group,
  path: readonly string[],
  entries: SwuEntry[],
  hardware: { board: string | null; revisions: string[] }[],
): void {
  if (path.length > maxSelectionDepth) throw malformed(`${path.join('.')} is nested too deeply`)
  for (const [name, value] of Object.entries(group)) {
    const at = [...path, name].join('.')
    if (name === 'hardware-compatibility') {
      if (!Array.isArray(value)) throw malformed(`${at} is not a list`)
      hardware.push({ board: path[0] ?? null, revisions: value.map((item) => requireScalarText(item, at)) })
    } else if (sections.has(name) && Array.isArray(value)) {
      for (const [index, item] of value.entries()) {
        if (entries.length >= maxEntries) throw malformed(`it has more than ${maxEntries} entries`)
        entries.push(parseEntry(item, name as SwuSection, path.join('.'), `${at}[${index}]`))
      }
    } else if (isGroup(value)) walk(value, [...path, name], entries, hardware)
  }
}

function parseEntry(item: unknown, section: SwuSection, selection: string, at: string): SwuEntry {
  if (!isGroup(item)) throw malformed(`${at} is not a group`)
  const filename = scalarText(item.filename)
  const sha256 = scalarText(item.sha256)
  if (filename !== null) requireSafeFileName(filename)
  if (filename !== null && !/^[0-9a-fA-F]{64}$/.test(sha256 ?? ''))
    throw malformed(`${at} (${filename}) has no SHA-256`)
  const ivt = scalarText(item.ivt)
  if (ivt !== null && !/^[0-9a-fA-F]{32}$/.test(ivt)) throw malformed(`${at}.ivt is not 16 bytes in hex`)
  const compressed = item.compressed
  return {
    section,
    selection,
    filename,
    sha256: sha256?.toLowerCase() ?? null,
    type: scalarText(item.type),
    name: scalarText(item.name),
    version: scalarText(item.version),
    encrypted: item.encrypted === true || scalarText(item.encrypted) !== null,
    ivt,
    compressed: compressed === true ? 'zlib' : scalarText(compressed),
    attributes: Object.fromEntries(
      Object.entries(item).filter((member): member is [string, string | number | boolean] => {
        return !described.has(member[0]) && ['string', 'number', 'boolean'].includes(typeof member[1])
      }),
    ),
  }
}

function requireOneDigestPerFile(entries: readonly SwuEntry[]): void {
  const digests = new Map<string, string | null>()
  for (const { filename, sha256 } of entries) {
    if (filename === null) continue
    if ((digests.get(filename) ?? sha256) !== sha256) throw malformed(`${filename} is given two different digests`)
    digests.set(filename, sha256)
  }
}

function isGroup(value: unknown): value is Group {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function scalarText(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

function requireScalarText(value: unknown, at: string): string {
  if (typeof value !== 'string' || value === '') throw malformed(`${at} holds something but texts`)
  return value
}

function malformed(why: string): Fault {
  return new Fault('malformed', 'formats.swu_description', `sw-description is not acceptable: ${why}`)
}
