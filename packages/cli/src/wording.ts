import { day, hour, minute } from '@holdfast/kernel'

/** `3 min ago`, for people; empty when it never happened. */
export function ago(time: string | undefined, now = Date.now()): string {
  if (time === undefined) return 'never'
  const passed = now - Date.parse(time)
  if (passed < 0) return `in ${span(-passed)}`
  return passed < minute ? 'just now' : `${span(passed)} ago`
}

export function span(milliseconds: number): string {
  if (milliseconds < minute) return `${Math.max(1, Math.round(milliseconds / 1000))} s`
  if (milliseconds < 2 * hour) return `${Math.round(milliseconds / minute)} min`
  if (milliseconds < 2 * day) return `${Math.round(milliseconds / hour)} h`
  return `${Math.round(milliseconds / day)} d`
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

export function bytes(size: number): string {
  let rest = size
  let unit = 0
  while (rest >= 1024 && unit < units.length - 1) {
    rest /= 1024
    unit += 1
  }
  return `${unit === 0 ? rest : rest.toFixed(1)} ${units[unit]}`
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`
}

/** The start of an id: enough for people, and commands take it back. */
export function short(id: string): string {
  return id.slice(0, 13)
}

/** How many single-character edits lie between two words; for “did you mean”. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1]
    for (const [j, other] of [...b].entries()) {
      next.push(Math.min((row[j] ?? 0) + (letter === other ? 0 : 1), (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}

/** The known word nearest to a mistyped one, if any is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((each) => ({ each, edits: distance(word.toLowerCase(), each.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits)
  const best = ranked[0]
  return best !== undefined && best.edits <= Math.max(1, Math.floor(word.length / 3)) ? best.each : undefined
}
