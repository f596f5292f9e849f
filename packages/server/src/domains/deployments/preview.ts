import type { Answer, operations } from '@holdfast/protocol'
import type { Database } from '../../platform/db/index.ts'
import type { Artifacts, JudgedRelease } from '../artifacts/index.ts'
import type { Bitmap, Devices, DeviceView } from '../devices/index.ts'
import { toReleaseArtifact } from './active-index.ts'
import { decideCompatible, isInstalled } from './compatibility.ts'
import type { NewDeployment } from './creating.ts'
import { permutationOf } from './permutation.ts'
import { derivePhaseRanges, findPhaseOf } from './phase-plan.ts'
import { derivePolicy } from './policy.ts'
import { listDeployments } from './store.ts'
import { findMembers, type Populations, verifyTarget } from './target.ts'

export interface PreviewNeeds {
  readonly db: Database
  readonly artifacts: Artifacts
  readonly devices: Pick<Devices, 'view'>
  readonly populations: Populations
}

type PreviewAnswer = Answer<typeof operations.deployments.preview>

/** Devices that are looked at one by one; larger populations are judged by a sample of this size. */
const sampleSize = 400
const examplesPerPhase = 3

/** Who would get what. Which device is in which phase is settled only when the deployment is made. */
export function createPreview({ db, artifacts, devices, populations }: PreviewNeeds) {
  return async function preview(organisation: string, input: Omit<NewDeployment, 'name'>): Promise<PreviewAnswer> {
    verifyTarget(input.target)
    const policy = derivePolicy(input.policy)
    const release = await artifacts.require(organisation, input.release)
    const members = await findMembers(populations, organisation, input.target, release.product)
    const ranges = derivePhaseRanges(policy.phases, members.count)
    const sample = await Promise.all(sampleOf(members).map((number) => devices.view(number)))
    const order = permutationOf('preview', members.count)
    const phases = ranges.map(({ first, end }, index) => ({
      number: index + 1,
      devices: end - first,
      examples: sample
        .filter((device) => findPhaseOf(ranges, order.at(members.rank(device.number))) === index)
        .slice(0, examplesPerPhase)
        .map(({ id, name }) => ({ id, name: name === '' ? id : name })),
    }))
    const running = await listDeployments(db.read, {
      organisation,
      states: ['scheduled', 'running', 'paused'],
      product: release.product,
      limit: 20,
    })
    const counts = scale(judge(release, sample), sample.length, members.count)
    const warnings = [
      ...(members.count === 0 ? ['no accepted device of this product matches'] : []),
      ...(release.currentState === 'released' ? [] : [`the release is ${release.currentState}, not released`]),
      ...phases.filter((phase) => phase.devices === 0).map((phase) => `phase ${phase.number} has no device`),
      ...(sample.length < members.count ? [`compatibility is estimated from ${sample.length} devices`] : []),
      ...running.map((one) => `“${one.name}” (${one.version}) is ${one.state} for this product too`),
    ]
    return { devices: members.count, phases, ...counts, warnings }
  }
}

function sampleOf(members: Bitmap): number[] {
  if (members.count <= sampleSize) return [...members]
  return Array.from({ length: sampleSize }, (_, index) => Math.floor((index * members.count) / sampleSize)).flatMap(
    (rank) => members.select(rank) ?? [],
  )
}

type Figures = Record<'compatible' | 'alreadyInstalled' | 'incompatible', number>

function judge(release: JudgedRelease, sample: readonly DeviceView[]): Figures {
  const view = { id: release.id, version: release.version, artifacts: release.artifacts.map(toReleaseArtifact) }
  const figures: Figures = { compatible: 0, alreadyInstalled: 0, incompatible: 0 }
  for (const device of sample) {
    const formats =
      device.gateway === 'hawkbit' ? ['swu'] : device.gateway === 'mender' ? ['mender'] : ['mender', 'swu']
    const verdict = decideCompatible(view, device.provides, formats)
    if (verdict.kind !== 'fits') figures.incompatible += 1
    else if (isInstalled(verdict.artifact, device.provides)) figures.alreadyInstalled += 1
    else figures.compatible += 1
  }
  return figures
}

/** Keeps the sum: what rounding leaves over counts as compatible. */
function scale(figures: Figures, sampled: number, total: number): Figures {
  if (sampled === 0 || sampled === total) return figures
  const alreadyInstalled = Math.round((figures.alreadyInstalled * total) / sampled)
  const incompatible = Math.round((figures.incompatible * total) / sampled)
  return { compatible: total - alreadyInstalled - incompatible, alreadyInstalled, incompatible }
}
