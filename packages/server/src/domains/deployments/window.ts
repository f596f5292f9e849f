import { day, Fault, type Instant, minute } from '@holdfast/kernel'

/** 1 is Monday, 7 is Sunday (ISO 8601). */
export type Weekday = 1 | 2 | 3 | 4 | 5 | 6 | 7

/** Open on `days` from `from` to `to`, wall-clock minutes of the day; `to` ≤ `from` means until the next day. */
export interface MaintenanceWindow {
  readonly days: readonly Weekday[]
  readonly from: number
  readonly to: number
  /** An IANA zone, for devices whose own is unknown. */
  readonly zone: string
}

export type WindowVerdict =
  | { readonly open: true; readonly until?: Instant }
  | { readonly open: false; readonly opensAt?: Instant }

const minutesPerDay = 1_440
const horizon = 9 * day

/**
 * Whether any window is open at `now` by the device's own wall clock, and the next change within nine days.
 * A minute that a change to summer time skips is never open; one that recurs in autumn is open both times.
 */
export function decideWindow(
  windows: readonly MaintenanceWindow[],
  deviceZone: string | undefined,
  now: Instant,
): WindowVerdict {
  const schedules = [...groupByZone(windows, deviceZone)].map(([zone, members]) => ({ zone, windows: members }))
  if (schedules.some((one) => isOpen(one.windows, now, offsetOf(one.zone, now)))) {
    let until = now
    for (let moved = true; moved && until < now + horizon; ) {
      const from = until
      for (const one of schedules) until = closingAfter(one.windows, one.zone, until, now + horizon)
      moved = until > from
    }
    return until >= now + horizon ? { open: true } : { open: true, until }
  }
  const openings = schedules.map((one) => openingAfter(one.windows, one.zone, now, now + horizon))
  const opensAt = Math.min(...openings)
  return opensAt >= now + horizon ? { open: false } : { open: false, opensAt }
}

export function verifyWindows(windows: readonly MaintenanceWindow[]): void {
  if (windows.length > 50) throw wrong('more than 50 windows', 'windows')
  windows.forEach((window, index) => {
    const at = `windows[${index}]`
    if (window.days.length === 0) throw wrong('a window needs at least one day', at)
    for (const value of [window.from, window.to]) {
      if (!Number.isSafeInteger(value) || value < 0 || value >= minutesPerDay) {
        throw wrong('a time is a minute of the day, 0 to 1439', at)
      }
    }
    if (!isZone(window.zone)) throw wrong(`no time zone is called ${window.zone}`, at)
  })
}

export function isZone(zone: string): boolean {
  return findFormat(zone) !== undefined
}

function groupByZone(windows: readonly MaintenanceWindow[], deviceZone: string | undefined) {
  const own = deviceZone !== undefined && isZone(deviceZone) ? deviceZone : undefined
  return Map.groupBy(windows, ({ zone }) => own ?? zone)
}

interface Stretch {
  readonly start: Instant
  readonly end: Instant
  /** Local wall clock minus UTC, the same throughout the stretch. */
  readonly offset: number
}

/** Cuts [start, end) where the zone changes its offset, so that arithmetic inside a piece needs no calendar. */
function* stretchesOf(zone: string, start: Instant, end: Instant): Generator<Stretch> {
  let from = start
  let offset = offsetOf(zone, from)
  for (let probe = from; probe < end; ) {
    const next = Math.min(probe + day, end)
    const after = offsetOf(zone, next)
    if (after !== offset) {
      const change = changeBetween(zone, probe, next, offset)
      yield { start: from, end: change, offset }
      from = change
      offset = offsetOf(zone, change)
      probe = change
    } else probe = next
  }
  if (from < end) yield { start: from, end, offset }
}

/** The first whole minute after `low` whose offset is no longer `offset`; zones change on whole minutes. */
function changeBetween(zone: string, low: Instant, high: Instant, offset: number): Instant {
  let before = Math.floor(low / minute)
  let after = Math.ceil(high / minute)
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2)
    if (offsetOf(zone, middle * minute) === offset) before = middle
    else after = middle
  }
  return after * minute
}

function openingAfter(windows: readonly MaintenanceWindow[], zone: string, now: Instant, end: Instant): Instant {
  for (const stretch of stretchesOf(zone, now, end)) {
    let first = Number.POSITIVE_INFINITY
    for (const [opens, closes] of spansWithin(windows, stretch)) {
      const start = Math.max(opens, stretch.start)
      if (start < Math.min(closes, stretch.end)) first = Math.min(first, start)
    }
    if (first < stretch.end) return first
  }
  return end
}

function closingAfter(windows: readonly MaintenanceWindow[], zone: string, now: Instant, end: Instant): Instant {
  for (const stretch of stretchesOf(zone, now, end)) {
    let until = stretch.start
    for (const [opens, closes] of spansWithin(windows, stretch)) if (opens <= until && closes > until) until = closes
    if (until < stretch.end) return until
  }
  return end
}

/** Every opening of every window that touches the stretch, in UTC, sorted by opening. */
function spansWithin(windows: readonly MaintenanceWindow[], { start, end, offset }: Stretch): [Instant, Instant][] {
  const spans: [Instant, Instant][] = []
  const lastDay = Math.floor((end + offset) / day)
  for (let date = Math.floor((start + offset) / day) - 1; date <= lastDay; date += 1) {
    for (const window of windows) {
      if (!window.days.includes(weekdayOf(date))) continue
      const opens = date * day + window.from * minute - offset
      spans.push([opens, opens + lengthOf(window) * minute])
    }
  }
  return spans.sort((a, b) => a[0] - b[0])
}

function isOpen(windows: readonly MaintenanceWindow[], now: Instant, offset: number): boolean {
  return spansWithin(windows, { start: now, end: now, offset }).some(([opens, closes]) => opens <= now && now < closes)
}

function lengthOf({ from, to }: MaintenanceWindow): number {
  return to > from ? to - from : to - from + minutesPerDay
}

/** 1970-01-01 was a Thursday. */
function weekdayOf(date: number): Weekday {
  return (((((date + 3) % 7) + 7) % 7) + 1) as Weekday
}

const formats = new Map<string, Intl.DateTimeFormat | undefined>()
const maxFormats = 1_000

function findFormat(zone: string): Intl.DateTimeFormat | undefined {
  if (formats.has(zone)) return formats.get(zone)
  let format: Intl.DateTimeFormat | undefined
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown
  }
  // NOTE: devices name their zones themselves; the bound keeps made-up names from filling the memory.
  if (formats.size >= maxFormats) formats.clear()
  formats.set(zone, format)
  return format
}

function offsetOf(zone: string, instant: Instant): number {
  const format = findFormat(zone)
  if (format === undefined) throw wrong(`no time zone is called ${zone}`, 'zone')
  const fields: Record<string, number> = {}
  for (const { type, value } of format.formatToParts(instant)) fields[type] = Number(value)
  const { year = 0, month = 1, day: date = 1, hour = 0, minute: minutes = 0, second = 0 } = fields
  return Date.UTC(year, month - 1, date, hour, minutes, second) - Math.floor(instant / 1_000) * 1_000
}

function wrong(message: string, at: string): Fault {
  return new Fault('malformed', 'deployments.bad_window', message, { at })
}
