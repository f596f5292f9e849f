import type { Instant } from '@holdfast/kernel'

/** Something that happened, as consumers see it: an audit record that has its place in the order of all. */
export interface Event {
  /** Gapless and ascending over the whole installation. */
  readonly position: number
  readonly organisation: string
  readonly type: string
  readonly subject: { readonly kind: string; readonly id: string }
  readonly at: Instant
  readonly detail: Readonly<Record<string, unknown>>
}

/**
 * How what happened on any node reaches every node. The database is the truth: events are read from its log in order, at
 * least once each, so a lost wake-up loses nothing. Handlers must be quick and repeatable.
 */
export interface Bus {
  /** Sees every event from now on whose type begins with `prefix` (`device.`). Answers how to stop. */
  subscribe(prefix: string, handler: (event: Event) => void): () => void
  /** When the node last knew for certain that it had seen everything; caches of rights must not outlive this by a second. */
  caughtUpAt(): Instant
}
