import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { KeyRound } from 'lucide-react'
import { useState } from 'react'
import { useRefresh } from '../../api/act.ts'
import { client, type DeviceKey } from '../../api/client.ts'
import { ask } from '../../api/questions.ts'
import { useMay } from '../../app/session.ts'
import { Asked } from '../../ui/ask.tsx'
import { Button } from '../../ui/button.tsx'
import { Confirm } from '../../ui/confirm.tsx'
import { Copyable } from '../../ui/copyable.tsx'
import { Empty } from '../../ui/empty.tsx'
import { words } from '../../ui/format.ts'
import { Panel } from '../../ui/page.tsx'
import { StateBadge } from '../../ui/state-badge.tsx'
import { deviceStates } from '../../ui/states.ts'
import { Table } from '../../ui/table.tsx'
import { Ago } from '../../ui/time.tsx'

export function DeviceKeys() {
  const { device } = useParams({ from: '/shell/devices/$device/keys' })
  const answer = useQuery(ask.device(device))
  const may = useMay()
  const refresh = useRefresh()
  const [asking, setAsking] = useState<{ key: DeviceKey; state: 'accepted' | 'rejected' }>()
  return (
    <Panel title="Keys" aside="one of them may be accepted">
      <Asked of={answer}>
        {({ keys }) =>
          keys.length === 0 ? (
            <Empty icon={KeyRound} title="No key yet">
              The device makes its own key and shows its public half when it first asks; the private half never leaves
              it.
            </Empty>
          ) : (
            <Table
              label="Keys of the device"
              rows={keys}
              rowKey={(key) => key.id}
              columns={[
                { name: 'State', cell: (key) => <StateBadge look={deviceStates[key.state]} /> },
                { name: 'Algorithm', cell: (key) => key.algorithm },
                {
                  name: 'Fingerprint',
                  cell: (key) => <Copyable value={key.fingerprint} short={20} label="fingerprint" />,
                },
                { name: 'Came by', from: 'md', cell: (key) => words(key.origin) },
                { name: 'Added', from: 'md', cell: (key) => <Ago at={key.addedAt} /> },
                { name: 'Decided', from: 'lg', cell: (key) => <Ago at={key.decidedAt} none="—" /> },
                {
                  name: '(Actions)',
                  right: true,
                  cell: (key) =>
                    may('devices.accept') && (
                      <span className="flex justify-end gap-1.5">
                        {key.state !== 'accepted' && key.state !== 'retired' && (
                          <Button size="small" onClick={() => setAsking({ key, state: 'accepted' })}>
                            Accept
                          </Button>
                        )}
                        {(key.state === 'accepted' || key.state === 'pending') && (
                          <Button size="small" look="danger" onClick={() => setAsking({ key, state: 'rejected' })}>
                            Reject
                          </Button>
                        )}
                      </span>
                    ),
                },
              ]}
            />
          )
        }
      </Asked>
      <Confirm
        open={asking !== undefined}
        onClose={() => setAsking(undefined)}
        title={asking?.state === 'accepted' ? 'Accept this key' : 'Reject this key'}
        verb={asking?.state === 'accepted' ? 'Accept' : 'Reject'}
        look={asking?.state === 'accepted' ? 'primary' : 'danger'}
        consequences={
          asking?.state === 'accepted'
            ? [
                'The device authenticates with this key from now on.',
                'A key that was accepted before is retired, and its tokens end at once.',
              ]
            : ['The device can no longer authenticate with this key; its tokens end at once.']
        }
        act={async () => {
          if (asking === undefined) return
          await client.devices.decideKey({ params: { device, key: asking.key.id }, body: { state: asking.state } })
          await refresh(['devices', 'deployments'], asking.state === 'accepted' ? 'Key accepted' : 'Key rejected')
        }}
      />
    </Panel>
  )
}
