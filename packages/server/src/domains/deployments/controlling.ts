import { type Clock, Fault } from '@holdfast/kernel'
import type { Actor } from '../../platform/actor.ts'
import type { Database, Tx } from '../../platform/db/index.ts'
import { record } from '../audit/index.ts'
import type { ActiveIndex } from './active-index.ts'
import { hasEnded } from './deployment.ts'
import { findRow, putRow, type StoredRow } from './device-store.ts'
import * as operations from './operations.ts'
import { waitingAt, writeStep } from './reporting.ts'
import { findDeployment, listDeployments, type StoredDeployment, updateDeployment } from './store.ts'

export interface ControllingNeeds {
  readonly db: Database
  readonly clock: Clock
  readonly index: ActiveIndex
}

/** Who acts, in which organisation. */
export interface Acting {
  readonly actor: Actor
  readonly organisation: string
}

export function createControlling({ db, clock, index }: ControllingNeeds) {
  /** Applies an operation to a deployment and writes its audit record; an operation that changes nothing writes nothing. */
  async function apply(
    acting: Acting,
    id: string,
    type: string,
    operation: (deployment: StoredDeployment, now: number) => StoredDeployment,
    detail: Record<string, string | number> = {},
  ): Promise<void> {
    await db.write(async (tx) => {
      const stored = await requireStored(tx, acting.organisation, id)
      await change(tx, acting, stored, operation(stored, clock.now()), type, detail, clock.now())
    })
    await index.refresh(id)
  }

  async function changeRow(
    acting: Acting,
    id: string,
    device: string,
    type: string,
    operation: (tx: Tx, deployment: StoredDeployment, row: StoredRow, now: number) => Promise<void>,
  ): Promise<void> {
    const now = clock.now()
    await db.write(async (tx) => {
      const deployment = await requireStored(tx, acting.organisation, id)
      const row = await findRow(tx, device, id)
      if (row === undefined) throw new Fault('missing', 'deployments.not_given', 'the device was never given it')
      await operation(tx, deployment, row, now)
      await note(tx, acting, deployment, type, { device }, now)
    })
    await index.refresh(id)
  }

  return {
    pause: (acting: Acting, id: string) => apply(acting, id, 'deployment.paused', (one) => operations.pause(one)),
    resume: (acting: Acting, id: string) => apply(acting, id, 'deployment.resumed', (one) => operations.resume(one)),
    abort: (acting: Acting, id: string, reason: string) =>
      apply(acting, id, 'deployment.aborted', (one, now) => operations.abort(one, reason, now), { reason }),
    force: (acting: Acting, id: string) => apply(acting, id, 'deployment.forced', (one) => operations.force(one)),
    install: (acting: Acting, id: string) =>
      apply(acting, id, 'deployment.install_released', (one, now) => operations.releaseInstall(one, now)),
    openPhase: (acting: Acting, id: string, phase: number) =>
      apply(acting, id, 'deployment.phase_opened', (one, now) => operations.openByHand(one, phase - 1, now), { phase }),
    extend: (acting: Acting, id: string, expiresAt: number) =>
      apply(acting, id, 'deployment.extended', (one, now) => {
        const policyInput = { ...one.policyInput, expiresAt: new Date(expiresAt).toISOString() }
        return { ...operations.extend(one, expiresAt, now), policyInput }
      }),
    /** Halts every deployment of a release that must not reach devices any more. */
    async haltRelease(acting: Acting, release: string, reason: string): Promise<void> {
      for (const { stored } of index.all()) {
        if (stored.release !== release || stored.organisation !== acting.organisation || hasEnded(stored)) continue
        try {
          await apply(acting, stored.id, 'deployment.halted', (one, now) => operations.halt(one, reason, now), {
            reason,
          })
        } catch (thrown) {
          // Another node was quicker, or it ended by itself.
          if (!(thrown instanceof Fault) || thrown.kind !== 'conflict') throw thrown
        }
      }
    },
    /** One command that stops everything; answers how many deployments it stopped. */
    async abortAll(acting: Acting, reason: string): Promise<number> {
      const ids = await db.write(async (tx) => {
        const all = await listDeployments(tx, {
          organisation: acting.organisation,
          states: ['scheduled', 'running', 'paused', 'halted'],
          limit: 100_000,
        })
        const now = clock.now()
        for (const stored of all) {
          const next = operations.abort(stored, reason, now)
          await change(tx, acting, stored, next, 'deployment.aborted', { reason }, now)
        }
        return all.map(({ id }) => id)
      })
      for (const id of ids) await index.refresh(id)
      return ids.length
    },

    /** Lets one device pass the point at which it waits, or confirms in its place. */
    letContinue: (acting: Acting, id: string, device: string) =>
      changeRow(acting, id, device, 'deployment.device_let_continue', async (tx, deployment, row, now) => {
        if (deployment.state !== 'running') {
          throw new Fault('conflict', 'deployments.not_running', `the deployment is ${deployment.state}`)
        }
        const point = waitingAt(row)
        if (point !== undefined)
          await putRow(tx, { ...row, passed: [...new Set([...row.passed, point])], updatedAt: now })
        else if (row.status === 'pending' && (row.confirmation === 'open' || row.confirmation === 'denied')) {
          await putRow(tx, { ...row, confirmation: 'confirmed', updatedAt: now })
        } else throw new Fault('conflict', 'deployments.not_waiting', `the device does not wait, it is ${row.status}`)
      }),

    /** Gives a device that failed one more attempt at once. */
    retry: (acting: Acting, id: string, device: string) =>
      changeRow(acting, id, device, 'deployment.device_retried', async (tx, deployment, row, now) => {
        if (row.status !== 'failure' && row.status !== 'aborted') {
          throw new Fault('conflict', 'deployments.not_failed', `the device has not failed, it is ${row.status}`)
        }
        const open = operations.reopen(deployment)
        if (open !== deployment) await change(tx, acting, deployment, open, 'deployment.reopened', { device }, now)
        const { substate: _, progress: __, ...kept } = row
        const next: StoredRow = { ...kept, status: 'pending', attempt: row.attempt + 1, since: now }
        await writeStep(tx, acting.actor, deployment, row, next, ['an operator lets it try again'], now)
      }),
  }
}

export async function requireStored(tx: Database['read'], organisation: string, id: string): Promise<StoredDeployment> {
  const stored = await findDeployment(tx, id)
  if (stored === undefined || stored.organisation !== organisation) {
    throw new Fault('missing', 'deployments.missing', 'there is no such deployment')
  }
  return stored
}

export async function change(
  tx: Tx,
  acting: Acting,
  before: StoredDeployment,
  after: StoredDeployment,
  type: string,
  detail: Record<string, string | number>,
  now: number,
): Promise<void> {
  await updateDeployment(tx, after)
  await record(tx, {
    organisation: before.organisation,
    type,
    subject: { kind: 'deployment', id: before.id },
    actor: acting.actor,
    at: now,
    detail: { name: before.name, ...detail },
    before: {
      state: before.state,
      phase: before.phase,
      force: before.force,
      policy: JSON.stringify(before.policyInput),
    },
    after: { state: after.state, phase: after.phase, force: after.force, policy: JSON.stringify(after.policyInput) },
  })
}

function note(
  tx: Tx,
  { actor }: Acting,
  { organisation, id }: StoredDeployment,
  type: string,
  detail: Record<string, string | number>,
  at: number,
): Promise<void> {
  return record(tx, { organisation, type, subject: { kind: 'deployment', id }, actor, at, detail })
}
