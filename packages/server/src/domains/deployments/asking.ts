import { type Clock, Fault } from '@holdfast/kernel'
import { systemActor } from '../../platform/actor.ts'
import type { Database, Tx } from '../../platform/db/index.ts'
import type { Artifacts } from '../artifacts/index.ts'
import { record } from '../audit/index.ts'
import type { DeviceView } from '../devices/index.ts'
import type { ActiveEntry, ActiveIndex } from './active-index.ts'
import { decideForDevice } from './decide.ts'
import type { AskingDevice, Decision, Delivery, DeviceHistory, Outcome, Settlement } from './decision.ts'
import { hasEnded } from './deployment.ts'
import type { Answer, Asking, DeploymentLabel } from './deployments.ts'
import { findRow, historyLength, insertRow, listHistory, putRow, type StoredRow } from './device-store.ts'
import { type DeviceRow, isActive, stateOf } from './status.ts'
import { findDeployment, type StoredDeployment } from './store.ts'
import { figureOf, moveTally } from './tally.ts'
import { addEvent, findAutoConfirmation } from './timeline.ts'

export interface AskingNeeds {
  readonly db: Database
  readonly clock: Clock
  readonly artifacts: Artifacts
  readonly index: ActiveIndex
  /** Called after a commit that may move a deployment on. */
  readonly changed: (deployment: string) => void
}

const nothing: Answer = { kind: 'nothing', why: 'no deployment concerns it' }
/** The decision was made on a deployment or a row that has changed in the meantime. */
const stale = Symbol('stale')
const mostTries = 5

export function createAsking(needs: AskingNeeds) {
  const { db, clock, index } = needs

  function ask(asking: Asking): Answer | Promise<Answer> {
    const now = clock.now()
    for (const entry of index.of(asking.device.organisation)) {
      if (entry.mayConcern(asking.device, now)) return askConcerned(asking)
    }
    return nothing
  }

  async function askConcerned(asking: Asking): Promise<Answer> {
    for (let tries = 0; tries < mostTries; tries += 1) {
      const { decision, rows, now } = await decide(asking)
      const done = await act(needs, asking, decision, rows, now).catch(refusal)
      // A withdrawn release, or one whose keys are no longer trusted, reaches nobody; its deployment halts in a moment.
      if (done instanceof Fault) return { kind: 'nothing', why: done.message }
      if (done !== stale) {
        noteSettled(index.of(asking.device.organisation), asking, done.rows)
        return toAnswer(index, decision.outcome, decision.why, done.rows)
      }
      for (const id of touched(decision)) await index.refresh(id)
    }
    throw new Fault('unavailable', 'deployments.busy', 'the deployment changes too quickly; ask again', {
      retryAfter: 5,
    })
  }

  async function readRows(device: DeviceView): Promise<StoredRow[]> {
    const rows = await listHistory(db.read, device.id)
    if (rows.length < historyLength) return rows
    // A deployment older than the last ones of this device may still be open.
    for (const { stored } of index.of(device.organisation)) {
      if (rows.some(({ deployment }) => deployment === stored.id)) continue
      const row = await findRow(db.read, device.id, stored.id)
      if (row !== undefined) rows.push(row)
    }
    return rows
  }

  async function decide(asking: Asking): Promise<{ decision: Decision; rows: StoredRow[]; now: number }> {
    const now = clock.now()
    const { device } = asking
    const rows = await readRows(device)
    const active = index.of(device.organisation).map((entry) => entry.activeFor(device, now))
    const history = deriveHistory(rows)
    const decision = decideForDevice(toAskingDevice(asking, false), active, history, now)
    if (decision.outcome.kind !== 'confirm') return { decision, rows, now }
    if ((await findAutoConfirmation(db.read, device.id)) === undefined) return { decision, rows, now }
    return { decision: decideForDevice(toAskingDevice(asking, true), active, history, now), rows, now }
  }

  return {
    ask,
    /** What the device would get now, without any effect. */
    explain: async (asking: Asking): Promise<Decision> => (await decide(asking)).decision,
  }
}

function toAskingDevice(
  { device, provides, formats, canWait, idle = false }: Asking,
  autoConfirm: boolean,
): AskingDevice {
  return {
    id: device.id,
    number: device.number,
    provides: provides === undefined ? device.provides : { ...device.provides, ...provides },
    formats,
    canWait,
    idle,
    autoConfirm,
    ...(device.timeZone === undefined ? {} : { zone: device.timeZone }),
  }
}

function deriveHistory(rows: readonly StoredRow[]): DeviceHistory {
  const completed = { update: 0, configuration: 0 }
  for (const { status, kind, sequence } of rows) {
    if (status === 'success' || status === 'already_installed') completed[kind] = Math.max(completed[kind], sequence)
  }
  return { rows, completed }
}

function refusal(thrown: unknown): Fault {
  if (thrown instanceof Fault && thrown.kind === 'refused') return thrown
  throw thrown
}

function touched({ outcome, settled }: Decision): string[] {
  return [...settled.map((one) => one.deployment), ...('deployment' in outcome ? [outcome.deployment] : [])]
}

type Done = { readonly rows: readonly StoredRow[] } | typeof stale

/** Writes what the decision says, if it says anything new; nothing is handed out that the commit does not cover. */
async function act(
  needs: AskingNeeds,
  asking: Asking,
  decision: Decision,
  rows: readonly StoredRow[],
  now: number,
): Promise<Done> {
  const { outcome, settled } = decision
  const known = (deployment: string) => rows.find((row) => row.deployment === deployment)
  const begins =
    (outcome.kind === 'deliver' && !outcome.repeated) ||
    (outcome.kind === 'confirm' && known(outcome.deployment) === undefined)
  if (!begins && settled.length === 0) {
    if (outcome.kind !== 'deliver') return { rows }
    const current = await findDeployment(needs.db.read, outcome.deployment)
    return current?.revision === needs.index.find(outcome.deployment)?.stored.revision ? { rows } : stale
  }
  const written = await needs.db.write(async (tx): Promise<StoredRow[] | typeof stale> => {
    const fresh: StoredRow[] = []
    for (const settlement of settled) {
      const deployment = await findUnchanged(needs, tx, settlement.deployment, asking, known(settlement.deployment))
      if (deployment === undefined) return stale
      const row = await settle(needs, tx, asking, deployment, settlement, known(settlement.deployment), now)
      if (row === undefined) return stale
      fresh.push(row)
    }
    if (begins && (outcome.kind === 'deliver' || outcome.kind === 'confirm')) {
      const deployment = await findUnchanged(needs, tx, outcome.deployment, asking, known(outcome.deployment))
      if (deployment === undefined) return stale
      await needs.artifacts.requireDeployable(tx, deployment.organisation, deployment.release)
      const row = await begin(needs, tx, asking, deployment, outcome, known(outcome.deployment), now)
      if (row === undefined) return stale
      fresh.push(row)
    }
    return fresh
  })
  if (written === stale) return stale
  for (const row of written) {
    const entry = needs.index.find(row.deployment)
    if (entry?.isFounder(row.number) === false) entry.noteJoined(row.number)
  }
  for (const row of written) if (!isActive(row.status)) needs.changed(row.deployment)
  const replaced = new Set(written.map((row) => row.deployment))
  return { rows: [...written, ...rows.filter((row) => !replaced.has(row.deployment))] }
}

/** The deployment, if it and the device's row are still what the decision was made on. */
async function findUnchanged(
  { index }: AskingNeeds,
  tx: Tx,
  id: string,
  { device }: Asking,
  known: StoredRow | undefined,
): Promise<StoredDeployment | undefined> {
  const deployment = await findDeployment(tx, id)
  if (deployment === undefined || deployment.revision !== index.find(id)?.stored.revision) return undefined
  // Whether a row that was not there is still not there, its insertion tells.
  if (known === undefined) return deployment
  const row = await findRow(tx, device.id, id)
  const same = row?.status === known.status && row.attempt === known.attempt && row.confirmation === known.confirmation
  return same ? deployment : undefined
}

function begin(
  needs: AskingNeeds,
  tx: Tx,
  asking: Asking,
  deployment: StoredDeployment,
  outcome: Delivery | Extract<Outcome, { kind: 'confirm' }>,
  before: StoredRow | undefined,
  now: number,
): Promise<StoredRow | undefined> {
  const confirmation =
    outcome.kind === 'confirm' ? 'open' : deployment.policy.confirmation ? 'confirmed' : ('none' as const)
  const attempt = outcome.kind === 'deliver' ? outcome.attempt : (before?.attempt ?? 1)
  const message = outcome.kind === 'confirm' ? 'waits for confirmation' : `attempt ${attempt}`
  const previous = before?.previousRelease ?? asking.provides?.artifact_name ?? asking.device.software
  const row: DeviceRow = {
    deployment: deployment.id,
    device: asking.device.id,
    phase: outcome.phase,
    status: 'pending',
    attempt,
    artifact: outcome.artifact,
    ...(previous === undefined ? {} : { previousRelease: previous }),
    confirmation,
    passed: [],
    since: now,
  }
  return write(needs, tx, { asking, deployment, before, message, now }, row)
}

function settle(
  needs: AskingNeeds,
  tx: Tx,
  asking: Asking,
  deployment: StoredDeployment,
  { phase, status, why }: Settlement,
  before: StoredRow | undefined,
  now: number,
): Promise<StoredRow | undefined> {
  const row: DeviceRow = {
    deployment: deployment.id,
    device: asking.device.id,
    attempt: 1,
    confirmation: 'none',
    passed: [],
    ...before,
    phase,
    status,
    since: now,
  }
  return write(needs, tx, { asking, deployment, before, message: why, now }, row)
}

interface Change {
  readonly asking: Asking
  readonly deployment: StoredDeployment
  readonly before: StoredRow | undefined
  readonly message: string
  readonly now: number
}

async function write(
  { index }: AskingNeeds,
  tx: Tx,
  { asking, deployment, before, message, now }: Change,
  row: DeviceRow,
): Promise<StoredRow | undefined> {
  const { device } = asking
  const stored: StoredRow = {
    organisation: device.organisation,
    number: device.number,
    sequence: deployment.sequence,
    kind: deployment.kind,
    hasLog: before?.hasLog ?? false,
    events: (before?.events ?? 0) + 1,
    updatedAt: now,
    ...row,
  }
  if (before === undefined) {
    if (!(await insertRow(tx, stored))) return undefined
  } else await putRow(tx, stored)
  const where = { deployment: deployment.id, phase: row.phase, number: device.number }
  await moveTally(tx, where, before === undefined ? undefined : figureOf(before, deployment), figureOf(row, deployment))
  const joined = before === undefined && index.find(deployment.id)?.isFounder(device.number) === false
  if (joined) await moveTally(tx, where, undefined, 'joined')
  await addEvent(tx, deployment.id, device.id, { at: now, status: row.status, message })
  await record(tx, {
    organisation: device.organisation,
    type: 'deployment.device_changed',
    subject: { kind: 'deployment', id: deployment.id },
    actor: systemActor('deployments'),
    at: now,
    detail: {
      device: device.id,
      status: row.status,
      attempt: row.attempt,
      why: message,
      ...(joined ? { joined: device.number } : {}),
    },
    ...(before === undefined ? {} : { before: stateOf(before) }),
    after: stateOf(row),
  })
  return stored
}

/** Remembers for which deployments the device needs no query any more. */
function noteSettled(entries: readonly ActiveEntry[], { device }: Asking, rows: readonly StoredRow[]): void {
  for (const entry of entries) {
    const row = rows.find(({ deployment }) => deployment === entry.stored.id)
    if (row === undefined ? hasEnded(entry.stored) : isOver(row, entry.stored)) entry.noteSettled(device.number)
  }
}

function isOver(row: StoredRow, { policy }: StoredDeployment): boolean {
  if (row.status === 'failure') return row.attempt >= policy.retries.maxAttempts
  return !isActive(row.status)
}

export function toLabel({ id, sequence, name, kind, version }: StoredDeployment): DeploymentLabel {
  return { id, number: sequence, name, kind, version }
}

function toAnswer(index: ActiveIndex, outcome: Outcome, why: string, rows: readonly StoredRow[]): Answer {
  if (outcome.kind === 'nothing') return { ...outcome, why }
  const entry = index.find(outcome.deployment)
  const row = rows.find(({ deployment }) => deployment === outcome.deployment)
  if (outcome.kind === 'cancel') {
    const deployment = entry === undefined ? gone(outcome.deployment, row) : toLabel(entry.stored)
    return { kind: 'cancel', deployment }
  }
  const artifact = entry?.artifacts.get(outcome.artifact)
  if (entry === undefined || artifact === undefined) return { kind: 'nothing', why: 'its artifact is gone' }
  const offer = { deployment: toLabel(entry.stored), artifact }
  if (outcome.kind === 'confirm') {
    return { kind: 'confirm', state: row?.confirmation === 'denied' ? 'denied' : 'open', ...offer }
  }
  const { attempt, install, pauseAt } = outcome
  return { kind: 'deliver', ...offer, attempt, install, pauseAt, status: row?.status ?? 'pending' }
}

function gone(id: string, row: StoredRow | undefined): DeploymentLabel {
  return { id, number: row?.sequence ?? 0, name: '', kind: row?.kind ?? 'update', version: '' }
}
