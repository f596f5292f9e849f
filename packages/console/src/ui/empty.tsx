import type { LucideIcon } from 'lucide-react'
import type { ReactNode } from 'react'

/** Nothing here yet: says what would be here and how it comes. */
export function Empty({
  icon: Icon,
  title,
  children,
  action,
}: {
  icon: LucideIcon
  title: string
  children?: ReactNode
  action?: ReactNode
}) {
  return (
    <div className="mx-auto grid max-w-xl justify-items-center gap-2 px-4 py-12 text-center">
      <Icon aria-hidden className="size-6 text-faint" strokeWidth={1.5} />
      <h2 className="text-base">{title}</h2>
      {children !== undefined && <div className="grid gap-2 text-sm text-muted">{children}</div>}
      {action !== undefined && <div className="mt-2 flex flex-wrap justify-center gap-2">{action}</div>}
    </div>
  )
}
