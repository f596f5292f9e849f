import type { NewDeployment, Policy, Target } from '../../api/client.ts'

export interface PhaseDraft {
  readonly key: number
  readonly unit: 'percent' | 'count' | 'rest'
  readonly amount: string
  readonly delayMinutes: string
  readonly gate: boolean
}

/** A deployment as it is being written: texts as typed, so that half-written numbers are possible. */
export interface Draft {
  readonly name: string | undefined
  readonly release: string
  readonly kind: Target['kind']
  readonly devices: readonly string[]
  readonly group: string
  readonly filter: string
  readonly continuous: boolean
  readonly phases: readonly PhaseDraft[]
  readonly successPercent: string
  readonly haltAtFailurePercent: string
  readonly haltAtFailures: string
  readonly startAt: string
  readonly expiresAt: string
  readonly windowFrom: string
  readonly windowTo: string
  readonly windowDays: readonly number[]
  readonly retries: string
  readonly retryBackoffMinutes: string
  readonly priority: string
  readonly downloadOnly: boolean
  readonly confirmation: boolean
  readonly force: boolean
  readonly pauseBefore: readonly ('installing' | 'rebooting' | 'committing')[]
}

let lastKey = 0

export function phase(unit: PhaseDraft['unit'], amount = '', gate = false): PhaseDraft {
  lastKey += 1
  return { key: lastKey, unit, amount, delayMinutes: '0', gate }
}

/** Ways to begin that most deployments need. */
export const plans = {
  'All at once': () => [phase('rest')],
  '10 %, then the rest': () => [phase('percent', '10'), phase('rest')],
  'Canary, 25 %, rest by hand': () => [phase('count', '5'), phase('percent', '25'), phase('rest', '', true)],
} as const satisfies Record<string, () => PhaseDraft[]>

export function newDraft(given: { release?: string; group?: string; filter?: string; device?: string }): Draft {
  return {
    name: undefined,
    release: given.release ?? '',
    kind: given.device !== undefined ? 'devices' : given.filter !== undefined ? 'filter' : 'group',
    devices: given.device?.split(',').filter((id) => id !== '') ?? [],
    group: given.group ?? '',
    filter: given.filter ?? '',
    continuous: false,
    phases: given.device === undefined ? plans['10 %, then the rest']() : plans['All at once'](),
    successPercent: '95',
    haltAtFailurePercent: '10',
    haltAtFailures: '',
    startAt: '',
    expiresAt: '',
    windowFrom: '',
    windowTo: '',
    windowDays: [],
    retries: '1',
    retryBackoffMinutes: '5',
    priority: '0',
    downloadOnly: false,
    confirmation: false,
    force: false,
    pauseBefore: [],
  }
}

/** The target, or nothing while it is not yet chosen. */
export function targetOf(draft: Draft): Target | undefined {
  if (draft.kind === 'devices')
    return draft.devices.length === 0 ? undefined : { kind: 'devices', devices: [...draft.devices] }
  if (draft.kind === 'group')
    return draft.group === '' ? undefined : { kind: 'group', group: draft.group, continuous: draft.continuous }
  return draft.filter.trim() === ''
    ? undefined
    : { kind: 'filter', filter: draft.filter.trim(), continuous: draft.continuous }
}

export function policyOf(draft: Draft): Policy {
  const windowed = draft.windowFrom !== '' && draft.windowTo !== ''
  return {
    phases: draft.phases.map((one) => ({
      ...(one.unit === 'percent' ? { percent: number(one.amount, 100) } : {}),
      ...(one.unit === 'count' ? { count: number(one.amount, 1) } : {}),
      delayMinutes: number(one.delayMinutes, 0),
      gate: one.gate,
    })),
    successPercent: number(draft.successPercent, 100),
    ...(draft.haltAtFailurePercent === '' ? {} : { haltAtFailurePercent: number(draft.haltAtFailurePercent, 100) }),
    ...(draft.haltAtFailures === '' ? {} : { haltAtFailures: number(draft.haltAtFailures, 1) }),
    ...(draft.startAt === '' ? {} : { startAt: new Date(draft.startAt).toISOString() }),
    ...(draft.expiresAt === '' ? {} : { expiresAt: new Date(draft.expiresAt).toISOString() }),
    windows: windowed
      ? [{ from: draft.windowFrom, to: draft.windowTo, days: [...draft.windowDays], timeZone: ownTimeZone() }]
      : [],
    retries: number(draft.retries, 0),
    retryBackoffMinutes: number(draft.retryBackoffMinutes, 5),
    priority: number(draft.priority, 0),
    downloadOnly: draft.downloadOnly,
    confirmation: draft.confirmation,
    force: draft.force,
    pauseBefore: [...draft.pauseBefore],
  }
}

function number(typed: string, otherwise: number): number {
  const value = Number(typed)
  return typed.trim() === '' || !Number.isFinite(value) ? otherwise : value
}

function ownTimeZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone
}

/** What the server is asked to preview, or nothing while something essential is missing. */
export function questionOf(draft: Draft): Omit<NewDeployment, 'name'> | undefined {
  const target = targetOf(draft)
  return draft.release === '' || target === undefined
    ? undefined
    : { release: draft.release, target, policy: policyOf(draft) }
}
