import { Fault, messageOf } from '@holdfast/kernel'
import { CircleAlert, CircleCheck, X } from 'lucide-react'
import { useSyncExternalStore } from 'react'
import { Button } from './button.tsx'
import { sentence } from './fault-note.tsx'

interface Note {
  readonly id: number
  readonly kind: 'done' | 'fault'
  readonly text: string
  readonly code?: string
}

let notes: readonly Note[] = []
let spoken = ''
let lastId = 0
const watchers = new Set<() => void>()

function change(next: readonly Note[]): void {
  notes = next
  for (const watcher of watchers) watcher()
}

function add(note: Omit<Note, 'id'>, seconds: number): void {
  lastId += 1
  const id = lastId
  change([...notes.slice(-3), { ...note, id }])
  window.setTimeout(() => change(notes.filter((other) => other.id !== id)), seconds * 1_000)
}

export function tellDone(text: string): void {
  add({ kind: 'done', text }, 5)
}

export function tellFault(thrown: unknown): void {
  const code = thrown instanceof Fault ? { code: thrown.code } : {}
  add({ kind: 'fault', text: sentence(messageOf(thrown)), ...code }, 12)
}

/** Says something to screen readers only. */
export function announce(text: string): void {
  spoken = text
  for (const watcher of watchers) watcher()
}

function watch(onChange: () => void): () => void {
  watchers.add(onChange)
  return () => watchers.delete(onChange)
}

export function Toasts() {
  const current = useSyncExternalStore(watch, () => notes)
  const words = useSyncExternalStore(watch, () => spoken)
  return (
    <section
      aria-label="Notifications"
      className="pointer-events-none fixed right-0 bottom-0 z-[60] grid w-full max-w-md gap-2 p-3"
    >
      <p className="sr-only" role="status">
        {words}
      </p>
      <div role="log" aria-live="polite" className="grid gap-2">
        {current.map((note) => (
          <div key={note.id} className="panel pointer-events-auto flex items-start gap-2.5 px-3 py-2 shadow-(--shadow)">
            {note.kind === 'done' ? (
              <CircleCheck aria-hidden className="mt-0.5 size-4 shrink-0 text-holds" />
            ) : (
              <CircleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-failing" />
            )}
            <div className="min-w-0 flex-1">
              <p className="break-words">{note.text}</p>
              {note.code !== undefined && <code className="text-xs text-muted">{note.code}</code>}
            </div>
            <Button
              look="quiet"
              size="tiny"
              icon={X}
              aria-label="Dismiss"
              onClick={() => change(notes.filter((other) => other.id !== note.id))}
            />
          </div>
        ))}
      </div>
    </section>
  )
}
