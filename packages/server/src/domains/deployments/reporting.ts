import { type Clock, Fault } from '@holdfast/kernel'
import type { Actor } from '../../platform/actor.ts'
import type { Database, Tx } from '../../platform/db/index.ts'
import type { Artifacts } from '../artifacts/index.ts'
import { record } from '../audit/index.ts'
import { actorOf, type DevicePrincipal, type Devices } from '../devices/index.ts'
import type { ActiveIndex } from './active-index.ts'
import { toLabel } from './asking.ts'
import type { PausePoint } from './deployment.ts'
import type { Assignment, DeploymentReference, DeviceDeployments, DeviceReport, LogLine } from './deployments.ts'
import { findRow, listHistory, putRow, type StoredRow } from './device-store.ts'
import { isActive, mustCancel, stateOf, takeReport } from './status.ts'
import { findDeployment, type StoredDeployment } from './store.ts'
import { figureOf, moveTally } from './tally.ts'
import * as timeline from './timeline.ts'

export interface ReportingNeeds {
  readonly db: Database
  readonly clock: Clock
  readonly artifacts: Artifacts
  readonly devices: Pick<Devices, 'recordProvides' | 'view'>
  readonly index: ActiveIndex
  /** Called after a commit that may move a deployment on. */
  readonly changed: (deployment: string) => void
  /** Takes every step that is due now. */
  readonly evaluate: (deployment: string) => Promise<void>
}

const longestMessage = 2_000
const longestLog = 4 * 1024 * 1024
const mostLogLines = 50_000

export type Reporting = ReturnType<typeof createReporting>

export function createReporting(needs: ReportingNeeds) {
  const { db, clock } = needs

  async function report(
    device: DevicePrincipal,
    reference: DeploymentReference,
    { report: step, messages = [] }: DeviceReport,
  ): Promise<void> {
    const known = await requireRow(db.read, device, reference)
    const now = clock.now()
    if (step === undefined && messages.length === 0) return
    const installed = step?.status === 'success' ? await findInstalledProvides(needs, device, known) : undefined
    const settled = await db.write(async (tx) => {
      const row = await requireRow(tx, device, known.deployment)
      const deployment = await requireDeployment(tx, row.deployment)
      const next = step === undefined ? row : takeReport(row, step, deployment.state, now)
      if (next === row && messages.length === 0) return undefined
      await writeStep(tx, actorOf(device), deployment, row, next, messages, now)
      if (next.status === row.status || isActive(next.status)) return undefined
      if (installed !== undefined) await devices.recordProvides(tx, device.number, installed)
      return next.status
    })
    if (settled === undefined) return
    // A limit of failures takes effect before the report that reaches it is acknowledged.
    if (settled === 'failure') await needs.evaluate(known.deployment).catch(() => needs.changed(known.deployment))
    else needs.changed(known.deployment)
  }

  const { devices } = needs

  const log: DeviceDeployments['log'] = async (device, reference, lines) => {
    if (lines.length > mostLogLines || sizeOf(lines) > longestLog) {
      throw new Fault('limited', 'deployments.log_too_large', `a log has at most ${mostLogLines} lines and 4 MiB`)
    }
    const now = clock.now()
    await db.write(async (tx) => {
      const row = await requireRow(tx, device, reference)
      await timeline.putLog(tx, row.deployment, row.device, now, lines)
      await putRow(tx, { ...row, hasLog: true, updatedAt: now })
      await note(tx, actorOf(device), row, 'deployment.device_log_received', now, { lines: lines.length })
    })
  }

  const confirm: DeviceDeployments['confirm'] = async (device, reference, verdict, message) => {
    const now = clock.now()
    await db.write(async (tx) => {
      const row = await requireRow(tx, device, reference)
      if (row.confirmation === verdict) return
      if (row.status !== 'pending' || row.confirmation === 'none' || row.confirmation === 'confirmed') {
        throw new Fault('conflict', 'deployments.nothing_to_confirm', 'the device has nothing to confirm any more')
      }
      const next: StoredRow = { ...row, confirmation: verdict, since: now, updatedAt: now, events: row.events + 1 }
      await putRow(tx, next)
      const text = message === undefined ? verdict : `${verdict}: ${message.slice(0, longestMessage)}`
      await timeline.addEvent(tx, row.deployment, row.device, { at: now, message: text })
      await note(tx, actorOf(device), row, `deployment.device_${verdict}`, now, {}, next)
    })
  }

  return {
    report,
    log,
    confirm,
    findAutoConfirmation: (device: DevicePrincipal) => timeline.findAutoConfirmation(db.read, device.device),

    setAutoConfirmation: async (device, wanted) => {
      const at = clock.now()
      await db.write(async (tx) => {
        const row = wanted === undefined ? undefined : { ...wanted, at }
        await timeline.putAutoConfirmation(tx, device.device, row)
        await record(tx, {
          organisation: device.organisation,
          type: wanted === undefined ? 'deployment.auto_confirmation_ended' : 'deployment.auto_confirmation_began',
          subject: { kind: 'device', id: device.device },
          actor: actorOf(device),
          at,
        })
      })
    },

    findAssignment: async (device, reference) => {
      const row = await findRow(db.read, device.device, reference)
      return row === undefined || row.organisation !== device.organisation ? undefined : toAssignment(needs, row)
    },

    findInstalled: async (device) => {
      const row = (await listHistory(db.read, device.device)).find(({ status }) => status === 'success')
      return row === undefined ? undefined : toAssignment(needs, row)
    },

    mayDownload: async (device, artifact) => {
      const rows = await listHistory(db.read, device.device)
      return rows.some((row) => row.artifact === artifact && isActive(row.status) && row.confirmation !== 'denied')
    },
  } satisfies Omit<DeviceDeployments, 'ask'>
}

async function requireRow(
  db: Database['read'],
  device: DevicePrincipal,
  reference: DeploymentReference,
): Promise<StoredRow> {
  const row = await findRow(db, device.device, reference)
  if (row === undefined || row.organisation !== device.organisation) {
    throw new Fault('missing', 'deployments.not_given', 'the device was never given this deployment')
  }
  return row
}

async function requireDeployment(tx: Tx, id: string): Promise<StoredDeployment> {
  const deployment = await findDeployment(tx, id)
  if (deployment === undefined) throw new Fault('missing', 'deployments.missing', 'there is no such deployment')
  return deployment
}

/** Writes a row's next state with its timeline, its count and its audit record. Throws when the timeline is full. */
export async function writeStep(
  tx: Tx,
  actor: Actor,
  deployment: StoredDeployment,
  row: StoredRow,
  next: StoredRow,
  messages: readonly string[],
  now: number,
): Promise<void> {
  const lines = messages.map((message) => message.slice(0, longestMessage))
  const moved = next.status !== row.status || next.substate !== row.substate
  const events = row.events + lines.length + (moved ? 1 : 0)
  // The end must always get through, or a chatty device could never be told apart from one that is at work.
  if (events > timeline.mostEvents && isActive(next.status)) {
    throw new Fault('limited', 'deployments.too_many_messages', `a device may send ${timeline.mostEvents} messages`)
  }
  await putRow(tx, { ...next, updatedAt: now, events })
  const where = { deployment: row.deployment, phase: row.phase, number: row.number }
  await moveTally(tx, where, figureOf(row, deployment), figureOf(next, deployment))
  if (moved) {
    const substate = next.substate === undefined ? {} : { substate: next.substate }
    await timeline.addEvent(tx, row.deployment, row.device, { at: now, status: next.status, ...substate })
  }
  for (const message of lines) await timeline.addEvent(tx, row.deployment, row.device, { at: now, message })
  await note(tx, actor, row, 'deployment.device_changed', now, { status: next.status, attempt: next.attempt }, next)
}

function note(
  tx: Tx,
  actor: Actor,
  row: StoredRow,
  type: string,
  at: number,
  detail: Record<string, string | number>,
  next: StoredRow = row,
) {
  return record(tx, {
    organisation: row.organisation,
    type,
    subject: { kind: 'deployment', id: row.deployment },
    actor,
    at,
    detail: { device: row.device, ...detail },
    ...(next === row ? {} : { before: stateOf(row), after: stateOf(next) }),
  })
}

/** What a device runs after it said so, for clients that never say it by themselves. */
async function findInstalledProvides(needs: ReportingNeeds, device: DevicePrincipal, row: StoredRow) {
  const deployment = await findDeployment(needs.db.read, row.deployment)
  if (deployment === undefined) return undefined
  const release = await needs.artifacts.find(deployment.organisation, deployment.release)
  const artifact = release?.artifacts.find(({ id }) => id === row.artifact)
  if (artifact === undefined || artifact.format !== 'swu') return undefined
  const view = await needs.devices.view(device.number)
  return { ...view.provides, artifact_name: artifact.name, ...artifact.provides }
}

async function toAssignment({ db, artifacts }: ReportingNeeds, row: StoredRow): Promise<Assignment | undefined> {
  const deployment = await findDeployment(db.read, row.deployment)
  if (deployment === undefined) return undefined
  const release = await artifacts.find(deployment.organisation, deployment.release)
  return {
    ...toLabel(deployment),
    row,
    calledOff: mustCancel(row.status, deployment.state),
    artifact: release?.artifacts.find(({ id }) => id === row.artifact),
    messages: await timeline.listMessages(db.read, row.deployment, row.device, 50),
  }
}

function sizeOf(lines: readonly LogLine[]): number {
  return lines.reduce((sum, { at, level, message }) => sum + at.length + level.length + message.length, 0)
}

/** The pause point at which a device waits, if it does. */
export function waitingAt({ status }: StoredRow): PausePoint | undefined {
  switch (status) {
    case 'paused_before_installing':
      return 'installing'
    case 'paused_before_rebooting':
      return 'rebooting'
    case 'paused_before_committing':
      return 'committing'
    default:
      return undefined
  }
}
