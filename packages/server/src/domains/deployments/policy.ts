import { Fault, hour, minute } from '@holdfast/kernel'
import type { operations } from '@holdfast/protocol'
import type { z } from 'zod'
import type { Phase, Policy } from './deployment.ts'
import { verifyPhases } from './phase-plan.ts'
import { type MaintenanceWindow, verifyWindows, type Weekday } from './window.ts'

/** The policy as the interface speaks of it: minutes, clock times, ISO dates. */
export type PolicyInput = z.output<typeof operations.deployments.create.body>['policy']

export type TargetInput = z.output<typeof operations.deployments.create.body>['target']

const everyDay: readonly Weekday[] = [1, 2, 3, 4, 5, 6, 7]

/** The policy in the rules' own terms. Throws `malformed` for a plan that cannot be meant. */
export function derivePolicy(input: PolicyInput): Policy {
  const policy: Policy = {
    phases: input.phases.map((phase, index) => derivePhase(phase, index === input.phases.length - 1, index)),
    successPercent: input.successPercent,
    ...(input.haltAtFailurePercent === undefined ? {} : { haltAtFailurePercent: input.haltAtFailurePercent }),
    ...(input.haltAtFailures === undefined ? {} : { haltAtFailures: input.haltAtFailures }),
    retries: {
      maxAttempts: input.retries + 1,
      backoff: input.retryBackoffMinutes * minute,
      maxBackoff: Math.max(24 * hour, input.retryBackoffMinutes * minute),
    },
    priority: input.priority,
    ...(input.startAt === undefined ? {} : { notBefore: Date.parse(input.startAt) }),
    ...(input.expiresAt === undefined ? {} : { expiresAt: Date.parse(input.expiresAt) }),
    windows: input.windows.map(deriveWindow),
    downloadOnly: input.downloadOnly,
    confirmation: input.confirmation,
    pauseBefore: input.pauseBefore,
  }
  verifyPhases(policy.phases)
  verifyWindows(policy.windows)
  if (policy.expiresAt !== undefined && policy.expiresAt <= (policy.notBefore ?? 0)) {
    throw new Fault('malformed', 'deployments.bad_expiry', 'it would expire before it starts', {
      at: 'policy.expiresAt',
    })
  }
  return policy
}

function derivePhase(phase: PolicyInput['phases'][number], last: boolean, index: number): Phase {
  const { percent, count } = phase
  if (percent !== undefined && count !== undefined) {
    throw new Fault('malformed', 'deployments.bad_phases', 'a phase has a percentage or a count, not both', {
      at: `policy.phases[${index}]`,
    })
  }
  if (percent === undefined && count === undefined && !last) {
    throw new Fault('malformed', 'deployments.bad_phases', 'only the last phase can take the rest', {
      at: `policy.phases[${index}]`,
    })
  }
  const share = percent !== undefined ? { percent } : count !== undefined ? { count } : ('rest' as const)
  return { share, delay: phase.delayMinutes * minute, gated: phase.gate }
}

function deriveWindow({ days, from, to, timeZone }: PolicyInput['windows'][number]): MaintenanceWindow {
  return {
    days: days.length === 0 ? everyDay : (days as readonly Weekday[]),
    from: minutesOf(from),
    to: minutesOf(to),
    zone: timeZone,
  }
}

function minutesOf(clockTime: string): number {
  return Number(clockTime.slice(0, 2)) * 60 + Number(clockTime.slice(3))
}
