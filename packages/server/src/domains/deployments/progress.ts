import { type Clock, Fault } from '@holdfast/kernel'
import { systemActor } from '../../platform/actor.ts'
import type { Database, Tx } from '../../platform/db/index.ts'
import type { Job } from '../../platform/jobs/jobs.ts'
import { record } from '../audit/index.ts'
import type { ActiveIndex } from './active-index.ts'
import { advance, isDue, start } from './advance.ts'
import { hasEnded } from './deployment.ts'
import { halt } from './operations.ts'
import { findDeployment, type StoredDeployment, updateDeployment } from './store.ts'
import { deriveHealth, readTally } from './tally.ts'
import { findMembers, type Populations } from './target.ts'

export interface ProgressNeeds {
  readonly db: Database
  readonly clock: Clock
  readonly index: ActiveIndex
  readonly populations: Populations
  readonly onFailure: (thrown: unknown) => void
}

/** Reports of many devices within this time lead to one look at the deployment. */
const gathering = 50

export type Progress = ReturnType<typeof createProgress>

/** Moves deployments on: at their time, with the reports of their devices, and at their expiry. */
export function createProgress(needs: ProgressNeeds) {
  const { db, clock, index } = needs
  const waiting = new Map<string, NodeJS.Timeout>()
  const working = new Set<Promise<void>>()

  async function begin(id: string): Promise<void> {
    const stored = await findDeployment(db.read, id)
    if (stored === undefined || !isDue(stored, clock.now())) return
    const members = await findMembers(needs.populations, stored.organisation, stored.target, stored.product)
    await db.write(async (tx) => {
      const current = await findDeployment(tx, id)
      if (current === undefined || current.revision !== stored.revision) return
      const now = clock.now()
      const started = { ...start(current, members.count, now), devices: members.count }
      await updateDeployment(tx, started, members.encode())
      await noteStep(tx, current, started, now)
    })
  }

  /** A target that cannot be read any more, because its group is gone, ends the deployment instead of every tick. */
  async function beginOrHalt(id: string): Promise<void> {
    try {
      await begin(id)
    } catch (thrown) {
      if (!(thrown instanceof Fault) || thrown.kind === 'unavailable') throw thrown
      await db.write(async (tx) => {
        const stored = await findDeployment(tx, id)
        if (stored === undefined || stored.state !== 'scheduled') return
        const halted = halt(stored, thrown.message, clock.now())
        await updateDeployment(tx, halted)
        await noteStep(tx, stored, halted, clock.now())
      })
    }
  }

  /** Takes every step that is due. */
  async function evaluate(id: string): Promise<void> {
    const stored = await findDeployment(db.read, id)
    if (stored === undefined || hasEnded(stored)) return
    const tally = await readTally(db.read, stored)
    if (advance(stored, deriveHealth(stored, tally), clock.now()) !== stored) {
      await db.write((tx) => takeSteps(tx, id, clock.now()))
      await index.refresh(id)
    }
  }

  function run(work: Promise<void>): void {
    const guarded = work.catch(needs.onFailure).finally(() => working.delete(guarded))
    working.add(guarded)
  }

  const tick: Job = {
    name: 'deployments.advance',
    everyMilliseconds: 1_000,
    async run() {
      for (const { stored } of index.all()) {
        if (isDue(stored, clock.now())) {
          await beginOrHalt(stored.id)
          await index.refresh(stored.id)
        }
        if (!hasEnded(stored)) await evaluate(stored.id)
      }
    },
  }

  return {
    tick,
    evaluate,
    /** Looks at a deployment soon, once for many reports. */
    changed(id: string): void {
      if (waiting.has(id)) return
      waiting.set(
        id,
        setTimeout(() => {
          waiting.delete(id)
          run(evaluate(id))
        }, gathering).unref(),
      )
    },
    /** Looks at everything that was to be looked at, and resolves when that is done. */
    async settle(): Promise<void> {
      for (const [id, timer] of waiting) {
        clearTimeout(timer)
        waiting.delete(id)
        run(evaluate(id))
      }
      await Promise.all(working)
    },
  }
}

/** A population does not change while its deployment moves on, so there are at most two steps for each phase. */
async function takeSteps(tx: Tx, id: string, now: number): Promise<void> {
  let stored = await findDeployment(tx, id)
  if (stored === undefined) return
  const health = deriveHealth(stored, await readTally(tx, stored))
  const found = stored
  for (let steps = 0; steps <= stored.phases.length * 2; steps += 1) {
    const next: StoredDeployment = advance(stored, health, now)
    if (next === stored) break
    await noteStep(tx, stored, next, now)
    stored = next
  }
  if (stored !== found) await updateDeployment(tx, stored)
}

async function noteStep(tx: Tx, before: StoredDeployment, after: StoredDeployment, now: number): Promise<void> {
  const type =
    after.state !== before.state
      ? `deployment.${after.state === 'running' ? 'started' : after.state}`
      : after.phase !== before.phase
        ? 'deployment.phase_opened'
        : 'deployment.phase_passed'
  await record(tx, {
    organisation: after.organisation,
    type,
    subject: { kind: 'deployment', id: after.id },
    actor: systemActor('deployments'),
    at: now,
    detail: {
      phase: after.phase + 1,
      devices: after.devices,
      ...(after.reason === undefined ? {} : { reason: after.reason }),
    },
    before: { state: before.state, phase: before.phase },
    after: { state: after.state, phase: after.phase },
  })
}
