import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, rename, rm, stat } from 'node:fs/promises'
import { digestOf } from '@holdfast/formats/content'
import { readTar, tarEnd, tarMember, tarMemberHeader, tarMemberPadding } from '@holdfast/formats/tar'
import { type ByteSource, Fault, messageOf } from '@holdfast/kernel'
import { z } from 'zod'

const Manifest = z.object({
  format: z.literal('holdfast-backup'),
  version: z.literal(1),
  createdAt: z.iso.datetime(),
  database: z.enum(['sqlite', 'postgres']),
  /** Blobs are named by their digest and may be many; `blobs` counts them. */
  blobs: z.int().min(0),
  files: z.array(z.object({ name: z.string(), size: z.int().min(0), sha256: z.string() })).max(1_000),
})
export type Manifest = z.output<typeof Manifest>

export interface BackupMember {
  readonly name: string
  readonly size: number
  readonly content: ByteSource
}

const manifestName = 'manifest.json'
const maxManifestBytes = 1024 * 1024
const tebibyte = 1024 ** 4
const blobName = /^blobs\/([0-9a-f]{64})$/

export async function fileEntry(name: string, path: string): Promise<Manifest['files'][number]> {
  const { size, sha256 } = await digestOf(createReadStream(path, { highWaterMark: 256 * 1024 }))
  return { name, size, sha256 }
}

/** Writes the archive durably under a name that must be free; only its owner can read it. */
export async function writeBackup(
  path: string,
  manifest: Manifest,
  members: AsyncIterable<BackupMember>,
): Promise<number> {
  if ((await stat(path).catch(() => undefined)) !== undefined) {
    throw new Fault('conflict', 'backup.exists', `${path} exists already`)
  }
  const draft = `${path}.${process.pid}.new`
  const file = await open(draft, 'wx', 0o600)
  try {
    await file.writeFile(tarMember(manifestName, new TextEncoder().encode(JSON.stringify(manifest))))
    for await (const member of members) await appendMember(file, member)
    await file.writeFile(tarEnd())
    await file.sync()
    await rename(draft, path)
    return (await file.stat()).size
  } catch (thrown) {
    await rm(draft, { force: true })
    throw thrown
  } finally {
    await file.close()
  }
}

async function appendMember(
  file: Awaited<ReturnType<typeof open>>,
  { name, size, content }: BackupMember,
): Promise<void> {
  await file.writeFile(tarMemberHeader(name, size))
  let written = 0
  for await (const chunk of content) {
    written += chunk.length
    await file.writeFile(chunk)
  }
  if (written !== size) throw new Fault('conflict', 'backup.changed', `${name} changed while it was read`)
  await file.writeFile(tarMemberPadding(size))
}

export interface RestoredMember {
  readonly name: string
  /** Undefined: a blob, named by its digest. */
  readonly listed: Manifest['files'][number] | undefined
  readonly digest: string
  /** To be read whole before the next member; throws at its end when a digest is wrong. */
  readonly content: ByteSource
}

/**
 * Reads an archive once and checks that it holds exactly what its manifest says, every digest included. The callback
 * must read each member's content.
 */
export async function readBackup(
  path: string,
  take: (member: RestoredMember, manifest: Manifest) => Promise<void>,
): Promise<Manifest> {
  const limits = { members: 10_000_000, memberBytes: 10 * tebibyte, bytes: 100 * tebibyte }
  const source = createReadStream(path, { highWaterMark: 256 * 1024 })
  let manifest: Manifest | undefined
  let blobs = 0
  const missing = new Map<string, Manifest['files'][number]>()
  for await (const member of readTar(source, { name: 'the backup', limits })) {
    if (manifest === undefined) {
      manifest = await parseManifest(member.name, member.size, member.content)
      for (const file of manifest.files) missing.set(file.name, file)
      continue
    }
    const listed = missing.get(member.name)
    const digest = listed?.sha256 ?? blobName.exec(member.name)?.[1]
    if (digest === undefined) throw damaged(`${member.name} is not in its manifest`)
    if (listed === undefined) blobs += 1
    else missing.delete(member.name)
    await take({ name: member.name, listed, digest, content: checked(member.content, digest, member.name) }, manifest)
  }
  if (manifest === undefined) throw damaged('it is empty')
  const [absent] = missing.keys()
  if (absent !== undefined) throw damaged(`${absent} is missing`)
  if (blobs !== manifest.blobs) throw damaged(`it holds ${blobs} blobs, not ${manifest.blobs}`)
  return manifest
}

async function* checked(content: ByteSource, digest: string, name: string): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256')
  for await (const chunk of content) {
    hash.update(chunk)
    yield chunk
  }
  if (hash.digest('hex') !== digest) throw damaged(`the SHA-256 of ${name} is wrong`)
}

async function parseManifest(name: string, size: number, content: ByteSource): Promise<Manifest> {
  if (name !== manifestName || size > maxManifestBytes) throw damaged('it does not begin with a manifest')
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of content) text += decoder.decode(chunk, { stream: true })
  try {
    return Manifest.parse(JSON.parse(text))
  } catch (thrown) {
    throw damaged(`its manifest cannot be read: ${messageOf(thrown)}`)
  }
}

function damaged(why: string): Fault {
  return new Fault('malformed', 'backup.damaged', `the backup is not sound: ${why}`)
}
