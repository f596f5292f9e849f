import { useNavigate } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { Dialog } from '../ui/dialog.tsx'
import { type Place, places } from './places.ts'

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
}

const sequenceWithin = 1_200

/** The keys of the whole console. Single keys are silent while somebody types. */
export function useShortcuts(on: { palette: () => void; help: () => void }): void {
  const navigate = useNavigate()
  const handlers = useRef(on)
  handlers.current = on
  useEffect(() => {
    let wentAt = 0
    function onKey(event: KeyboardEvent): void {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault()
        handlers.current.palette()
        return
      }
      if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return
      if (document.querySelector('[role="dialog"]') !== null) return
      const place = Date.now() - wentAt < sequenceWithin ? places.find((known) => known.key === event.key) : undefined
      wentAt = event.key === 'g' && place === undefined ? Date.now() : 0
      if (place !== undefined) {
        event.preventDefault()
        void navigate({ to: place.to })
      } else if (event.key === '/') {
        const search = document.querySelector<HTMLElement>('[data-search]')
        if (search === null) handlers.current.palette()
        else search.focus()
        event.preventDefault()
      } else if (event.key === '?') {
        handlers.current.help()
      }
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [navigate])
}

function Keys({ keys }: { keys: readonly string[] }) {
  return (
    <span className="flex gap-1">
      {keys.map((key) => (
        <kbd key={key} className="min-w-6 rounded border border-line-strong/60 bg-raised px-1.5 text-center text-xs">
          {key}
        </kbd>
      ))}
    </span>
  )
}

const general: readonly [string, readonly string[]][] = [
  ['Command palette', ['Ctrl', 'K']],
  ['Focus search or filter', ['/']],
  ['These keys', ['?']],
  ['Next and previous row', ['j', 'k']],
  ['Choose a row', ['x']],
  ['Open a row', ['Enter']],
]

export function ShortcutHelp({
  open,
  onClose,
  allowed,
}: {
  open: boolean
  onClose: () => void
  allowed: readonly Place[]
}) {
  const rows: readonly [string, readonly string[]][] = [
    ...general,
    ...allowed.map((place): [string, readonly string[]] => [`Go to ${place.label}`, ['g', place.key]]),
  ]
  return (
    <Dialog open={open} onClose={onClose} title="Keys">
      <dl className="grid gap-x-8 gap-y-2 sm:grid-cols-2">
        {rows.map(([what, keys]) => (
          <div key={what} className="flex items-center justify-between gap-3">
            <dt>{what}</dt>
            <dd>
              <Keys keys={keys} />
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  )
}
