import type { Instant } from '@holdfast/kernel'
import type { RetryPolicy } from './deployment.ts'

export type RetryVerdict =
  | { readonly kind: 'again'; readonly attempt: number }
  | { readonly kind: 'later'; readonly at: Instant }
  | { readonly kind: 'exhausted' }

/** What follows on the failure of attempt number `attempt` (from 1) at `failedAt`. */
export function decideRetry(policy: RetryPolicy, attempt: number, failedAt: Instant, now: Instant): RetryVerdict {
  if (attempt >= policy.maxAttempts) return { kind: 'exhausted' }
  const at = failedAt + backoffAfter(policy, attempt)
  return now >= at ? { kind: 'again', attempt: attempt + 1 } : { kind: 'later', at }
}

/** Milliseconds to wait after a failed attempt: doubles each time, up to the policy's maximum. */
export function backoffAfter({ backoff, maxBackoff }: RetryPolicy, attempt: number): number {
  return Math.min(maxBackoff, backoff * 2 ** Math.min(attempt - 1, 52))
}
