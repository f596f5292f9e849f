import { classes } from './class-names.ts'
import { count, percent } from './format.ts'
import { type Tone, toneFill } from './tone.ts'

export interface Part {
  label: string
  value: number
  tone: Tone
  /** Told apart from a neighbour of the same tone by a lighter fill. */
  light?: boolean
}

/** One bar of several parts. Its text equivalent names every part; a part that exists is never thinner than 2 px. */
export function PartsBar({
  parts,
  of,
  label,
  tall,
  marker,
}: {
  parts: readonly Part[]
  of: number
  label: string
  tall?: boolean
  marker?: number
}) {
  const shown = parts.filter((part) => part.value > 0)
  const described = shown.map((part) => `${part.label} ${count(part.value)}`).join(', ')
  return (
    <div
      role="img"
      aria-label={`${label}: ${described === '' ? 'nothing yet' : described} of ${count(of)}`}
      className={classes(
        'relative flex w-full gap-px overflow-hidden rounded-sm bg-raised',
        tall === true ? 'h-4' : 'h-2',
      )}
    >
      {shown.map((part) => (
        <span
          key={part.label}
          title={`${part.label}: ${count(part.value)} (${percent(part.value, of)})`}
          style={{ width: `${String((part.value / Math.max(of, 1)) * 100)}%` }}
          className={classes(
            'h-full min-w-0.5 transition-[width] duration-300',
            toneFill[part.tone],
            part.light === true && 'opacity-55',
          )}
        />
      ))}
      {marker !== undefined && (
        <span aria-hidden className="absolute inset-y-0 w-px bg-ink" style={{ left: `${String(marker)}%` }} />
      )}
    </div>
  )
}

/** How far one thing has come. */
export function Progress({ done, of, label, tone = 'live' }: { done: number; of: number; label: string; tone?: Tone }) {
  const share = of === 0 ? 0 : Math.min(100, (done / of) * 100)
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(share)}
      className="h-2 w-full overflow-hidden rounded-sm bg-raised"
    >
      <div
        className={classes('h-full transition-[width] duration-200', toneFill[tone])}
        style={{ width: `${String(share)}%` }}
      />
    </div>
  )
}

export function Legend({ parts, of }: { parts: readonly Part[]; of: number }) {
  return (
    <ul className="flex flex-wrap gap-x-4 gap-y-1 text-xs text-muted">
      {parts
        .filter((part) => part.value > 0)
        .map((part) => (
          <li key={part.label} className="flex items-center gap-1.5">
            <span
              aria-hidden
              className={classes('size-2 rounded-xs', toneFill[part.tone], part.light === true && 'opacity-55')}
            />
            {part.label} <span className="numbers font-medium text-ink">{count(part.value)}</span>
            <span className="numbers text-faint">{percent(part.value, of)}</span>
          </li>
        ))}
    </ul>
  )
}
