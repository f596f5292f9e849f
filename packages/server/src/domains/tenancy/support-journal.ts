import { type Clock, Fault, minute } from '@holdfast/kernel'
import type { Permission } from '@holdfast/protocol'
import type { Actor } from '../../platform/actor.ts'
import type { Database } from '../../platform/db/index.ts'
import { record } from '../audit/index.ts'

export interface SupportAct {
  readonly organisation: string
  readonly access: string
  readonly actor: Actor
  readonly permission: Permission
  readonly allowed: boolean
}

const readsOnceEvery = minute
const maxRemembered = 10_000

/**
 * Writes down what support looks at: every act that was denied, and each kind of reading once a minute. Support whose
 * acts cannot be written down gets no further: the next request waits for `settled`, which throws then.
 */
export function createSupportJournal({ db, clock }: { db: Database; clock: Clock }) {
  const lastRead = new Map<string, number>()
  let pending: Promise<void> = Promise.resolve()

  return {
    note(act: SupportAct): void {
      const at = clock.now()
      if (act.allowed) {
        const key = `${act.access} ${act.actor.id} ${act.permission}`
        if (at - (lastRead.get(key) ?? Number.NEGATIVE_INFINITY) < readsOnceEvery) return
        if (lastRead.size >= maxRemembered) lastRead.clear()
        lastRead.set(key, at)
      }
      const writing = db.write((tx) =>
        record(tx, {
          organisation: act.organisation,
          type: act.allowed ? 'people.support_read' : 'people.support_denied',
          subject: { kind: 'support_access', id: act.access },
          actor: act.actor,
          at,
          detail: { permission: act.permission },
        }),
      )
      const all = Promise.all([pending, writing]).then(() => {})
      // Whoever waits next sees the failure; until then it is nobody's unhandled rejection.
      all.catch(() => {})
      pending = all
    },
    async settled(): Promise<void> {
      const waited = pending
      try {
        await waited
      } catch (thrown) {
        if (pending === waited) pending = Promise.resolve()
        throw new Fault('unavailable', 'people.not_audited', 'acts of support cannot be recorded at the moment', {
          cause: thrown,
          retryAfter: 5,
        })
      }
    },
  }
}

export type SupportJournal = ReturnType<typeof createSupportJournal>
