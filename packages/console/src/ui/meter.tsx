import { count, percent } from './format.ts'

/** A ranking: label, bar relative to the whole, number. A list, so that it reads without its bars. */
export function Ranking({
  items,
  of,
  empty,
}: {
  items: readonly { label: string; value: number; to?: React.ReactNode }[]
  of: number
  empty: string
}) {
  if (items.length === 0) return <p className="px-4 py-6 text-center text-muted">{empty}</p>
  return (
    <ul className="grid gap-2.5 px-4 py-3">
      {items.map((item) => (
        <li key={item.label} className="grid gap-1">
          <div className="flex items-baseline justify-between gap-3">
            <span className="min-w-0 truncate font-mono text-xs">{item.to ?? item.label}</span>
            <span className="numbers shrink-0 text-xs text-muted">
              <span className="font-medium text-ink">{count(item.value)}</span> · {percent(item.value, of)}
            </span>
          </div>
          <div aria-hidden className="h-1.5 overflow-hidden rounded-sm bg-raised">
            <div
              className="h-full bg-live-fill"
              style={{ width: `${String((item.value / Math.max(of, 1)) * 100)}%` }}
            />
          </div>
        </li>
      ))}
    </ul>
  )
}
