import { useSyncExternalStore } from 'react'
import { exactTime, relativeTime } from './format.ts'
import { Tip } from './tooltip.tsx'

let now = Date.now()
const watchers = new Set<() => void>()
let timer: number | undefined

/** One clock for every relative time on the page; it stops when nobody looks. */
function watch(onTick: () => void): () => void {
  watchers.add(onTick)
  now = Date.now()
  timer ??= window.setInterval(() => {
    now = Date.now()
    for (const watcher of watchers) watcher()
  }, 5_000)
  return () => {
    watchers.delete(onTick)
    if (watchers.size > 0) return
    window.clearInterval(timer)
    timer = undefined
  }
}

export function Ago({ at, none = 'never' }: { at: string | undefined; none?: string }) {
  const current = useSyncExternalStore(watch, () => now)
  if (at === undefined) return <span className="text-faint">{none}</span>
  return (
    <Tip text={exactTime(at)}>
      <time dateTime={at} className="whitespace-nowrap">
        {relativeTime(at, Math.max(current, Date.now() - 5_000))}
      </time>
    </Tip>
  )
}
