const whole = new Intl.NumberFormat('en')
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })

export function count(value: number): string {
  return whole.format(value)
}

export function shortCount(value: number): string {
  return value < 10_000 ? whole.format(value) : compact.format(value)
}

export function plural(value: number, noun: string, many = `${noun}s`): string {
  return `${count(value)} ${value === 1 ? noun : many}`
}

/** A share for people: never rounds something up to everything, nor down to nothing. */
export function percent(part: number, whole: number): string {
  if (whole === 0) return '–'
  const share = (part / whole) * 100
  if (share > 0 && share < 1) return '< 1 %'
  if (share < 100 && share > 99) return '> 99 %'
  return `${Math.round(share)} %`
}

export function bytes(size: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = size
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}

const exact = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'long' })
const day = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium' })

export function exactTime(at: string): string {
  return exact.format(new Date(at))
}

function dayOf(at: string): string {
  return day.format(new Date(at))
}

const steps: readonly [limit: number, divisor: number, unit: string][] = [
  [60, 1, 's'],
  [3_600, 60, 'min'],
  [86_400, 3_600, 'h'],
  [86_400 * 45, 86_400, 'd'],
]

/** `12 s ago`, `in 3 h`; beyond 45 days the date. */
export function relativeTime(at: string, now: number): string {
  const seconds = Math.round((new Date(at).getTime() - now) / 1_000)
  const distance = Math.abs(seconds)
  if (distance < 3) return 'now'
  const step = steps.find(([limit]) => distance < limit)
  if (step === undefined) return dayOf(at)
  const amount = `${Math.floor(distance / step[1])} ${step[2]}`
  return seconds < 0 ? `${amount} ago` : `in ${amount}`
}

/** The end of an id: ids of one moment begin alike. */
export function shortId(id: string): string {
  return `…${id.slice(-8)}`
}

/** What people call a device: its name, or else the first thing by which it identifies itself. */
export function deviceName(device: { id: string; name: string; identity?: Readonly<Record<string, unknown>> }): string {
  if (device.name !== '') return device.name
  const first = Object.values(device.identity ?? {})[0]
  return first === undefined ? shortId(device.id) : valueText(first)
}

/** A status or role as people read it. */
export function words(name: string): string {
  const text = name.replaceAll('_', ' ')
  return text.charAt(0).toUpperCase() + text.slice(1)
}

export function valueText(value: unknown): string {
  if (value === undefined || value === null) return '—'
  return typeof value === 'string'
    ? value
    : Array.isArray(value)
      ? value.map(valueText).join(', ')
      : JSON.stringify(value)
}
