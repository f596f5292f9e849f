import type { ReactNode } from 'react'

/** Facts: name and value, two columns where there is room. */
export function KeyValues({ items }: { items: readonly (readonly [name: string, value: ReactNode] | undefined)[] }) {
  return (
    <dl className="grid grid-cols-[minmax(7rem,max-content)_minmax(0,1fr)] gap-x-5 gap-y-1.5 text-sm">
      {items.map(
        (item) =>
          item !== undefined && (
            <div key={item[0]} className="col-span-2 grid grid-cols-subgrid items-baseline">
              <dt className="text-muted">{item[0]}</dt>
              <dd className="min-w-0 break-words">{item[1]}</dd>
            </div>
          ),
      )}
    </dl>
  )
}
