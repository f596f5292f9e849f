/** One measured thing beside what it is held against. */
export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** The same, measured in the same run on something bare. */
  readonly yardstick?: number
  readonly ratio?: number
  /** Absent: the figure only explains another one. */
  readonly goal?: string
  readonly ok?: boolean
}

export type Report = (figure: Figure) => void

/** A figure that must reach a share of its yardstick. */
export function atLeast(name: string, value: number, yardstick: number, share: number, unit: string): Figure {
  const ratio = value / yardstick
  return { name, value, unit, yardstick, ratio, goal: `≥ ${share} × the yardstick`, ok: ratio >= share }
}

/** A figure that must not be larger than some multiple of its yardstick. */
export function atMostTimes(name: string, value: number, yardstick: number, times: number, unit: string): Figure {
  const ratio = value / yardstick
  return { name, value, unit, yardstick, ratio, goal: `≤ ${times} × the yardstick`, ok: ratio <= times }
}

export function atMost(name: string, value: number, limit: number, unit: string): Figure {
  return { name, value, unit, goal: `≤ ${limit} ${unit}`, ok: value <= limit }
}

export function toJson({ name, value, unit, yardstick, ratio, goal, ok }: Figure): string {
  const none = null
  return JSON.stringify({
    name,
    value: rounded(value),
    unit,
    yardstick: yardstick === undefined ? none : rounded(yardstick),
    ratio: ratio === undefined ? none : rounded(ratio),
    goal: goal ?? none,
    ok: ok ?? none,
  })
}

export function toLine({ name, value, unit, yardstick, ratio, goal, ok }: Figure): string {
  const beside = yardstick === undefined ? '' : `yardstick ${shown(yardstick)}, ratio ${shown(ratio ?? 0)}`
  const verdict = ok === undefined ? '' : ok ? 'ok' : 'MISSED'
  return [name.padEnd(34), `${shown(value)} ${unit}`.padEnd(26), beside.padEnd(34), (goal ?? '').padEnd(22), verdict]
    .join(' ')
    .trimEnd()
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5)
}

/** The smallest value that `share` of all do not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(sorted.length * share) - 1))] ?? Number.NaN
}

function rounded(value: number): number {
  return Number(value.toPrecision(4))
}

function shown(value: number): string {
  return value >= 1_000 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)))
}
