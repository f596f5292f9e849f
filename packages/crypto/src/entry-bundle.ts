import { Fault } from '@holdfast/kernel'
import { concat } from './bytes.ts'
import { tileWidth } from './tile-path.ts'

export const maxEntryBytes = 0xffff

/** C2SP tlog-tiles entry bundle: up to 256 entries, each behind its length in two bytes. */
export function writeEntryBundle(entries: readonly Uint8Array[]): Uint8Array {
  if (entries.length > tileWidth) throw badBundle(`more than ${tileWidth} entries`)
  return concat(
    ...entries.flatMap((entry) => {
      if (entry.length > maxEntryBytes) throw badBundle(`an entry larger than ${maxEntryBytes} bytes`)
      return [Uint8Array.of(entry.length >> 8, entry.length & 0xff), entry]
    }),
  )
}

/** The entries of a bundle, as views; `width` is how many there must be. */
export function readEntryBundle(bundle: Uint8Array, width: number): Uint8Array[] {
  const entries: Uint8Array[] = []
  let at = 0
  while (at < bundle.length) {
    const length = (bundle[at] ?? 0) * 256 + (bundle[at + 1] ?? 0)
    const end = at + 2 + length
    if (end > bundle.length || entries.length === width) throw badBundle('it does not hold what it should')
    entries.push(bundle.subarray(at + 2, end))
    at = end
  }
  if (entries.length !== width) throw badBundle(`it holds ${entries.length} entries, not ${width}`)
  return entries
}

function badBundle(message: string): Fault {
  return new Fault('malformed', 'crypto.bad_entry_bundle', `entry bundle: ${message}`)
}
