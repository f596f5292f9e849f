import { type Deployment, isContinuous } from './deployment.ts'
import { type Permutation, permutationOf } from './permutation.ts'
import { findPhaseOf } from './phase-plan.ts'

/** The device numbers that a deployment began with; `rank` is how many members are smaller. */
export interface Population {
  readonly count: number
  has(number: number): boolean
  rank(number: number): number
}

export interface Place {
  readonly phase: number
  /** Where the device stands among the first members; undefined for one that joined later. */
  readonly position?: number
}

/** Knows who belongs to a started deployment and to which phase, without a row per device. */
export interface Roster {
  /** `matches` is asked only when the device was not there at the start and the deployment is continuous. */
  findPlace(deviceNumber: number, matches: () => boolean): Place | undefined
}

export function rosterOf(deployment: Deployment, population: Population): Roster {
  const order: Permutation = permutationOf(deployment.id, population.count)
  return {
    findPlace(deviceNumber, matches) {
      if (population.has(deviceNumber)) {
        const position = order.at(population.rank(deviceNumber))
        const phase = findPhaseOf(deployment.phases, position)
        return phase === undefined ? undefined : { phase, position }
      }
      if (!isContinuous(deployment.target) || !matches()) return undefined
      return { phase: deployment.phases.length - 1 }
    },
  }
}
