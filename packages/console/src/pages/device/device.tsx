import { useQuery } from '@tanstack/react-query'
import { Outlet, useParams } from '@tanstack/react-router'
import type { DeviceDetail } from '../../api/client.ts'
import { ask } from '../../api/questions.ts'
import { Asked } from '../../ui/ask.tsx'
import { Copyable } from '../../ui/copyable.tsx'
import { deviceName } from '../../ui/format.ts'
import { Page } from '../../ui/page.tsx'
import { StateBadge } from '../../ui/state-badge.tsx'
import { deviceStates } from '../../ui/states.ts'
import { TabLinks } from '../../ui/tabs.tsx'
import { DeviceActions } from './actions.tsx'
import { DeviceFacts } from './facts.tsx'
import { NextAnswer } from './next-answer.tsx'

export function DevicePage() {
  const { device } = useParams({ from: '/shell/devices/$device' })
  const answer = useQuery(ask.device(device))
  if (answer.data === undefined) {
    return (
      <Page title="Device" up={{ label: 'Devices', to: '/devices' }}>
        <Asked of={answer}>{() => null}</Asked>
      </Page>
    )
  }
  return <Detail of={answer.data} />
}

function Detail({ of: device }: { of: DeviceDetail }) {
  const params = { device: device.id }
  const waiting = device.keys.filter((key) => key.state === 'pending').length
  return (
    <Page
      title={deviceName(device)}
      up={{ label: 'Devices', to: '/devices' }}
      aside={
        <>
          <StateBadge look={deviceStates[device.state]} />
          <Copyable value={device.id} short={8} tail label="device id" />
        </>
      }
      actions={<DeviceActions of={device} />}
      tabs={
        <TabLinks
          label="Device"
          tabs={[
            { label: 'Deployments', to: '/devices/$device', params, exact: true },
            { label: 'Inventory', to: '/devices/$device/inventory', params },
            { label: waiting > 0 ? `Keys · ${String(waiting)} waiting` : 'Keys', to: '/devices/$device/keys', params },
            { label: 'Configuration', to: '/devices/$device/configuration', params },
          ]}
        />
      }
    >
      <div className="grid grid-cols-[minmax(0,1fr)] items-start gap-5 xl:grid-cols-[minmax(0,1fr)_22rem]">
        <div className="grid min-w-0 grid-cols-[minmax(0,1fr)] gap-5">
          <Outlet />
        </div>
        <div className="grid min-w-0 grid-cols-[minmax(0,1fr)] gap-5">
          <NextAnswer device={device.id} />
          <DeviceFacts of={device} />
        </div>
      </div>
    </Page>
  )
}
