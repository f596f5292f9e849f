import type { Handout, PausePoint } from '../../domains/deployments/index.ts'

/** Mender's names of the points at which a 3.x client can wait. */
const states: Readonly<Record<PausePoint, string>> = {
  installing: 'ArtifactInstall_Enter',
  rebooting: 'ArtifactReboot_Enter',
  committing: 'ArtifactCommit_Enter',
}

type Action = 'continue' | 'pause' | 'fail'

export interface ControlMap {
  /** The deployment's id, or the client fails the deployment. */
  readonly id: string
  readonly priority: number
  readonly states: Readonly<Record<string, { action: Action; on_map_expire: 'fail'; on_action_executed: Action }>>
}

/** The points at which a device must stop now; the time to install counts as one. */
export function decidePauses({ install, pauseAt }: Pick<Handout, 'install' | 'pauseAt'>): readonly PausePoint[] {
  return install.when === 'wait' && !pauseAt.includes('installing') ? ['installing', ...pauseAt] : pauseAt
}

/** A client that no longer hears from us while it waits fails: silence is no consent. */
export function controlMap(deployment: string, actionAt: (point: PausePoint) => Action): ControlMap {
  const entries = (Object.keys(states) as PausePoint[]).map((point) => {
    const action = actionAt(point)
    return [states[point], { action, on_map_expire: 'fail', on_action_executed: action }] as const
  })
  return { id: deployment, priority: 0, states: Object.fromEntries(entries) }
}
