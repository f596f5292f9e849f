import { useQueryClient } from '@tanstack/react-query'
import { useCallback } from 'react'
import { tellDone, tellFault } from '../ui/toast.tsx'

type Domain =
  | 'session'
  | 'people'
  | 'products'
  | 'devices'
  | 'groups'
  | 'releases'
  | 'deployments'
  | 'audit'
  | 'overview'
  | 'server'

/** After something was done: what it touched is asked again at once, and a word says that it is done. */
export function useRefresh(): (domains: readonly Domain[], word?: string) => Promise<void> {
  const queries = useQueryClient()
  return useCallback(
    async (domains, word) => {
      if (word !== undefined) tellDone(word)
      await Promise.all(
        [...domains, 'audit', 'overview'].map((domain) => queries.invalidateQueries({ queryKey: [domain] })),
      )
    },
    [queries],
  )
}

/** For acts without a form: does it, refreshes, and tells of success or of the fault. */
export function useAct(): (run: () => Promise<unknown>, domains: readonly Domain[], word: string) => Promise<void> {
  const refresh = useRefresh()
  return useCallback(
    async (run, domains, word) => {
      try {
        await run()
        await refresh(domains, word)
      } catch (thrown) {
        tellFault(thrown)
      }
    },
    [refresh],
  )
}
