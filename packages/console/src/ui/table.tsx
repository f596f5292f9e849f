import type { ReactNode } from 'react'
import { classes } from './class-names.ts'
import { ScrollRegion } from './scroll-region.tsx'

export interface Column<T> {
  name: string
  cell: (row: T) => ReactNode
  /** Numbers stand right. */
  right?: boolean
  /** Left out on narrow screens, widest need first. */
  from?: 'sm' | 'md' | 'lg' | 'xl'
  className?: string
}

const hidden = {
  sm: 'max-sm:hidden',
  md: 'max-md:hidden',
  lg: 'max-lg:hidden',
  xl: 'max-xl:hidden',
}

/** A plain table for lists that fit in memory; it scrolls sideways inside itself, never the page. */
export function Table<T>({
  label,
  columns,
  rows,
  rowKey,
}: {
  label: string
  columns: readonly Column<T>[]
  rows: readonly T[]
  rowKey: (row: T) => string
}) {
  const place = (column: Column<T>): string =>
    classes(column.right === true ? 'text-right' : 'text-left', column.from !== undefined && hidden[column.from])
  return (
    <ScrollRegion aria-label={label}>
      <table aria-label={label} className="w-full border-collapse text-sm">
        <thead>
          <tr className="border-b border-line">
            {columns.map((column) => (
              <th
                key={column.name}
                scope="col"
                className={classes('label h-8 px-3 whitespace-nowrap first:pl-4 last:pr-4', place(column))}
              >
                {column.name.startsWith('(') ? (
                  <span className="sr-only">{column.name.slice(1, -1)}</span>
                ) : (
                  column.name
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)} className="border-b border-line last:border-0 hover:bg-raised/60">
              {columns.map((column) => (
                <td
                  key={column.name}
                  className={classes(
                    'h-9 px-3 py-1 first:pl-4 first:whitespace-nowrap last:pr-4',
                    place(column),
                    column.className,
                  )}
                >
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollRegion>
  )
}
