import { useInfiniteQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { Radio } from 'lucide-react'
import type { Deployment, DeploymentDevice, DeviceStatus } from '../../api/client.ts'
import { ask } from '../../api/questions.ts'
import { Asked } from '../../ui/ask.tsx'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Empty } from '../../ui/empty.tsx'
import { bytes, deviceName } from '../../ui/format.ts'
import { More } from '../../ui/more.tsx'
import { Panel } from '../../ui/page.tsx'
import { Progress } from '../../ui/progress.tsx'
import { StateBadge } from '../../ui/state-badge.tsx'
import { deviceStatuses } from '../../ui/states.ts'
import { type Column, Table } from '../../ui/table.tsx'
import { Ago } from '../../ui/time.tsx'
import { DeviceRun } from './device-run.tsx'

/** The devices that were heard of in a deployment; each opens its own steps and log. */
export function DeploymentDevices({ of: deployment }: { of: Deployment }) {
  const { status, phase, device } = useSearch({ from: '/shell/deployments/$deployment' })
  const navigate = useNavigate({ from: '/deployments/$deployment' })
  const pages = useInfiniteQuery(
    ask.deploymentDevices(deployment.id, {
      ...(status !== undefined && status in deviceStatuses ? { status: status as DeviceStatus } : {}),
      ...(phase === undefined ? {} : { phase: Number(phase) }),
    }),
  )
  const go = (change: { status?: string; phase?: string; device?: string }): void =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true })
  const shown = pages.data?.pages.flatMap((page) => page.items).find((item) => item.device.id === device)
  return (
    <Panel
      title="Devices"
      aside="that were heard of"
      actions={
        <>
          <select
            aria-label="Status"
            className="input w-auto"
            value={status ?? ''}
            onChange={(event) => go({ status: event.target.value })}
          >
            <option value="">Every status</option>
            {Object.entries(deviceStatuses).map(([value, { label }]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
          {deployment.phases.length > 1 && (
            <select
              aria-label="Phase"
              className="input w-auto"
              value={phase ?? ''}
              onChange={(event) => go({ phase: event.target.value })}
            >
              <option value="">Every phase</option>
              {deployment.phases.map(({ number }) => (
                <option key={number} value={number}>
                  Phase {number}
                </option>
              ))}
            </select>
          )}
        </>
      }
    >
      <Asked of={pages} lines={4}>
        {(answer) => {
          const items = answer.pages.flatMap((page) => page.items)
          return items.length === 0 ? (
            <Empty icon={Radio} title="No device has asked yet">
              Devices appear here when they ask and are given the release. Nothing is pushed: it takes as long as their
              polling interval.
            </Empty>
          ) : (
            <>
              <DeviceTable items={items} onOpen={(id) => go({ device: id })} />
              <More of={pages} />
            </>
          )
        }}
      </Asked>
      <Dialog
        open={shown !== undefined}
        onClose={() => go({ device: '' })}
        title={shown === undefined ? '' : deviceName(shown.device)}
        description={deployment.name}
        wide
      >
        <div className="-mx-4">{shown && <DeviceRun deployment={deployment.id} device={shown.device.id} />}</div>
      </Dialog>
    </Panel>
  )
}

function DeviceTable({ items, onOpen }: { items: readonly DeploymentDevice[]; onOpen: (device: string) => void }) {
  return (
    <Table
      label="Devices of the deployment"
      rows={items}
      rowKey={(item) => item.device.id}
      columns={[
        {
          name: 'Device',
          cell: (item) => (
            <Link
              to="/devices/$device"
              params={{ device: item.device.id }}
              className="font-medium hover:text-accent-text hover:underline"
            >
              {deviceName(item.device)}
            </Link>
          ),
        },
        { name: 'Phase', right: true, from: 'sm', cell: (item) => item.phase },
        {
          name: 'Status',
          cell: (item) => (
            <span className="flex items-center gap-2">
              <StateBadge look={deviceStatuses[item.status]} />
              {item.substate !== undefined && (
                <span className="truncate text-xs text-muted max-md:hidden">{item.substate}</span>
              )}
            </span>
          ),
        },
        ...shownWhere(items, (item) => item.progress !== undefined, {
          name: 'Download',
          from: 'lg',
          className: 'w-44',
          cell: (item) =>
            item.progress && (
              <span className="grid gap-1">
                <Progress
                  done={item.progress.done}
                  of={item.progress.of}
                  label={`Download of ${deviceName(item.device)}`}
                />
                <span className="numbers text-xs text-muted">
                  {bytes(item.progress.done)} of {bytes(item.progress.of)}
                </span>
              </span>
            ),
        }),
        ...shownWhere(items, (item) => item.attempt > 1, {
          name: 'Attempt',
          right: true,
          from: 'md',
          cell: (item) => item.attempt,
        }),
        { name: 'Last word', from: 'sm', cell: (item) => <Ago at={item.updatedAt} /> },
        {
          name: '(Actions)',
          right: true,
          cell: (item) => (
            <Button
              size="small"
              look="quiet"
              onClick={() => onOpen(item.device.id)}
              aria-label={`Steps${item.hasLog ? ' and log' : ''} of ${deviceName(item.device)}`}
            >
              Steps{item.hasLog && ' and log'}
            </Button>
          ),
        },
      ]}
    />
  )
}

/** A column that has something to say for at least one of the devices. */
function shownWhere(
  items: readonly DeploymentDevice[],
  says: (item: DeploymentDevice) => boolean,
  column: Column<DeploymentDevice>,
): Column<DeploymentDevice>[] {
  return items.some(says) ? [column] : []
}
