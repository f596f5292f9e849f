import type { Query, QueryClient } from '@tanstack/react-query'
import { type LiveState, shareStream } from './shared-stream.ts'

/** Which answers an event about a kind of subject makes stale, by the first word of their keys. */
const touched: Readonly<Record<string, readonly string[]>> = {
  device: ['devices', 'overview', 'deployments'],
  group: ['groups', 'devices'],
  rule: ['devices'],
  authority: ['devices'],
  product: ['products', 'releases'],
  release: ['releases', 'overview', 'deployments'],
  artifact: ['releases'],
  deployment: ['deployments', 'overview'],
  configuration: ['devices'],
  organisation: ['people', 'session'],
  person: ['people', 'session'],
  people: ['people', 'session'],
  support_access: ['people'],
  invitation: ['people'],
  role: ['people'],
  token: ['people'],
}

const gatherFor = 300
/** A busy fleet changes all the time: the same screen is not asked for more often than this. */
const atMostEvery = 1_500
/** A list that was scrolled far is not fetched again whole for every change; it is when somebody returns to it. */
const longList = 3
const pollEvery = 10_000

let state: LiveState = 'reconnecting'
const watchers = new Set<() => void>()

export function watchLive(onChange: () => void): () => void {
  watchers.add(onChange)
  return () => watchers.delete(onChange)
}

export function liveState(): LiveState {
  return state
}

function become(next: LiveState): void {
  if (state === next) return
  state = next
  for (const watcher of watchers) watcher()
}

/**
 * Keeps answers fresh: events of the server make what they touch stale, gathered so that a busy fleet asks at most a few
 * times a second. While the stream is broken, everything in view is asked again every ten seconds. Answers how to stop.
 */
export function followEvents(queries: QueryClient): () => void {
  const stale = new Set<string>()
  let timer: number | undefined
  let refreshedAt = 0
  const refresh = (): void => {
    timer = undefined
    refreshedAt = Date.now()
    for (const domain of stale) {
      void queries.invalidateQueries({ queryKey: [domain], predicate: (query) => !isLong(query) })
      void queries.invalidateQueries({ queryKey: [domain], predicate: isLong, refetchType: 'none' })
    }
    stale.clear()
  }
  const stop = shareStream({
    onState(next) {
      if (next === 'live' && state !== 'live') void queries.invalidateQueries({ refetchType: 'active' })
      become(next)
    },
    onEvent(data) {
      for (const domain of domainsOf(data)) stale.add(domain)
      timer ??= window.setTimeout(refresh, Math.max(gatherFor, refreshedAt + atMostEvery - Date.now()))
    },
  })
  const poll = window.setInterval(() => {
    if (state === 'reconnecting') void queries.invalidateQueries({ refetchType: 'active' })
  }, pollEvery)
  return () => {
    stop()
    window.clearInterval(poll)
    window.clearTimeout(timer)
    become('reconnecting')
  }
}

function isLong(query: Query): boolean {
  const data = query.state.data as { pages?: unknown[] } | undefined
  return (data?.pages?.length ?? 0) > longList
}

function domainsOf(data: string): readonly string[] {
  try {
    const event = JSON.parse(data) as { subject?: { kind?: string } }
    return [...(touched[event.subject?.kind ?? ''] ?? []), 'audit']
  } catch {
    return []
  }
}
