import { Link, type LinkProps } from '@tanstack/react-router'
import { ChevronRight } from 'lucide-react'
import { type ReactNode, useEffect } from 'react'
import { classes } from './class-names.ts'

interface PageProps {
  title: string
  /** What stands beside the title: a state, an id. */
  aside?: ReactNode
  actions?: ReactNode
  /** The list that this page belongs to. */
  up?: { label: string; to: NonNullable<LinkProps['to']> }
  tabs?: ReactNode
  children: ReactNode
  /** The page fills the window and scrolls inside, for long virtual lists. */
  fill?: boolean
}

export function Page({ title, aside, actions, up, tabs, children, fill }: PageProps) {
  useEffect(() => {
    document.title = `${title} · Holdfast`
  }, [title])
  return (
    <div className={classes('flex flex-col', fill === true && 'h-full min-h-0')}>
      <header className="border-b border-line bg-surface px-4 pt-3 sm:px-6">
        {up && (
          <nav aria-label="Breadcrumb" className="flex items-center gap-1 text-xs text-muted">
            <Link to={up.to} className="inline-flex min-h-6 items-center hover:text-ink hover:underline">
              {up.label}
            </Link>
            <ChevronRight aria-hidden className="size-3" />
          </nav>
        )}
        <div className="flex flex-wrap items-center gap-x-3 gap-y-2 pb-3">
          <h1 className="min-w-0 truncate text-xl">{title}</h1>
          {aside}
          {actions !== undefined && <div className="ml-auto flex flex-wrap items-center gap-2">{actions}</div>}
        </div>
        {tabs}
      </header>
      <div
        className={classes(
          'p-4 sm:p-6',
          fill === true ? 'flex min-h-0 flex-1 flex-col' : 'grid grid-cols-[minmax(0,1fr)] gap-5',
        )}
      >
        {children}
      </div>
    </div>
  )
}

/** One subject on a page. */
export function Panel({
  title,
  aside,
  actions,
  children,
  className,
  padded,
}: {
  title: string
  aside?: ReactNode
  actions?: ReactNode
  children: ReactNode
  className?: string
  padded?: boolean
}) {
  return (
    <section aria-label={title} className={classes('panel min-w-0', className)}>
      <header className="flex min-h-11 flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-4 py-1.5">
        <h2 className="text-sm">{title}</h2>
        {aside !== undefined && <span className="text-xs text-muted">{aside}</span>}
        {actions !== undefined && <div className="ml-auto flex flex-wrap items-center gap-2">{actions}</div>}
      </header>
      <div className={classes(padded === true && 'p-4')}>{children}</div>
    </section>
  )
}
