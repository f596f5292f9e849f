import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { Fault } from '@holdfast/kernel'
import { menderVersionDocument } from '../src/mender/write.ts'
import { tarEnd, tarMember } from '../src/tar.ts'

/** Makes archives that no honest writer makes. */

export async function* chunked(bytes: Uint8Array, size = 64 * 1024): AsyncGenerator<Uint8Array, void, undefined> {
  for (let offset = 0; offset < bytes.length; offset += size) yield bytes.subarray(offset, offset + size)
}

export async function bytesOf(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of source) parts.push(Uint8Array.from(part))
  return Buffer.concat(parts)
}

/** For `assert.rejects`: the expected error is a Fault of this code, nothing else. */
export function faultOf(code: string): (thrown: unknown) => boolean {
  return (thrown) => {
    if (thrown instanceof Fault && thrown.code === code) return true
    throw thrown
  }
}

export interface ForgedTarFields {
  readonly name?: string
  readonly type?: string
  readonly linkName?: string
  readonly content?: Uint8Array
  /** Declared, whatever the content is. */
  readonly size?: number
  readonly magic?: string
}

/** A tar member with any fields at all, under a correct checksum. */
export function forgedTarMember(fields: ForgedTarFields): Buffer {
  const content = fields.content ?? new Uint8Array(0)
  const member = Buffer.from(tarMember('placeholder', content))
  const put = (offset: number, length: number, value: string) => {
    member.fill(0, offset, offset + length)
    member.write(value, offset, length, 'latin1')
  }
  if (fields.name !== undefined) put(0, 100, fields.name)
  if (fields.type !== undefined) put(156, 1, fields.type)
  if (fields.linkName !== undefined) put(157, 100, fields.linkName)
  if (fields.size !== undefined) put(124, 12, `${fields.size.toString(8).padStart(11, '0')}\0`)
  if (fields.magic !== undefined) put(257, 8, fields.magic)
  put(148, 8, '        ')
  const sum = member.subarray(0, 512).reduce((total, byte) => total + byte, 0)
  put(148, 8, `${sum.toString(8).padStart(6, '0')}\0 `)
  return member
}

export function paxMember(...records: readonly string[]): Buffer {
  const lines = records.map((record) => {
    const length = Buffer.byteLength(record) + 2
    const total = length + String(length + 2).length
    return `${total} ${record}\n`
  })
  return forgedTarMember({ name: 'PaxHeaders/x', type: 'x', content: Buffer.from(lines.join('')) })
}

export function forgedTar(...members: readonly Uint8Array[]): Buffer {
  return Buffer.concat([...members, tarEnd()])
}

export interface ForgedArtifact {
  readonly version?: Uint8Array
  /** Members of `header.tar`. */
  readonly header?: readonly Uint8Array[]
  /** The payload tar, uncompressed. */
  readonly payload?: Uint8Array
  readonly files?: Readonly<Record<string, Uint8Array>>
  readonly compress?: (bytes: Uint8Array) => Uint8Array
  /** Last word on the manifest text, and on the outer members in order. */
  readonly manifest?: (text: string) => string
  readonly outer?: (members: Uint8Array[]) => Uint8Array[]
}

export const honestHeader: readonly Uint8Array[] = [
  tarMember(
    'header-info',
    json({
      payloads: [{ type: 't' }],
      artifact_provides: { artifact_name: 'n' },
      artifact_depends: { device_type: ['d'] },
    }),
  ),
  tarMember('headers/0000/type-info', json({ type: 't' })),
]

/** A Mender artifact that is consistent in itself, however hostile its parts are. */
export function forgedArtifact(parts: ForgedArtifact = {}): Buffer {
  const compress = parts.compress ?? ((bytes) => bytes)
  const suffix = parts.compress === undefined ? '' : '.gz'
  const version = parts.version ?? menderVersionDocument
  const header = compress(forgedTar(...(parts.header ?? honestHeader)))
  const files = parts.files ?? {}
  const payload =
    parts.payload ?? forgedTar(...Object.entries(files).map(([name, content]) => tarMember(name, content)))
  const lines = [
    ...Object.entries(files).map(([name, content]) => `${sha256(content)}  data/0000/${name}\n`),
    `${sha256(header)}  header.tar${suffix}\n`,
    `${sha256(version)}  version\n`,
  ]
  const manifest = (parts.manifest ?? ((text) => text))(lines.join(''))
  const members = [
    tarMember('version', version),
    tarMember('manifest', Buffer.from(manifest)),
    tarMember(`header.tar${suffix}`, header),
    tarMember(`data/0000.tar${suffix}`, compress(payload)),
  ]
  return forgedTar(...(parts.outer ?? ((all) => all))(members))
}

export function gzip(bytes: Uint8Array): Uint8Array {
  return gzipSync(bytes)
}

export function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value))
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
