import { createWriteStream } from 'node:fs'
import { readFile, rename, rm, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { signDetachedCms } from '@holdfast/crypto/cms'
import { readCertificates } from '@holdfast/crypto/x509'
import type { Compression } from '@holdfast/formats/compression'
import { softwareVersion } from '@holdfast/formats/mender/configuration'
import { signMenderManifest } from '@holdfast/formats/mender/signature'
import { type MenderSpec, writeMenderArtifact } from '@holdfast/formats/mender/write'
import { writeSwu } from '@holdfast/formats/swu/write'
import { Fault, messageOf } from '@holdfast/kernel'
import type { Command } from 'commander'
import { payloadFiles, readSwuSpec } from '../artifact-spec.ts'
import { outputOf } from '../connection.ts'
import { UsageError } from '../failure.ts'
import { readContentKey, readPem, readSigningKey } from '../key-material.ts'
import { bytes } from '../wording.ts'

export interface WriteOptions {
  readonly out: string
  readonly name?: string
  readonly deviceType?: string[]
  readonly type: string
  readonly destDir?: string
  readonly permissions: string
  readonly group?: string
  readonly script?: string[]
  readonly provides?: Record<string, string>
  readonly depends?: Record<string, string>
  readonly dependsName?: string[]
  readonly clears?: string[]
  readonly software?: string
  readonly metaData?: string
  readonly compression: string
  readonly versionName?: string
  readonly hardware?: string[]
  readonly key?: string
  readonly certificate?: string
  readonly encryptKey?: string
  readonly passphraseFile?: string
}

export async function writeArtifact(inputs: string[], options: WriteOptions, command: Command): Promise<void> {
  const { out } = options
  const output = outputOf(command)
  await writeWhole(
    out,
    out.endsWith('.swu') ? await openSwuWriter(inputs, options) : await openMenderWriter(inputs, options),
  )
  const { size } = await stat(out)
  const signed = options.key === undefined ? 'not signed' : 'signed'
  if (out.endsWith('.mender') && options.type === 'single-file' && options.destDir === undefined) {
    output.note('mender-client’s own module single-file needs to know where the file goes: --dest-dir DIRECTORY')
  }
  output.done(`Wrote ${out}: ${bytes(size)}, ${signed}`, { file: out, size, signed: options.key !== undefined })
}

/** The file appears whole or not at all. */
export async function writeWhole(path: string, content: AsyncIterable<Uint8Array>): Promise<void> {
  const draft = `${path}.${process.pid}.new`
  try {
    await pipeline(Readable.from(content, { objectMode: false }), createWriteStream(draft, { flags: 'wx' }))
    await rename(draft, path)
  } catch (thrown) {
    await rm(draft, { force: true })
    throw thrown
  }
}

const compressions: ReadonlySet<string> = new Set(['none', 'gzip', 'lzma', 'zstd'])

async function openMenderWriter(inputs: string[], options: WriteOptions): Promise<AsyncIterable<Uint8Array>> {
  if (!options.out.endsWith('.mender')) throw new UsageError(`${options.out}: the name must end in .mender or .swu`)
  const { name, deviceType: deviceTypes, compression } = options
  if (name === undefined || deviceTypes === undefined)
    throw new UsageError('a Mender artifact needs --name and --device-type')
  if (!compressions.has(compression)) throw new UsageError('--compression is none, gzip, lzma or zstd')
  const software =
    options.software === undefined ? { payloadProvides: {}, clears: [] } : parseSoftware(options.software)
  const key = options.key === undefined ? undefined : await readSigningKey(options.key, options.passphraseFile)
  const spec: MenderSpec = {
    name,
    ...(options.group === undefined ? {} : { group: options.group }),
    depends: { deviceTypes, artifactNames: options.dependsName ?? [] },
    payloadType: options.type,
    payloadProvides: { ...software.payloadProvides, ...options.provides },
    payloadDepends: options.depends ?? {},
    clears: [...software.clears, ...(options.clears ?? [])],
    ...(options.metaData === undefined ? {} : { metaData: await readMetaData(options.metaData) }),
    files: placed(await payloadFiles(inputs), options),
    scripts: (options.script ?? []).map((path) => ({ name: basename(path), content: { path } })),
    compression: compression as Compression,
    ...(key === undefined ? {} : { sign: (manifest: Uint8Array) => signMenderManifest(manifest, key) }),
  }
  return writeMenderArtifact(spec)
}

/** mender-client's update module `single-file` reads where its one file goes from three small files beside it. */
function placed(files: MenderSpec['files'], { type, destDir, permissions }: WriteOptions): MenderSpec['files'] {
  if (destDir === undefined) return files
  const [file, ...others] = files
  if (type !== 'single-file' || file === undefined || others.length > 0)
    throw new UsageError('--dest-dir goes with --type single-file and exactly one file')
  if (!destDir.startsWith('/')) throw new UsageError('--dest-dir is an absolute path on the device, such as /opt/app')
  if (!/^[0-7]{3,4}$/.test(permissions)) throw new UsageError('--permissions is an octal mode, such as 644 or 755')
  const said = { dest_dir: destDir, filename: file.name, permissions }
  const beside = Object.entries(said).map(([name, text]) => ({ name, content: new TextEncoder().encode(`${text}\n`) }))
  return [...beside, file]
}

function parseSoftware(text: string) {
  const [, filesystem, software, version] = /^([\w-]+)\.([\w.-]+)@(\S+)$/.exec(text) ?? []
  if (filesystem === undefined || software === undefined || version === undefined) {
    throw new UsageError('--software is written filesystem.name@version, such as rootfs-image.app@1.2')
  }
  return softwareVersion(filesystem, software, version)
}

async function readMetaData(file: string): Promise<NonNullable<MenderSpec['metaData']>> {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'))
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('it is not a JSON object')
    return value as NonNullable<MenderSpec['metaData']>
  } catch (thrown) {
    throw new Fault('malformed', 'cli.meta_data', `${file}: ${messageOf(thrown)}`, { cause: thrown })
  }
}

async function openSwuWriter(inputs: string[], options: WriteOptions): Promise<AsyncIterable<Uint8Array>> {
  const [input, ...others] = inputs
  if (input === undefined || others.length > 0)
    throw new UsageError('a .swu is made from one directory with swu.yaml, or such a file')
  const contentKey = options.encryptKey === undefined ? undefined : await readContentKey(options.encryptKey)
  const read = await readSwuSpec(input, contentKey)
  const spec = {
    ...read,
    version: options.versionName ?? read.version,
    hardwareCompatibility: options.hardware ?? read.hardwareCompatibility,
  }
  if (spec.version === '') throw new UsageError('the version is missing: in swu.yaml, or --version-name')
  if (spec.hardwareCompatibility.length === 0)
    throw new UsageError('the hardware is missing: in swu.yaml, or --hardware')
  if (options.key === undefined) return writeSwu(spec)
  if (options.certificate === undefined) throw new UsageError('a .swu is signed with --key and --certificate')
  const key = await readSigningKey(options.key, options.passphraseFile)
  const [certificate, ...chain] = readCertificates(await readPem(options.certificate)).map(({ der }) => der)
  if (certificate === undefined)
    throw new Fault('malformed', 'cli.certificate', `${options.certificate} holds no certificate`)
  return writeSwu({ ...spec, sign: (content) => signDetachedCms({ content, certificate, chain, key }) })
}
