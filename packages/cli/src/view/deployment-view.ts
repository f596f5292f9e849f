import { type Tone, toned } from '../output.ts'
import { bar } from '../progress.ts'
import type { Deployment } from '../resolve-names.ts'
import { formatFacts } from '../table.ts'
import { ago, count } from '../wording.ts'

type Phase = Deployment['phases'][number]
type Counts = Phase['counts']
type Status = keyof Counts

const order: readonly Status[] = [
  'success',
  'already_installed',
  'failure',
  'aborted',
  'incompatible',
  'installing',
  'rebooting',
  'downloading',
  'downloaded',
  'paused_before_installing',
  'paused_before_rebooting',
  'paused_before_committing',
  'pending',
]
const ended: ReadonlySet<Status> = new Set(['success', 'already_installed', 'failure', 'aborted', 'incompatible'])

export const stateTones: Readonly<Record<Deployment['state'], Tone>> = {
  scheduled: 'dim',
  running: 'warn',
  paused: 'warn',
  finished: 'good',
  halted: 'bad',
  aborted: 'bad',
  expired: 'bad',
}

export const finalStates: ReadonlySet<Deployment['state']> = new Set(['finished', 'halted', 'aborted', 'expired'])

export function endedCount(counts: Counts): number {
  return Object.entries(counts).reduce((sum, [status, devices]) => sum + (ended.has(status as Status) ? devices : 0), 0)
}

/** `success 3 · installing 2`. */
function countsText(counts: Counts): string {
  return order
    .filter((status) => (counts[status] ?? 0) > 0)
    .map((status) => toned(toneOf(status), `${status.replaceAll('_', ' ')} ${counts[status]}`))
    .join(' · ')
}

function toneOf(status: Status): Tone {
  if (status === 'success' || status === 'already_installed') return 'good'
  if (status === 'failure' || status === 'aborted' || status === 'incompatible') return 'bad'
  return status === 'pending' ? 'dim' : 'warn'
}

/** The whole deployment as lines, for a screen that is redrawn. */
export function deploymentLines(deployment: Deployment): string[] {
  const head = `${toned('strong', deployment.name)}  ${deployment.release.product.name} ${deployment.release.version}  ${stateText(deployment)}`
  return [
    head,
    ...deployment.phases.map(phaseLine),
    `all      ${barOf(deployment.counts, deployment.devices)}  ${countsText(deployment.counts)}`,
  ]
}

function phaseLine(phase: Phase): string {
  return `phase ${String(phase.number).padEnd(2)} ${barOf(phase.counts, phase.devices)}  ${toned('dim', phase.state.padEnd(7))} ${countsText(phase.counts)}`
}

function barOf(counts: Counts, devices: number): string {
  const done = endedCount(counts)
  return `${bar(devices === 0 ? 0 : done / devices, 24)} ${String(done).padStart(String(devices).length)}/${devices}`
}

function stateText(deployment: Deployment): string {
  const state = toned(stateTones[deployment.state], deployment.state)
  return deployment.reason === undefined ? state : `${state} (${deployment.reason})`
}

/** One line that says where the deployment is, for logs. */
export function summaryLine(deployment: Deployment): string {
  const open = deployment.phases.filter((phase) => phase.state === 'open').map((phase) => phase.number)
  const phases = open.length === 0 ? '' : `, phase ${open.join(' and ')} open`
  return `${deployment.name}: ${stateText(deployment)}${phases}; ${endedCount(deployment.counts)} of ${deployment.devices} done; ${countsText(deployment.counts)}`
}

export function deploymentText(deployment: Deployment): string {
  const facts = formatFacts([
    ['name', deployment.name],
    ['id', deployment.id],
    ['release', `${deployment.release.product.name} ${deployment.release.version}`],
    ['kind', deployment.kind],
    ['state', stateText(deployment)],
    ['target', targetText(deployment.target)],
    ['devices', count(deployment.devices, 'device')],
    ['begun', `${ago(deployment.createdAt)} by ${deployment.createdBy}`],
    ['ended', deployment.finishedAt === undefined ? undefined : ago(deployment.finishedAt)],
    ['rolls back', deployment.rollbackOf],
  ])
  return `${facts}\n\n${deploymentLines(deployment).slice(1).join('\n')}`
}

function targetText(target: Deployment['target']): string {
  const also = target.kind !== 'devices' && target.continuous ? ', and all that join later' : ''
  if (target.kind === 'devices') return count(target.devices.length, 'chosen device')
  return target.kind === 'group' ? `group ${target.group}${also}` : `${target.filter}${also}`
}
