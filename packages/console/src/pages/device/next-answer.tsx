import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { ask } from '../../api/questions.ts'
import { Asked } from '../../ui/ask.tsx'
import { Badge } from '../../ui/badge.tsx'
import { sentence } from '../../ui/fault-note.tsx'
import { Panel } from '../../ui/page.tsx'
import type { Tone } from '../../ui/tone.ts'

const answers: Readonly<
  Record<'nothing' | 'deliver' | 'cancel' | 'already_installed' | 'incompatible', readonly [string, Tone]>
> = {
  nothing: ['Nothing to do', 'idle'],
  deliver: ['It would get a release', 'live'],
  cancel: ['It would be told to cancel', 'stale'],
  already_installed: ['It already runs it', 'holds'],
  incompatible: ['It would be found incompatible', 'unproven'],
}

/** The same decision that the gateways take, asked without a device. */
export function NextAnswer({ device }: { device: string }) {
  const next = useQuery(ask.wouldDo(device))
  return (
    <Panel title="If it asked now" padded>
      <Asked of={next} lines={2}>
        {({ answer, why, deployment, considered }) => (
          <div className="grid gap-2">
            <div className="flex flex-wrap items-center gap-2">
              <Badge tone={answers[answer][1]}>{answers[answer][0]}</Badge>
              {deployment && (
                <Link to="/deployments/$deployment" params={{ deployment: deployment.id }} className="link">
                  {deployment.name}
                </Link>
              )}
            </div>
            <p className="text-muted">{sentence(why)}</p>
            {considered.length > 0 && (
              <details>
                <summary className="min-h-6 cursor-pointer text-xs text-muted">
                  {considered.length} {considered.length === 1 ? 'deployment' : 'deployments'} considered, in order
                </summary>
                <ol className="mt-1.5 grid list-decimal gap-1.5 pl-5 text-xs">
                  {considered.map((one) => (
                    <li key={one.deployment.id}>
                      <Link to="/deployments/$deployment" params={{ deployment: one.deployment.id }} className="link">
                        {one.deployment.name}
                      </Link>
                      <span className="text-muted"> — {one.why}</span>
                    </li>
                  ))}
                </ol>
              </details>
            )}
          </div>
        )}
      </Asked>
    </Panel>
  )
}
