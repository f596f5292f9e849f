import { Fault } from '@holdfast/kernel'
import { basisPoints, type Phase, type PhaseProgress, type Share } from './deployment.ts'

export const maxPhases = 50

/**
 * Consecutive ranges of positions, one a phase, that cover [0, total) exactly. Ends are rounded up cumulatively:
 * a phase is at most one device larger or smaller than its exact share, a counted phase is exact as long as
 * devices last, and the first phase of a population that is not empty has at least one device.
 */
export function derivePhaseRanges(phases: readonly Phase[], total: number): PhaseProgress[] {
  let basis = 0
  let counted = 0
  let first = 0
  return phases.map(({ share }, index) => {
    if (share !== 'rest') {
      if ('percent' in share) basis += basisPoints(share.percent)
      else counted += share.count
    }
    const exact = Math.ceil((basis * total) / 10_000) + counted
    const end = index === phases.length - 1 || share === 'rest' ? total : Math.min(total, exact)
    const range = { first, end: Math.max(first, end) }
    first = range.end
    return range
  })
}

/** The phase that owns a position; undefined only when the position lies outside every range. */
export function findPhaseOf(ranges: readonly PhaseProgress[], position: number): number | undefined {
  let low = 0
  let high = ranges.length - 1
  while (low <= high) {
    const middle = (low + high) >>> 1
    const range = ranges[middle]
    if (range === undefined) return undefined
    if (position >= range.end) low = middle + 1
    else if (position < range.first) high = middle - 1
    else return middle
  }
  return undefined
}

/** Refuses plans that nobody can mean: no phase, shares beyond the whole, devices left over, limits out of range. */
export function verifyPhases(phases: readonly Phase[]): void {
  if (phases.length === 0) throw wrong('a deployment needs at least one phase', 'phases')
  if (phases.length > maxPhases) throw wrong(`more than ${maxPhases} phases`, 'phases')
  let basis = 0
  phases.forEach((phase, index) => {
    const at = `phases[${index}]`
    const last = index === phases.length - 1
    basis += verifyShare(phase.share, last, at)
    if (!(phase.delay >= 0) || !Number.isSafeInteger(phase.delay)) throw wrong('a delay is milliseconds, 0 or more', at)
  })
  const lastShare = phases.at(-1)?.share
  if (basis > 10_000) throw wrong('the phases ask for more than 100 percent', 'phases')
  const counted = phases.some(({ share }) => share !== 'rest' && 'count' in share)
  if (lastShare !== 'rest' && (counted || basis !== 10_000)) {
    throw wrong('the phases must come to 100 percent, or the last phase must take the rest', 'phases')
  }
}

function verifyShare(share: Share, last: boolean, at: string): number {
  if (share === 'rest') {
    if (!last) throw wrong('only the last phase can take the rest', at)
    return 0
  }
  if ('count' in share) {
    if (!Number.isSafeInteger(share.count) || share.count < 1) throw wrong('a count is a whole number, 1 or more', at)
    return 0
  }
  if (!(share.percent >= 0.01 && share.percent <= 100)) throw wrong('a share is between 0.01 and 100 percent', at)
  return basisPoints(share.percent)
}

function wrong(message: string, at: string): Fault {
  return new Fault('malformed', 'deployments.bad_phases', message, { at })
}
