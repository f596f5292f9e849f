import { BoundedReader, type ByteSource, Fault } from '@holdfast/kernel'
import { decodeUtf8, NameSet, requireSafeName } from './safe-name.ts'
import { blockSize, decodePax, decodeTarHeader, encodeTarHeader, type PaxRecords, paddingOf } from './tar-header.ts'

export interface TarLimits {
  readonly members: number
  readonly memberBytes: number
  /** Of the whole archive, headers and padding included. */
  readonly bytes: number
}

export interface TarMember {
  readonly name: string
  readonly size: number
  readonly mode: number
  /** Streams the content once; to be read before the next member is asked for. */
  readonly content: ByteSource
}

const maxExtensionBytes = 8 * 1024
const maxTrailingBytes = 1024 * 1024

const refusedTypes: Readonly<Record<string, string>> = {
  '1': 'a hard link',
  '2': 'a symbolic link',
  '3': 'a character device',
  '4': 'a block device',
  '5': 'a directory',
  '6': 'a FIFO',
  '7': 'a contiguous file',
  K: 'a long link name',
  S: 'a sparse file',
  g: 'a global pax header',
}

/**
 * The members of a tar archive, by allow-list: regular files with safe, distinct names, and the two extensions
 * that carry a long name or a large size. Everything else is refused. Only zeros may follow the end. The source is
 * closed whenever the reading ends.
 */
export async function* readTar(
  source: ByteSource,
  options: { readonly name: string; readonly limits: TarLimits },
): AsyncGenerator<TarMember, void, undefined> {
  const { name: archive, limits } = options
  const reader = new BoundedReader(source, { limit: limits.bytes, name: archive })
  try {
    yield* readMembers(reader, archive, limits)
    await requireOnlyZerosLeft(reader, archive)
  } finally {
    await reader.close()
  }
}

async function* readMembers(
  reader: BoundedReader,
  archive: string,
  limits: TarLimits,
): AsyncGenerator<TarMember, void, undefined> {
  const names = new NameSet()
  for (let count = 0; ; count += 1) {
    const header = await readMemberHeader(reader, archive)
    if (header === null) return
    if (count >= limits.members) throw limited(`${archive} has more than ${limits.members} members`)
    if (header.size > limits.memberBytes) {
      throw limited(`${archive}: ${header.name} is larger than ${limits.memberBytes} bytes`)
    }
    names.add(requireSafeName(header.name))
    const end = reader.position + header.size
    yield { ...header, content: contentUntil(reader, end) }
    await reader.skip(end - reader.position)
    await requireZeros(reader, paddingOf(header.size), `${archive}: the padding of ${header.name}`)
  }
}

async function* contentUntil(reader: BoundedReader, end: number): AsyncGenerator<Uint8Array, void, undefined> {
  if (reader.position > end) throw new Error('the content of a tar member was read after its turn')
  yield* reader.pass(end - reader.position)
}

async function readMemberHeader(
  reader: BoundedReader,
  archive: string,
): Promise<{ name: string; size: number; mode: number } | null> {
  let pax: PaxRecords | null = null
  let longName: string | null = null
  while (true) {
    const block = await reader.take(blockSize)
    if (block.every((byte) => byte === 0)) {
      if (pax !== null || longName !== null) throw malformed(`${archive} ends after an extension header`)
      return null
    }
    const header = decodeTarHeader(block)
    if (header.type === '0' || header.type === '\0') {
      return { name: pax?.path ?? longName ?? header.name, size: pax?.size ?? header.size, mode: header.mode }
    }
    if (header.type !== 'x' && header.type !== 'L') throw refusedMember(archive, header.name, header.type)
    if (pax !== null || longName !== null) throw malformed(`${archive} has two extension headers in a row`)
    if (header.size > maxExtensionBytes) {
      throw limited(`${archive} has an extension header of ${header.size} bytes; ${maxExtensionBytes} are allowed`)
    }
    const body = await reader.take(header.size)
    await reader.skip(paddingOf(header.size))
    if (header.type === 'x') pax = decodePax(body)
    else longName = decodeUtf8(body.at(-1) === 0 ? body.subarray(0, -1) : body, 'a long name')
  }
}

/** The bytes before a member's content. `name` must be safe; times and owner are fixed. */
export function tarMemberHeader(name: string, size: number, mode = 0o600): Uint8Array {
  return encodeTarHeader(requireSafeName(name), size, mode)
}

/** The bytes after a member's content. */
export function tarMemberPadding(size: number): Uint8Array {
  return new Uint8Array(paddingOf(size))
}

export function tarEnd(): Uint8Array {
  return new Uint8Array(2 * blockSize)
}

/** A whole member that is small enough to be held. */
export function tarMember(name: string, content: Uint8Array, mode = 0o600): Uint8Array {
  return Buffer.concat([tarMemberHeader(name, content.length, mode), content, tarMemberPadding(content.length)])
}

async function requireZeros(reader: BoundedReader, length: number, what: string): Promise<void> {
  if (length === 0) return
  const bytes = await reader.take(length)
  if (bytes.some((byte) => byte !== 0)) throw malformed(`${what} is not zero`)
}

async function requireOnlyZerosLeft(reader: BoundedReader, archive: string): Promise<void> {
  const start = reader.position
  while (!(await reader.atEnd())) {
    if (reader.position - start >= maxTrailingBytes) throw limited(`${archive} goes on long after its end`)
    await requireZeros(reader, blockSize, `${archive}: what follows its end`)
  }
}

function refusedMember(archive: string, name: string, type: string): Fault {
  const what = refusedTypes[type] ?? `of unknown type ${JSON.stringify(type)}`
  return new Fault(
    'refused',
    'formats.member_type',
    `${archive}: ${JSON.stringify(name)} is ${what}; only regular files are accepted`,
  )
}

function limited(message: string): Fault {
  return new Fault('limited', 'formats.too_large', message)
}

function malformed(message: string): Fault {
  return new Fault('malformed', 'formats.tar_malformed', message)
}
