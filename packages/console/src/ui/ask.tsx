import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { FaultNote } from './fault-note.tsx'
import { Loading } from './skeleton.tsx'

/** What a question may come to: its answer, a wait, or a fault with a way to try again. */
export function Asked<T>({
  of,
  children,
  lines,
}: {
  of: UseQueryResult<T>
  children: (answer: T) => ReactNode
  lines?: number
}) {
  if (of.data !== undefined) return <>{children(of.data)}</>
  if (of.isError) {
    return (
      <div className="p-4">
        <FaultNote fault={of.error} retry={() => void of.refetch()} />
      </div>
    )
  }
  return <Loading lines={lines ?? 6} />
}
