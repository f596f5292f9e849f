import './quiet-zod.ts'
import { Fault } from '@holdfast/kernel'
import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { makeRouter } from './app/router.tsx'
import './ui/base.css'
import { Toasts } from './ui/toast.tsx'
import { TipRoom } from './ui/tooltip.tsx'

const queries = new QueryClient({
  queryCache: new QueryCache({ onError: leaveWhenSignedOut }),
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      retry: (attempt, thrown) =>
        attempt < 2 && (!(thrown instanceof Fault) || thrown.kind === 'unavailable' || thrown.kind === 'limited'),
      refetchOnWindowFocus: true,
    },
  },
})
const router = makeRouter(queries)

/** A session that ended while a page was open leads to signing in, and back. */
function leaveWhenSignedOut(thrown: unknown): void {
  if (!(thrown instanceof Fault) || thrown.kind !== 'unauthenticated') return
  const { pathname, href } = router.state.location
  if (/^\/(sign-in|setup|invitation|sso)/.test(pathname)) return
  queries.removeQueries({ queryKey: ['session', 'me'] })
  void router.navigate({ to: '/sign-in', search: href === '/' ? {} : { next: href } })
}

const place = document.getElementById('root')
if (place === null) throw new Error('index.html has no #root')
createRoot(place).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <TipRoom>
        <RouterProvider router={router} />
        <Toasts />
      </TipRoom>
    </QueryClientProvider>
  </StrictMode>,
)
