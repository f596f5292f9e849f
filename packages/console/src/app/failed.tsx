import { messageOf } from '@holdfast/kernel'
import { type ErrorComponentProps, Link, useRouter } from '@tanstack/react-router'
import { FaultNote } from '../ui/fault-note.tsx'

/** A page that could not be drawn. A page of an older version asks for scripts that are gone: loading anew mends it. */
export function Failed({ error, reset }: ErrorComponentProps) {
  const router = useRouter()
  const outdated = /dynamically imported module|Importing a module script failed/.test(messageOf(error))
  return (
    <div className="mx-auto grid max-w-xl gap-3 p-6">
      <h1 className="text-xl">{outdated ? 'A new version is here' : 'This page failed'}</h1>
      <FaultNote
        fault={error}
        retry={() => {
          if (outdated) window.location.reload()
          reset()
          void router.invalidate()
        }}
      />
    </div>
  )
}

export function NotFound() {
  return (
    <div className="mx-auto grid max-w-xl gap-3 p-6">
      <h1 className="text-xl">Nothing is here</h1>
      <p className="text-muted">
        The address leads nowhere.{' '}
        <Link to="/" className="link">
          Go to the overview
        </Link>
      </p>
    </div>
  )
}
