import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { SlidersHorizontal } from 'lucide-react'
import { ask } from '../../api/questions.ts'
import { Asked } from '../../ui/ask.tsx'
import { Badge } from '../../ui/badge.tsx'
import { Empty } from '../../ui/empty.tsx'
import { Panel } from '../../ui/page.tsx'
import { Table } from '../../ui/table.tsx'
import { Ago } from '../../ui/time.tsx'

interface Setting {
  readonly name: string
  readonly desired: string | undefined
  readonly reported: string | undefined
  readonly drifts: boolean
}

/** What it was told to use beside what it says it uses. */
export function DeviceConfiguration() {
  const { device } = useParams({ from: '/shell/devices/$device/configuration' })
  const answer = useQuery(ask.configuration(device))
  const history = useQuery(ask.configurationHistory(device))
  return (
    <>
      <Panel
        title="Configuration"
        aside={
          answer.data?.desiredAt !== undefined && (
            <>
              delivered <Ago at={answer.data.desiredAt} />
            </>
          )
        }
      >
        <Asked of={answer}>
          {({ desired, reported, drift }) => {
            const rows = settingsOf(desired, reported, new Set(drift.map((one) => one.name)))
            return rows.length === 0 ? (
              <Empty icon={SlidersHorizontal} title="No configuration was delivered">
                <p>
                  A configuration is an artifact that your own key signs. Make it with{' '}
                  <code>holdfast artifact write --type mender-configure</code>, upload it as a release and deploy it
                  like any other.
                </p>
              </Empty>
            ) : (
              <Table
                label="Configuration"
                rows={rows}
                rowKey={(row) => row.name}
                columns={[
                  { name: 'Setting', className: 'font-mono text-xs', cell: (row) => row.name },
                  { name: 'Desired', className: 'font-mono text-xs break-all', cell: (row) => row.desired ?? '—' },
                  { name: 'Reported', className: 'font-mono text-xs break-all', cell: (row) => row.reported ?? '—' },
                  {
                    name: 'Verdict',
                    cell: (row) =>
                      row.drifts ? <Badge tone="failing">Drifts</Badge> : <Badge tone="holds">Holds</Badge>,
                  },
                ]}
              />
            )
          }}
        </Asked>
      </Panel>
      <Panel title="History">
        <Asked of={history} lines={3}>
          {({ items }) =>
            items.length === 0 ? (
              <p className="px-4 py-6 text-center text-muted">Nothing yet.</p>
            ) : (
              <Table
                label="Configuration history"
                rows={items}
                rowKey={(item) => item.at + item.kind}
                columns={[
                  { name: 'When', cell: (item) => <Ago at={item.at} /> },
                  { name: 'What', cell: (item) => (item.kind === 'desired' ? 'Delivered' : 'Reported') },
                  {
                    name: 'Settings',
                    className: 'font-mono text-xs break-all',
                    cell: (item) =>
                      Object.entries(item.settings)
                        .map(([name, value]) => `${name}=${value}`)
                        .join('  '),
                  },
                ]}
              />
            )
          }
        </Asked>
      </Panel>
    </>
  )
}

function settingsOf(
  desired: Record<string, string>,
  reported: Record<string, string>,
  drift: ReadonlySet<string>,
): Setting[] {
  const names = [...new Set([...Object.keys(desired), ...Object.keys(reported)])].sort()
  return names.map((name) => ({ name, desired: desired[name], reported: reported[name], drifts: drift.has(name) }))
}
