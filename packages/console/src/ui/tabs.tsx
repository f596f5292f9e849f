import { Link, type LinkProps } from '@tanstack/react-router'
import type { ReactNode } from 'react'

export interface TabLink {
  label: ReactNode
  to: NonNullable<LinkProps['to']>
  params?: LinkProps['params']
  exact?: boolean
}

/** Places side by side, each with its own address, so that they can be linked to and the back button works. */
export function TabLinks({ label, tabs }: { label: string; tabs: readonly TabLink[] }) {
  return (
    <nav aria-label={label} className="-mb-px flex gap-1 overflow-x-auto">
      {tabs.map((tab) => (
        <Link
          key={String(tab.to)}
          to={tab.to}
          {...(tab.params === undefined ? {} : { params: tab.params })}
          activeOptions={{ exact: tab.exact === true, includeSearch: false }}
          className="flex min-h-9 items-center gap-1.5 border-b-2 border-transparent px-2.5 text-sm whitespace-nowrap text-muted hover:text-ink aria-[current=page]:border-accent aria-[current=page]:font-medium aria-[current=page]:text-ink"
        >
          {tab.label}
        </Link>
      ))}
    </nav>
  )
}
