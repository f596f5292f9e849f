import { Fault } from '@holdfast/kernel'

const maxNameBytes = 255
const invisible = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u
const driveLetter = /^[A-Za-z]:/

/**
 * The name of an archive member that can be created below a directory and nowhere else: relative, `/` between
 * segments, no empty, `.` or `..` segment, nothing that another system reads as a separator or a drive.
 * Throws `formats.unsafe_name`.
 */
export function requireSafeName(name: string): string {
  const reason = whyUnsafe(name)
  if (reason !== null) {
    throw new Fault('refused', 'formats.unsafe_name', `the name ${JSON.stringify(shorten(name))} ${reason}`)
  }
  return name
}

/** As `requireSafeName`, and one segment only. */
export function requireSafeFileName(name: string): string {
  if (requireSafeName(name).includes('/')) {
    throw new Fault('refused', 'formats.unsafe_name', `the name ${JSON.stringify(shorten(name))} contains a directory`)
  }
  return name
}

function whyUnsafe(name: string): string | null {
  if (name === '') return 'is empty'
  if (Buffer.byteLength(name) > maxNameBytes) return `is longer than ${maxNameBytes} bytes`
  if (name.startsWith('/')) return 'is absolute'
  if (name.includes('\\')) return 'contains a backslash'
  if (driveLetter.test(name)) return 'begins with a drive letter'
  if (invisible.test(name)) return 'contains a control character'
  for (const segment of name.split('/')) {
    if (segment === '') return 'has an empty segment'
    if (segment === '.' || segment === '..') return `has a segment ${segment}`
  }
  return null
}

function shorten(name: string): string {
  return name.length > 80 ? `${name.slice(0, 80)}…` : name
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Text of a name or a document as it stands in a file; throws `formats.not_utf8`. */
export function decodeUtf8(bytes: Uint8Array, what: string): string {
  try {
    return strictUtf8.decode(bytes)
  } catch (cause) {
    throw new Fault('malformed', 'formats.not_utf8', `${what} is not valid UTF-8`, { cause })
  }
}

/**
 * Remembers the names of one archive and refuses two that could meet in one file system: equal, equal but for
 * case or Unicode composition, or one a directory of the other. Throws `formats.duplicate_name`.
 */
export class NameSet {
  readonly #files = new Set<string>()
  readonly #directories = new Set<string>()

  add(name: string): void {
    const folded = name.normalize('NFKC').toLowerCase()
    const segments = folded.split('/')
    const parents = segments.slice(1).map((_, index) => segments.slice(0, index + 1).join('/'))
    const collides =
      this.#files.has(folded) || this.#directories.has(folded) || parents.some((parent) => this.#files.has(parent))
    if (collides) {
      throw new Fault('refused', 'formats.duplicate_name', `the name ${JSON.stringify(name)} collides with another`)
    }
    this.#files.add(folded)
    for (const parent of parents) this.#directories.add(parent)
  }
}
