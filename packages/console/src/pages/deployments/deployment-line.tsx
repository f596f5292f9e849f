import { Link } from '@tanstack/react-router'
import type { Deployment } from '../../api/client.ts'
import { count, percent } from '../../ui/format.ts'
import { PartsBar } from '../../ui/progress.tsx'
import { StateBadge } from '../../ui/state-badge.tsx'
import { deploymentStates, finishedOf, partsOf } from '../../ui/states.ts'
import { Ago } from '../../ui/time.tsx'

/** One deployment in a list: what, how far, and why it stands still if it does. */
export function DeploymentLine({ of: deployment }: { of: Deployment }) {
  const finished = finishedOf(deployment.counts)
  const failed = deployment.counts.failure ?? 0
  return (
    <div className="grid gap-2 px-4 py-2.5">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <Link
          to="/deployments/$deployment"
          params={{ deployment: deployment.id }}
          className="min-w-0 truncate rounded font-medium hover:text-accent-text hover:underline"
        >
          {deployment.name}
        </Link>
        <StateBadge look={deploymentStates[deployment.state]} />
        <span className="min-w-0 truncate text-xs text-muted">
          {deployment.release.product.name} <span className="font-mono">{deployment.release.version}</span>
        </span>
        <span className="numbers ml-auto text-xs text-muted">
          <span className="font-medium text-ink">{count(finished)}</span> of {count(deployment.devices)} ·{' '}
          {percent(finished, deployment.devices)}
          {failed > 0 && <span className="text-failing"> · {count(failed)} failed</span>}
          <span className="max-sm:hidden">
            {' '}
            · <Ago at={deployment.startedAt ?? deployment.createdAt} />
          </span>
        </span>
      </div>
      <PartsBar parts={partsOf(deployment.counts)} of={deployment.devices} label={`Progress of ${deployment.name}`} />
      {deployment.reason !== undefined && <p className="text-xs text-muted">{deployment.reason}</p>}
    </div>
  )
}
