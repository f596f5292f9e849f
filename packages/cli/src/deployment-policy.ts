import type { Call, operations } from '@holdfast/protocol'
import { InvalidArgumentError } from 'commander'
import { given } from './arguments.ts'
import { UsageError } from './failure.ts'
import type { Names } from './resolve-names.ts'

type NewDeployment = Call<(typeof operations)['deployments']['create']>['body']
export type Policy = NonNullable<NewDeployment['policy']>
export type Target = NewDeployment['target']
type Phase = NonNullable<Policy['phases']>[number]
type Window = NonNullable<Policy['windows']>[number]

export interface TargetOptions {
  readonly group?: string
  readonly filter?: string
  readonly device?: string[]
  readonly continuous?: boolean
}

export interface PolicyOptions {
  readonly phase?: Phase[]
  readonly success?: number
  readonly haltAt?: number
  readonly haltAtFailures?: number
  readonly priority?: number
  readonly start?: string
  readonly expires?: string
  readonly window?: Window[]
  readonly retries?: number
  readonly backoff?: number
  readonly downloadOnly?: boolean
  readonly confirmation?: boolean
  readonly pauseBefore?: ('installing' | 'rebooting' | 'committing')[]
  readonly force?: boolean
}

/** A phase as people write it: `10%`, `5`, `rest`, each with `,gate` or `,delay=30`. */
export function parsePhase(text: string, before: readonly Phase[] = []): Phase[] {
  const [share = '', ...modes] = text.split(',').map((part) => part.trim())
  const [, amount, percent] = /^(\d+(?:\.\d+)?)(%?)$/.exec(share) ?? []
  if (amount === undefined && share !== 'rest')
    throw new InvalidArgumentError('a phase is 10%, a number of devices, or rest')
  const phase: { -readonly [K in keyof Phase]: Phase[K] } = {}
  if (amount !== undefined) phase[percent === '%' ? 'percent' : 'count'] = Number(amount)
  for (const mode of modes) {
    const [, minutes] = /^delay=(\d+)m?$/.exec(mode) ?? []
    if (mode === 'gate') phase.gate = true
    else if (minutes !== undefined) phase.delayMinutes = Number(minutes)
    else throw new InvalidArgumentError(`${mode} is neither gate nor delay=MINUTES`)
  }
  return [...before, phase]
}

const dayNames = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']

/** A window as people write it: `02:00-05:00`, `mon,tue 22:00-04:00 Europe/Berlin`. */
export function parseWindow(text: string, before: readonly Window[] = []): Window[] {
  const [, days = '', from, to, timeZone] =
    /^(?:([a-z,]+) )?(\d\d:\d\d)-(\d\d:\d\d)(?: (\S+))?$/i.exec(text.trim()) ?? []
  if (from === undefined || to === undefined) {
    throw new InvalidArgumentError('a window is 02:00-05:00, or mon,tue 22:00-04:00 Europe/Berlin')
  }
  const numbers = days === '' ? [] : days.toLowerCase().split(',').map(dayNumber)
  return [...before, { days: numbers, from, to, ...(timeZone === undefined ? {} : { timeZone }) }]
}

function dayNumber(name: string): number {
  const index = dayNames.indexOf(name.slice(0, 3))
  if (index < 0) throw new InvalidArgumentError(`${name} is no day of the week`)
  return index + 1
}

export async function targetOf(options: TargetOptions, names: Names): Promise<Target> {
  const { group, filter, device, continuous = false } = options
  if ([group, filter, device].filter((each) => each !== undefined).length !== 1) {
    throw new UsageError('say who gets it: one of --group, --filter or --device')
  }
  if (group !== undefined) return { kind: 'group', group: (await names.group(group)).id, continuous }
  if (filter !== undefined) return { kind: 'filter', filter, continuous }
  if (continuous) throw new UsageError('--continuous goes with --group or --filter')
  return { kind: 'devices', devices: await names.devices(device ?? []) }
}

export function policyOf(options: PolicyOptions): Policy {
  return given({
    phases: options.phase,
    successPercent: options.success,
    haltAtFailurePercent: options.haltAt,
    haltAtFailures: options.haltAtFailures,
    priority: options.priority,
    startAt: options.start,
    expiresAt: options.expires,
    windows: options.window,
    retries: options.retries,
    retryBackoffMinutes: options.backoff,
    downloadOnly: options.downloadOnly,
    confirmation: options.confirmation,
    pauseBefore: options.pauseBefore,
    force: options.force,
  })
}
