import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import type { Deployment } from '../../api/client.ts'
import { ask } from '../../api/questions.ts'
import { Asked } from '../../ui/ask.tsx'
import { classes } from '../../ui/class-names.ts'
import { Copyable } from '../../ui/copyable.tsx'
import { sentence } from '../../ui/fault-note.tsx'
import { count, percent } from '../../ui/format.ts'
import { Page, Panel } from '../../ui/page.tsx'
import { Legend, PartsBar } from '../../ui/progress.tsx'
import { StateBadge } from '../../ui/state-badge.tsx'
import { deploymentStates, deviceStatuses, finishedOf, partsOf } from '../../ui/states.ts'
import { type Tone, toneText } from '../../ui/tone.ts'
import { DeploymentActions } from './actions.tsx'
import { DeploymentDevices } from './devices.tsx'
import { Phases } from './phases.tsx'
import { PolicyFacts } from './policy-facts.tsx'

export function DeploymentPage() {
  const { deployment } = useParams({ from: '/shell/deployments/$deployment' })
  const answer = useQuery(ask.deployment(deployment))
  if (answer.data === undefined) {
    return (
      <Page title="Deployment" up={{ label: 'Deployments', to: '/deployments' }}>
        <Asked of={answer}>{() => null}</Asked>
      </Page>
    )
  }
  return <Detail of={answer.data} />
}

function Detail({ of: deployment }: { of: Deployment }) {
  return (
    <Page
      title={deployment.name}
      up={{ label: 'Deployments', to: '/deployments' }}
      aside={
        <>
          <span role="status">
            <StateBadge look={deploymentStates[deployment.state]} />
          </span>
          <Link to="/releases/$release" params={{ release: deployment.release.id }} className="link min-w-0 truncate">
            {deployment.release.product.name} <span className="font-mono text-xs">{deployment.release.version}</span>
          </Link>
          <span className="max-lg:hidden">
            <Copyable value={deployment.id} short={8} tail label="deployment id" />
          </span>
        </>
      }
      actions={<DeploymentActions of={deployment} />}
    >
      {deployment.reason !== undefined && (
        <p className={classes('rounded-md px-3 py-2', deployment.state === 'halted' ? 'bg-failing-soft' : 'bg-raised')}>
          {sentence(deployment.reason)}
        </p>
      )}
      <Figures of={deployment} />
      <div className="grid grid-cols-[minmax(0,1fr)] items-start gap-5 xl:grid-cols-[minmax(0,1fr)_20rem]">
        <div className="grid min-w-0 grid-cols-[minmax(0,1fr)] gap-5">
          <Phases of={deployment} />
          <DeploymentDevices of={deployment} />
        </div>
        <PolicyFacts of={deployment} />
      </div>
    </Page>
  )
}

function Figures({ of: deployment }: { of: Deployment }) {
  const { counts, devices } = deployment
  const finished = finishedOf(counts)
  const good = (counts.success ?? 0) + (counts.already_installed ?? 0)
  const bad = counts.failure ?? 0
  const known = Object.entries(counts).reduce((sum, [status, value]) => sum + (status === 'pending' ? 0 : value), 0)
  const parts = [
    ...partsOf(counts),
    { label: deviceStatuses.pending.label, value: Math.max(0, devices - known), tone: 'idle' as const, light: true },
  ]
  return (
    <Panel title="Progress" aside={`${count(finished)} of ${count(devices)} devices finished`}>
      <div className="grid gap-4 p-4">
        <dl className="grid grid-cols-2 gap-x-6 gap-y-3 sm:grid-cols-4">
          <Figure name="Finished" value={percent(finished, devices)} note={`${count(finished)} of ${count(devices)}`} />
          <Figure
            name="Succeeded"
            value={count(good)}
            note={finished === 0 ? 'none finished yet' : `${percent(good, finished)} of the finished`}
            tone="holds"
          />
          <Figure
            name="Failed"
            value={count(bad)}
            note={finished === 0 ? 'none finished yet' : `${percent(bad, finished)} of the finished`}
            {...(bad > 0 ? { tone: 'failing' as const } : {})}
          />
          <Figure
            name="At it now"
            value={count(Math.max(0, known - finished))}
            note={`${count(Math.max(0, devices - known))} not yet asked`}
          />
        </dl>
        <PartsBar parts={partsOf(counts)} of={devices} label="All devices" tall />
        <Legend parts={parts} of={devices} />
      </div>
    </Panel>
  )
}

function Figure({ name, value, note, tone }: { name: string; value: string; note: string; tone?: Tone }) {
  return (
    <div>
      <dt className="label">{name}</dt>
      <dd className={classes('numbers text-xl font-semibold tracking-tight', tone && value !== '0' && toneText[tone])}>
        {value}
      </dd>
      <dd className="numbers text-xs text-muted">{note}</dd>
    </div>
  )
}
