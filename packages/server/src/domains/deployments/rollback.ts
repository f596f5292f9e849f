import { Fault } from '@holdfast/kernel'
import { type Deployment, hasEnded } from './deployment.ts'
import { type DeviceRow, isBeforeInstalling } from './status.ts'

/** Devices that go back together, because they ran the same release before. */
export interface RollbackGroup {
  readonly release: string
  readonly devices: readonly string[]
}

export interface RollbackPlan {
  readonly groups: readonly RollbackGroup[]
  /** Devices that were touched but whose former release nobody knows; they stay as they are. */
  readonly unknown: readonly string[]
}

/**
 * Sorts the devices that a deployment has touched by the release they ran before. Devices that it never changed
 * need nothing. Refused while the deployment can still hand out: abort or pause it first.
 */
export function deriveRollback(deployment: Deployment, rows: Iterable<DeviceRow>): RollbackPlan {
  if (!hasEnded(deployment) && deployment.state !== 'paused') {
    throw new Fault('conflict', 'deployments.cannot_roll_back', `it is ${deployment.state}; abort or pause it first`)
  }
  const groups = new Map<string, string[]>()
  const unknown: string[] = []
  for (const row of rows) {
    if (!wasTouched(row)) continue
    if (row.previousRelease === undefined || row.previousRelease === deployment.release) unknown.push(row.device)
    else {
      const members = groups.get(row.previousRelease)
      if (members === undefined) groups.set(row.previousRelease, [row.device])
      else members.push(row.device)
    }
  }
  return { groups: [...groups].map(([release, devices]) => ({ release, devices })), unknown }
}

/** A failed or aborted device went back by itself; one that succeeded, or is past the download, runs the new bytes. */
function wasTouched({ status }: DeviceRow): boolean {
  if (status === 'success') return true
  if (status === 'failure' || status === 'aborted' || status === 'already_installed' || status === 'incompatible') {
    return false
  }
  return !isBeforeInstalling(status)
}
