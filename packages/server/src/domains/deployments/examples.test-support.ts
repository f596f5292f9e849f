import fc from 'fast-check'
import type { DeployedRelease, ReleaseArtifact } from './compatibility.ts'
import type { ActiveDeployment, AskingDevice } from './decision.ts'
import type { Deployment, Phase, PhaseHealth, Policy, Share } from './deployment.ts'
import { derivePhaseRanges } from './phase-plan.ts'
import { type Population, rosterOf } from './population.ts'
import type { DeviceRow } from './status.ts'

/** Made-up objects for the tests of this domain; each takes the few fields that a test is about. */
export function aPhase(fields: Partial<Phase> = {}): Phase {
  return { share: 'rest', delay: 0, gated: false, ...fields }
}

export function aPolicy(fields: Partial<Policy> = {}): Policy {
  return {
    phases: [aPhase()],
    successPercent: 100,
    retries: { maxAttempts: 1, backoff: 60_000, maxBackoff: 3_600_000 },
    priority: 0,
    windows: [],
    downloadOnly: false,
    confirmation: false,
    pauseBefore: [],
    ...fields,
  }
}

export function aDeployment({
  phases,
  policy,
  ...fields
}: Partial<Omit<Deployment, 'phases' | 'policy'>> & {
  phases?: readonly Phase[]
  policy?: Partial<Policy>
} = {}): Deployment {
  return {
    id: '0192f0c4-0000-7000-8000-000000000001',
    sequence: 1,
    name: 'July',
    kind: 'update',
    release: 'release-2',
    target: { kind: 'group', group: 'all', continuous: false },
    policy: aPolicy({ ...(phases === undefined ? {} : { phases }), ...policy }),
    state: 'scheduled',
    phases: [],
    phase: -1,
    force: false,
    createdAt: 0,
    ...fields,
  }
}

/** A deployment in its first phase over `total` devices, unless the fields say otherwise. */
export function aRunning(total: number, fields: Parameters<typeof aDeployment>[0] = {}): Deployment {
  const scheduled = aDeployment({ state: 'running', phase: 0, startedAt: 0, ...fields })
  return { ...scheduled, phases: derivePhaseRanges(scheduled.policy.phases, total) }
}

export function everybody(count: number): Population {
  return { count, has: (number) => number >= 0 && number < count, rank: (number) => number }
}

export function aHealth(fields: Partial<PhaseHealth> = {}): PhaseHealth {
  return {
    size: 0,
    active: 0,
    retrying: 0,
    succeeded: 0,
    alreadyInstalled: 0,
    failed: 0,
    incompatible: 0,
    aborted: 0,
    ...fields,
  }
}

export function anArtifact(fields: Partial<ReleaseArtifact> = {}): ReleaseArtifact {
  return {
    id: 'artifact-2',
    format: 'mender',
    depends: { device_type: ['board'] },
    provides: { artifact_name: 'v2', 'rootfs-image.version': '2' },
    ...fields,
  }
}

export const release: DeployedRelease = { id: 'release-2', version: 'v2', artifacts: [anArtifact()] }

export function aDevice(fields: Partial<AskingDevice> = {}): AskingDevice {
  return {
    id: 'device-0',
    number: 0,
    provides: { device_type: 'board', artifact_name: 'v1' },
    formats: ['mender'],
    canWait: true,
    idle: false,
    autoConfirm: false,
    ...fields,
  }
}

export function anActive(deployment: Deployment, total = 1, fields: Partial<ActiveDeployment> = {}): ActiveDeployment {
  return { deployment, release, roster: rosterOf(deployment, everybody(total)), matches: () => true, ...fields }
}

export function aRow(fields: Partial<DeviceRow> = {}): DeviceRow {
  return {
    deployment: '0192f0c4-0000-7000-8000-000000000001',
    device: 'device-0',
    phase: 0,
    status: 'downloading',
    attempt: 1,
    artifact: 'artifact-2',
    confirmation: 'none',
    passed: [],
    since: 0,
    ...fields,
  }
}

/** Any split that `verifyPhases` accepts. */
export function shares(): fc.Arbitrary<Share[]> {
  const percents = fc.array(fc.integer({ min: 1, max: 2_400 }), { maxLength: 4 })
  const counts = fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 3 })
  const withRest = fc
    .tuple(percents, counts)
    .chain(([basis, counted]) =>
      fc.shuffledSubarray<Share>(
        [...basis.map((points) => ({ percent: points / 100 })), ...counted.map((count) => ({ count }))],
        { minLength: basis.length + counted.length },
      ),
    )
    .map((parts): Share[] => [...parts, 'rest'])
  const toHundred = percents.map((basis): Share[] => {
    const left = 10_000 - basis.reduce((sum, points) => sum + points, 0)
    return [...basis, left].map((points) => ({ percent: points / 100 }))
  })
  return fc.oneof(withRest, toHundred)
}
