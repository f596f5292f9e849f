import { useState } from 'react'
import { useAct } from '../../api/act.ts'
import { client, type Deployment } from '../../api/client.ts'
import { useMay } from '../../app/session.ts'
import { Button } from '../../ui/button.tsx'
import { count, percent } from '../../ui/format.ts'
import { Panel } from '../../ui/page.tsx'
import { PartsBar } from '../../ui/progress.tsx'
import { StateBadge } from '../../ui/state-badge.tsx'
import { finishedOf, partsOf, phaseStates } from '../../ui/states.ts'
import { Table } from '../../ui/table.tsx'
import { Ago } from '../../ui/time.tsx'

type Phase = Deployment['phases'][number]

/** Each phase as a bar over its own devices; the mark is the success that opens the next one. The same as a table for those who prefer numbers. */
export function Phases({ of: deployment }: { of: Deployment }) {
  const [table, setTable] = useState(false)
  return (
    <Panel
      title="Phases"
      aside={
        deployment.phases.length > 1 && `the next one opens at ${String(deployment.policy.successPercent)} % success`
      }
      actions={
        <Button size="small" look="quiet" aria-pressed={table} onClick={() => setTable(!table)}>
          {table ? 'As chart' : 'As table'}
        </Button>
      }
    >
      {table ? (
        <PhaseTable of={deployment.phases} />
      ) : (
        <ol className="divide-y divide-line">
          {deployment.phases.map((phase) => (
            <PhaseRow key={phase.number} of={phase} deployment={deployment} />
          ))}
        </ol>
      )}
    </Panel>
  )
}

function PhaseRow({ of: phase, deployment }: { of: Phase; deployment: Deployment }) {
  const may = useMay()
  const act = useAct()
  const finished = finishedOf(phase.counts)
  const failed = phase.counts.failure ?? 0
  const openable =
    (phase.state === 'gated' || phase.state === 'waiting') &&
    phase.number > 1 &&
    deployment.state === 'running' &&
    deployment.phases[phase.number - 2]?.openedAt !== undefined
  const last = phase.number === deployment.phases.length
  return (
    <li className="grid gap-x-5 gap-y-2 px-4 py-3 md:grid-cols-[11rem_minmax(0,1fr)_9rem] md:items-center">
      <div className="flex flex-wrap items-center gap-2">
        <span className="font-medium">Phase {phase.number}</span>
        <StateBadge look={phaseStates[phase.state]} />
      </div>
      <div className="grid gap-1">
        <PartsBar
          parts={partsOf(phase.counts)}
          of={phase.devices}
          label={`Phase ${String(phase.number)}`}
          tall
          {...(last ? {} : { marker: deployment.policy.successPercent })}
        />
        <p className="text-xs text-muted">
          {phase.openedAt === undefined ? (
            waitsFor(phase, deployment)
          ) : (
            <>
              opened <Ago at={phase.openedAt} />
            </>
          )}
          {failed > 0 && <span className="text-failing"> · {count(failed)} failed</span>}
        </p>
      </div>
      <div className="flex items-center justify-between gap-3 md:justify-end">
        <span className="numbers text-xs text-muted">
          <span className="font-medium text-ink">{count(finished)}</span> of {count(phase.devices)} ·{' '}
          {percent(finished, phase.devices)}
        </span>
        {openable && may('deployments.control') && (
          <Button
            size="small"
            look={phase.state === 'gated' ? 'primary' : 'plain'}
            onClick={() =>
              void act(
                () => client.deployments.openPhase({ params: { deployment: deployment.id, phase: phase.number } }),
                ['deployments'],
                `Phase ${String(phase.number)} opened for ${count(phase.devices)} devices`,
              )
            }
          >
            Open
          </Button>
        )}
      </div>
    </li>
  )
}

/** What a phase that is not open waits for. */
function waitsFor(phase: Phase, { policy, phases }: Deployment): string {
  if (phase.number === 1) return 'not yet begun'
  const { delayMinutes = 0, gate = false } = policy.phases[phase.number - 1] ?? {}
  const before = phases.find((one) => one.number === phase.number - 1)
  const waits = [
    before?.state === 'passed' ? undefined : 'the phase before',
    delayMinutes === 0 ? undefined : `${String(delayMinutes)} minutes after it`,
    gate ? 'somebody to open it' : undefined,
  ].filter((one) => one !== undefined)
  return waits.length === 0 ? 'opens in a moment' : `waits for ${waits.join(' and ')}`
}

function PhaseTable({ of: phases }: { of: readonly Phase[] }) {
  return (
    <Table
      label="Phases"
      rows={phases}
      rowKey={(phase) => String(phase.number)}
      columns={[
        { name: 'Phase', cell: (phase) => phase.number },
        { name: 'State', cell: (phase) => phaseStates[phase.state].label },
        { name: 'Devices', right: true, cell: (phase) => count(phase.devices) },
        { name: 'Finished', right: true, cell: (phase) => count(finishedOf(phase.counts)) },
        {
          name: 'Succeeded',
          right: true,
          cell: (phase) => count((phase.counts.success ?? 0) + (phase.counts.already_installed ?? 0)),
        },
        { name: 'Failed', right: true, cell: (phase) => count(phase.counts.failure ?? 0) },
        { name: 'Incompatible', right: true, from: 'md', cell: (phase) => count(phase.counts.incompatible ?? 0) },
        { name: 'Opened', from: 'sm', cell: (phase) => <Ago at={phase.openedAt} none="—" /> },
      ]}
    />
  )
}
