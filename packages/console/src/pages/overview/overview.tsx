import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Boxes, Rocket } from 'lucide-react'
import type { DeviceState, Overview } from '../../api/client.ts'
import { ask } from '../../api/questions.ts'
import { useMay } from '../../app/session.ts'
import { Asked } from '../../ui/ask.tsx'
import { LinkButton } from '../../ui/button.tsx'
import { Empty } from '../../ui/empty.tsx'
import { count, percent, plural } from '../../ui/format.ts'
import { Ranking } from '../../ui/meter.tsx'
import { Page, Panel } from '../../ui/page.tsx'
import { Legend, PartsBar } from '../../ui/progress.tsx'
import { deviceStates } from '../../ui/states.ts'
import { DeploymentLine } from '../deployments/deployment-line.tsx'
import { FirstDevice } from './first-device.tsx'
import { LastRecords } from './last-records.tsx'

export function OverviewPage() {
  const overview = useQuery(ask.overview())
  const may = useMay()
  return (
    <Page
      title="Overview"
      actions={
        may('deployments.create') && (
          <LinkButton to="/deployments/new" look="primary" icon={Rocket}>
            Deploy a release
          </LinkButton>
        )
      }
    >
      <Asked of={overview}>
        {(numbers) =>
          numbers.devices.total === 0 ? (
            <FirstDevice />
          ) : (
            <>
              <Figures of={numbers} />
              <div className="grid grid-cols-[minmax(0,1fr)] items-start gap-5 xl:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
                <div className="grid min-w-0 grid-cols-[minmax(0,1fr)] gap-5">
                  <Running />
                  {may('audit.read') && <LastRecords />}
                </div>
                <div className="grid min-w-0 grid-cols-[minmax(0,1fr)] gap-5">
                  <Fleet of={numbers} />
                  <Panel title="Software in the fleet" aside="what devices report">
                    <Ranking
                      items={numbers.software.map(({ version, devices }) => ({
                        label: version,
                        value: devices,
                        to: (
                          <Link
                            to="/devices"
                            search={{ filter: `software = ${JSON.stringify(version)}` }}
                            className="hover:underline"
                          >
                            {version}
                          </Link>
                        ),
                      }))}
                      of={numbers.devices.states.accepted ?? numbers.devices.total}
                      empty="No device has reported its software yet."
                    />
                  </Panel>
                </div>
              </div>
            </>
          )
        }
      </Asked>
    </Page>
  )
}

function Figures({ of: { devices, deployments, releases } }: { of: Overview }) {
  const pending = devices.states.pending ?? 0
  return (
    <dl className="panel grid grid-cols-2 divide-line max-lg:gap-y-px lg:grid-cols-4 lg:divide-x">
      <Figure name="Devices" value={count(devices.total)} to="/devices">
        {pending > 0 ? (
          <Link
            to="/devices"
            search={{ state: 'pending' }}
            className="-my-1 inline-flex min-h-6 items-center text-unproven hover:underline"
          >
            {count(pending)} waiting for your decision
          </Link>
        ) : (
          'nobody waits to be accepted'
        )}
      </Figure>
      <Figure name="Seen in the last day" value={devices.seenLastDay === undefined ? '–' : count(devices.seenLastDay)}>
        {devices.seenLastDay === undefined
          ? 'not measured yet'
          : `${percent(devices.seenLastDay, devices.total)} of ${plural(devices.total, 'device')}${devices.seenLastHour === undefined ? '' : `, ${count(devices.seenLastHour)} in the last hour`}`}
      </Figure>
      <Figure name="Running deployments" value={count(deployments.running)} to="/deployments">
        {deployments.halted > 0 ? (
          <Link
            to="/deployments"
            search={{ state: 'halted' }}
            className="-my-1 inline-flex min-h-6 items-center text-failing hover:underline"
          >
            {plural(deployments.halted, 'deployment')} halted
          </Link>
        ) : (
          `${count(deployments.scheduled)} scheduled, ${count(deployments.finishedLastWeek)} finished this week`
        )}
      </Figure>
      <Figure name="Releases" value={count(releases.total)} to="/releases">
        {count(releases.released)} released
      </Figure>
    </dl>
  )
}

function Figure({
  name,
  value,
  to,
  children,
}: {
  name: string
  value: string
  to?: '/devices' | '/deployments' | '/releases'
  children: React.ReactNode
}) {
  return (
    <div className="grid content-start gap-0.5 px-4 py-3">
      <dt className="label">{name}</dt>
      <dd className="numbers text-2xl font-semibold tracking-tight">
        {to === undefined ? (
          value
        ) : (
          <Link to={to} className="hover:text-accent-text">
            {value}
          </Link>
        )}
      </dd>
      <dd className="text-xs text-muted">{children}</dd>
    </div>
  )
}

const order: readonly DeviceState[] = ['accepted', 'pending', 'preauthorised', 'quarantined', 'rejected', 'retired']

function Fleet({ of: { devices } }: { of: Overview }) {
  const parts = order.map((state) => ({
    ...deviceStates[state],
    value: devices.states[state] ?? 0,
    light: state === 'retired',
  }))
  return (
    <Panel title="States of devices" padded>
      <div className="grid gap-3">
        <PartsBar parts={parts} of={devices.total} label="Devices by state" tall />
        <Legend parts={parts} of={devices.total} />
      </div>
    </Panel>
  )
}

function Running() {
  const running = useInfiniteQuery(ask.deployments({ limit: 6 }))
  const may = useMay()
  const items = running.data?.pages[0]?.items ?? []
  const current = items.filter((item) => item.state === 'running' || item.state === 'paused' || item.state === 'halted')
  const shown = current.length > 0 ? current : items.slice(0, 3)
  return (
    <Panel
      title={current.length > 0 || items.length === 0 ? 'Deployments in progress' : 'Last deployments'}
      actions={
        <Link to="/deployments" className="link text-xs">
          All deployments
        </Link>
      }
    >
      <Asked of={running} lines={3}>
        {() =>
          shown.length === 0 ? (
            <Empty
              icon={Boxes}
              title="Nothing is being deployed"
              action={may('deployments.create') && <LinkButton to="/deployments/new">Deploy a release</LinkButton>}
            >
              A deployment brings a released version to devices, phase by phase, and halts by itself when devices fail.
            </Empty>
          ) : (
            <ul className="divide-y divide-line">
              {shown.map((deployment) => (
                <li key={deployment.id}>
                  <DeploymentLine of={deployment} />
                </li>
              ))}
            </ul>
          )
        }
      </Asked>
    </Panel>
  )
}
