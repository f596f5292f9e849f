import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { Rocket } from 'lucide-react'
import { useState } from 'react'
import { ask } from '../../api/questions.ts'
import { Asked } from '../../ui/ask.tsx'
import { Button } from '../../ui/button.tsx'
import { Empty } from '../../ui/empty.tsx'
import { bytes } from '../../ui/format.ts'
import { Panel } from '../../ui/page.tsx'
import { Progress } from '../../ui/progress.tsx'
import { StateBadge } from '../../ui/state-badge.tsx'
import { deviceStatuses } from '../../ui/states.ts'
import { Ago } from '../../ui/time.tsx'
import { DeviceRun } from '../deployment/device-run.tsx'

/** Everything that was ever given to the device, latest first, with its steps. */
export function DeviceDeployments() {
  const { device } = useParams({ from: '/shell/devices/$device/' })
  const answer = useQuery(ask.deviceDeployments(device))
  const [open, setOpen] = useState<string>()
  return (
    <Panel title="Deployments">
      <Asked of={answer}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty icon={Rocket} title="Nothing was deployed to it yet">
              When it takes part in a deployment, each step that it reports appears here, with its log if it fails.
            </Empty>
          ) : (
            <ul className="divide-y divide-line">
              {items.map((item, index) => {
                const shown = open === undefined ? index === 0 : open === item.deployment.id
                return (
                  <li key={item.deployment.id}>
                    <div className="flex min-h-11 flex-wrap items-center gap-x-3 gap-y-1 px-4 py-1.5">
                      <Link
                        to="/deployments/$deployment"
                        params={{ deployment: item.deployment.id }}
                        className="min-w-0 truncate font-medium hover:text-accent-text hover:underline"
                      >
                        {item.deployment.name}
                      </Link>
                      <span className="font-mono text-xs text-muted">{item.release}</span>
                      <StateBadge look={deviceStatuses[item.status]} />
                      {item.attempt > 1 && <span className="text-xs text-muted">attempt {item.attempt}</span>}
                      <span className="ml-auto text-xs text-muted">
                        <Ago at={item.updatedAt} />
                      </span>
                      <Button
                        look="quiet"
                        size="small"
                        aria-expanded={shown}
                        onClick={() => setOpen(shown ? '' : item.deployment.id)}
                      >
                        {shown ? 'Hide' : 'Steps'}
                      </Button>
                    </div>
                    {item.progress && (
                      <div className="flex items-center gap-3 px-4 pb-2">
                        <Progress done={item.progress.done} of={item.progress.of} label="Download" />
                        <span className="numbers text-xs whitespace-nowrap text-muted">
                          {bytes(item.progress.done)} of {bytes(item.progress.of)}
                        </span>
                      </div>
                    )}
                    {shown && <DeviceRun deployment={item.deployment.id} device={device} />}
                  </li>
                )
              })}
            </ul>
          )
        }
      </Asked>
    </Panel>
  )
}
