import { Fault } from '@holdfast/kernel'
import { z } from 'zod'
import type { DeviceReport, Report } from '../../domains/deployments/index.ts'

export const feedbackLimit = 256 * 1024
const maxMessages = 50

/** What clients send, which is less than the documentation says: ids as numbers or text, times without zone or not at all. */
export const Feedback = z.object({
  status: z.object({
    execution: z.enum([
      'closed',
      'proceeding',
      'scheduled',
      'resumed',
      'download',
      'downloaded',
      'rejected',
      'canceled',
    ]),
    result: z
      .object({
        finished: z.enum(['success', 'failure', 'none']).default('none'),
        progress: z.object({ cnt: z.number().optional(), of: z.number().optional() }).nullish(),
      })
      .default({ finished: 'none' }),
    code: z.number().nullish(),
    details: z.array(z.string()).nullish(),
  }),
})

export type Feedback = z.output<typeof Feedback>

/** What SWUpdate closes an action with that it was told not to install yet; it has not even downloaded. */
const skipped = 'Skipped Update.'

/** What a feedback on a deployment means. No `report`: nothing has changed but the words. */
export function decideReport({ status }: Feedback): DeviceReport {
  const messages = wordsOf(status)
  const meaning = messages.includes(skipped) ? undefined : meaningOf(status)
  if (meaning === undefined) return { messages }
  const progress = progressOf(status)
  const [only] = messages
  const report: Report = {
    status: meaning,
    ...(messages.length === 1 && only !== undefined ? { substate: only.slice(0, 200) } : {}),
    ...(progress === undefined ? {} : { progress }),
  }
  return messages.length > 1 ? { report, messages } : { report }
}

/** What a feedback on a cancellation means. `canceled` is meant well, though only `closed` is documented. */
export function decideCancelReport({ status }: Feedback): DeviceReport {
  const messages = wordsOf(status)
  if (status.execution !== 'closed' && status.execution !== 'canceled') return { messages }
  return { report: { status: status.result.finished === 'failure' ? 'failure' : 'aborted' }, messages }
}

/** SWUpdate reports a step before it has fetched anything: with nothing done it is still downloading. */
function meaningOf({ execution, result }: Feedback['status']): Report['status'] | undefined {
  switch (execution) {
    case 'closed':
      return result.finished === 'failure' ? 'failure' : 'success'
    case 'proceeding':
    case 'scheduled':
    case 'resumed':
      return result.progress?.cnt === 0 ? 'downloading' : 'installing'
    case 'download':
      return 'downloading'
    case 'downloaded':
      return 'downloaded'
    case 'canceled':
      return 'aborted'
    case 'rejected':
      return undefined
  }
}

function progressOf({ result }: Feedback['status']): { done: number; of: number } | undefined {
  const { cnt, of } = result.progress ?? {}
  return cnt === undefined || of === undefined || of <= 0 || cnt < 0 || cnt > of ? undefined : { done: cnt, of }
}

function wordsOf({ details, code }: Feedback['status']): string[] {
  const words = (details ?? []).filter((line) => line !== '').map((line) => line.slice(0, 2_000))
  if (words.length > maxMessages) {
    throw new Fault('limited', 'hawkbit.too_many_messages', `a feedback holds at most ${maxMessages} messages`)
  }
  return code === undefined || code === null || code === 200 ? words : [...words, `code ${code}`]
}
