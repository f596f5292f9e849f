import { classes } from './class-names.ts'

function Skeleton({ className }: { className?: string }) {
  return <div aria-hidden className={classes('animate-pulse rounded bg-raised', className)} />
}

const widths = ['w-3/5', 'w-2/5', 'w-4/5', 'w-1/2', 'w-2/3', 'w-1/3', 'w-3/4', 'w-1/2']

/** Lines where a list will be, with the word for those who do not see them. */
export function Loading({ lines = 6 }: { lines?: number }) {
  return (
    <div role="status" data-loading className="grid gap-3 p-4">
      <span className="sr-only">Loading</span>
      {widths.slice(0, lines).map((width, index) => (
        <Skeleton key={`${width}-${String(index)}`} className={`h-4 ${width}`} />
      ))}
    </div>
  )
}
