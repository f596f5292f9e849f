import { useQueryClient } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import type { Me } from '../../api/client.ts'
import { ask } from '../../api/questions.ts'

/** What follows a sign-in: nothing of an earlier session stays in memory, then on to where somebody wanted to go. */
export function useEnter(): (me: Me, next?: string) => Promise<void> {
  const queries = useQueryClient()
  const router = useRouter()
  return async (me, next) => {
    queries.clear()
    queries.setQueryData(ask.me().queryKey, me)
    // Only a path of this console: never another site's address.
    const path = next !== undefined && /^\/(?![/\\])/.test(next) ? next : '/'
    router.history.push(path)
  }
}
