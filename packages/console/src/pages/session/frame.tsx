import { type ReactNode, useEffect } from 'react'
import { Mark } from '../../app/mark.tsx'

/** The pages before signing in: one narrow column. */
export function Frame({ title, lead, children }: { title: string; lead?: ReactNode; children: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · Holdfast`
  }, [title])
  return (
    <main className="grid min-h-dvh content-start justify-items-center px-4 py-[9vh]">
      <div className="grid w-full max-w-sm gap-5">
        <Mark />
        <div className="panel grid gap-4 p-5">
          <header className="grid gap-1">
            <h1 className="text-lg">{title}</h1>
            {lead !== undefined && <p className="text-muted">{lead}</p>}
          </header>
          {children}
        </div>
      </div>
    </main>
  )
}

/** The secret of a one-time link: behind the #, so that it reaches no server's log. */
export function secretOfLink(): string {
  return decodeURIComponent(window.location.hash.replace(/^#/, ''))
}
