import { Button } from './button.tsx'

interface Paged {
  hasNextPage: boolean
  isFetchingNextPage: boolean
  fetchNextPage: () => Promise<unknown>
}

/** The way to the next page of a list that is not scrolled by the thousand. */
export function More({ of }: { of: Paged }) {
  if (!of.hasNextPage) return null
  return (
    <div className="flex justify-center border-t border-line p-2">
      <Button size="small" busy={of.isFetchingNextPage} onClick={() => void of.fetchNextPage()}>
        Show more
      </Button>
    </div>
  )
}
