import { createHash } from 'node:crypto'
import { type ByteSource, Fault } from '@holdfast/kernel'
import { type Compression, decompress } from '../compression.ts'
import { collect, type Digest } from '../content.ts'
import {
  type JsonObject,
  optionalText,
  parseJsonObject,
  requireList,
  requireObject,
  requireText,
  textList,
  textMap,
  textOrListMap,
} from '../json-shape.ts'
import { requireSafeFileName } from '../safe-name.ts'
import { readTar, tarEnd, tarMember } from '../tar.ts'
import type { MenderLimits } from './limits.ts'

export interface MenderScript extends Digest {
  readonly name: string
  readonly content: Uint8Array
}

export interface MenderDepends {
  readonly deviceTypes: readonly string[]
  readonly artifactNames: readonly string[]
  readonly artifactGroups: readonly string[]
}

/** What `header.tar` says; `payloadType` is null in an artifact that only declares what a device has. */
export interface MenderHeader {
  readonly name: string
  readonly group: string | null
  readonly depends: MenderDepends
  readonly payloadType: string | null
  readonly payloadProvides: Readonly<Record<string, string>>
  readonly payloadDepends: Readonly<Record<string, string | readonly string[]>>
  readonly clears: readonly string[]
  readonly metaData: JsonObject | null
  readonly scripts: readonly MenderScript[]
}

const scriptName =
  /^Artifact(Install|Reboot|Commit|Rollback|RollbackReboot|Failure)_(Enter|Leave|Error)_[0-9]{2}(_[^\s/]+)?$/
const maxMembers = 300
const maxDocumentBytes = 1024 * 1024

/** Parses header bytes whose digest was checked already. Throws `formats.mender_header`. */
export async function parseHeader(
  stored: Uint8Array,
  compression: Compression,
  limits: MenderLimits,
): Promise<MenderHeader> {
  const documents = new Map<string, Uint8Array>()
  const scripts: MenderScript[] = []
  const expansion = { bytes: limits.headerBytes, ratio: limits.ratio }
  const expanded = decompress(oneChunk(stored), compression, { name: 'the header', limits: expansion })
  const tar = { members: maxMembers, memberBytes: limits.headerBytes, bytes: limits.headerBytes }
  let stage = 0
  for await (const member of readTar(expanded, { name: 'the header', limits: tar })) {
    const position = positionOf(member.name)
    if (position < stage) throw malformed(`${member.name} stands in the wrong place`)
    if (stage === 0 && position > 1) throw malformed('header-info is not its first member')
    stage = position
    if (position === 2) scripts.push(await readScript(member.name, member.content, limits))
    else documents.set(member.name, await collect(member.content, maxDocumentBytes, member.name))
  }
  return describe(documents, scripts)
}

/** The order that the format prescribes: header-info, scripts, type-info, meta-data. */
function positionOf(name: string): number {
  if (name === 'header-info') return 1
  if (name.startsWith('scripts/')) return 2
  if (name === 'headers/0000/type-info') return 3
  if (name === 'headers/0000/meta-data') return 4
  throw malformed(`${JSON.stringify(name)} has no place in it`)
}

async function readScript(path: string, content: ByteSource, limits: MenderLimits): Promise<MenderScript> {
  const bytes = await collect(content, limits.headerBytes, path)
  return describeScript(path.slice('scripts/'.length), bytes)
}

export function describeScript(name: string, content: Uint8Array): MenderScript {
  if (!scriptName.test(requireSafeFileName(name))) {
    throw malformed(`${JSON.stringify(name)} is not the name of a state script, such as ArtifactInstall_Enter_10_stop`)
  }
  return { name, content, size: content.length, sha256: createHash('sha256').update(content).digest('hex') }
}

function describe(documents: ReadonlyMap<string, Uint8Array>, scripts: readonly MenderScript[]): MenderHeader {
  const info = parseJsonObject(requireDocument(documents, 'header-info'), 'header-info')
  const type = parseJsonObject(requireDocument(documents, 'headers/0000/type-info'), 'type-info')
  const payloads = requireList(info.payloads, 'payloads')
  if (payloads.length !== 1) throw malformed(`it declares ${payloads.length} payloads; exactly one is supported`)
  const payloadType = optionalText(requireObject(payloads[0], 'payloads[0]').type, 'payloads[0].type')
  if (optionalText(type.type, 'type') !== payloadType) throw malformed('header-info and type-info name different types')
  const provides = requireObject(info.artifact_provides, 'artifact_provides')
  const depends = requireObject(info.artifact_depends, 'artifact_depends')
  const metaData = documents.get('headers/0000/meta-data')
  return {
    name: requireText(provides.artifact_name, 'artifact_provides.artifact_name'),
    group: optionalText(provides.artifact_group, 'artifact_provides.artifact_group'),
    depends: {
      deviceTypes: requireSome(textList(depends.device_type, 'artifact_depends.device_type')),
      artifactNames: textList(depends.artifact_name, 'artifact_depends.artifact_name'),
      artifactGroups: textList(depends.artifact_group, 'artifact_depends.artifact_group'),
    },
    payloadType,
    payloadProvides: textMap(type.artifact_provides, 'type-info.artifact_provides'),
    payloadDepends: textOrListMap(type.artifact_depends, 'type-info.artifact_depends'),
    clears: textList(type.clears_artifact_provides, 'clears_artifact_provides'),
    metaData: metaData === undefined || metaData.length === 0 ? null : parseJsonObject(metaData, 'meta-data'),
    scripts,
  }
}

/** `header.tar`, uncompressed; the inverse of `parseHeader`. */
export function formatHeader(header: MenderHeader): Uint8Array {
  const members = [
    tarMember(
      'header-info',
      json({
        payloads: [{ type: header.payloadType }],
        artifact_provides: {
          artifact_name: header.name,
          ...(header.group === null ? {} : { artifact_group: header.group }),
        },
        artifact_depends: {
          device_type: header.depends.deviceTypes,
          ...unlessEmpty('artifact_name', header.depends.artifactNames),
          ...unlessEmpty('artifact_group', header.depends.artifactGroups),
        },
      }),
    ),
    ...header.scripts
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map((script) => tarMember(`scripts/${script.name}`, script.content, 0o755)),
    tarMember(
      'headers/0000/type-info',
      json({
        type: header.payloadType,
        ...unlessEmpty('artifact_provides', header.payloadProvides),
        ...unlessEmpty('artifact_depends', header.payloadDepends),
        ...unlessEmpty('clears_artifact_provides', header.clears),
      }),
    ),
    ...(header.metaData === null ? [] : [tarMember('headers/0000/meta-data', json(header.metaData))]),
    tarEnd(),
  ]
  return Buffer.concat(members)
}

function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value))
}

function unlessEmpty(key: string, value: object): Record<string, unknown> {
  return Object.keys(value).length === 0 ? {} : { [key]: value }
}

async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes
}

function requireDocument(documents: ReadonlyMap<string, Uint8Array>, name: string): Uint8Array {
  const document = documents.get(name)
  if (document === undefined) throw malformed(`${name} is missing`)
  return document
}

function requireSome(deviceTypes: string[]): string[] {
  if (deviceTypes.length === 0) throw malformed('it names no device type')
  return deviceTypes
}

function malformed(why: string): Fault {
  return new Fault('malformed', 'formats.mender_header', `the header is not acceptable: ${why}`)
}
