import { Ellipsis, Rocket } from 'lucide-react'
import { useState } from 'react'
import { useAct, useRefresh } from '../../api/act.ts'
import { client, type DeviceDetail } from '../../api/client.ts'
import { useMay } from '../../app/session.ts'
import { Button, LinkButton } from '../../ui/button.tsx'
import { Confirm, type Consequence } from '../../ui/confirm.tsx'
import { OneTimeSecret } from '../../ui/copyable.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Menu, type MenuItem } from '../../ui/menu.tsx'
import { tellFault } from '../../ui/toast.tsx'

type Act = 'reject' | 'quarantine' | 'retire' | 'revoke'

const consequences: Readonly<Record<Act, Omit<Consequence, 'devices'>>> = {
  reject: {
    title: 'Reject this device',
    verb: 'Reject',
    consequences: ['Its tokens end at once, on every node.', 'It can ask again; you can accept it later.'],
  },
  quarantine: {
    title: 'Quarantine this device',
    verb: 'Quarantine',
    reason: 'required',
    consequences: [
      'Its tokens end at once and it gets no update.',
      'It is refused everything but reporting, until you release it.',
    ],
  },
  retire: {
    title: 'Retire this device',
    verb: 'Retire',
    reason: 'required',
    always: true,
    consequences: [
      'It is refused for ever: its keys and identity cannot be used again.',
      'Its history and audit records stay.',
      'This cannot be undone.',
    ],
  },
  revoke: {
    title: 'End the tokens of this device',
    verb: 'End tokens',
    consequences: [
      'Every token of it ends within a second.',
      'It stays accepted and gets a new token when it authenticates again.',
    ],
  },
}

export function DeviceActions({ of: device }: { of: DeviceDetail }) {
  const may = useMay()
  const act = useAct()
  const refresh = useRefresh()
  const [asking, setAsking] = useState<Act>()
  const [token, setToken] = useState<string>()
  const params = { device: device.id }

  async function run(what: Act, reason: string): Promise<void> {
    if (what === 'reject') await client.devices.reject({ params })
    else if (what === 'quarantine') await client.devices.quarantine({ params, body: { reason } })
    else if (what === 'retire') await client.devices.retire({ params, body: { reason } })
    else await client.devices.revokeTokens({ params })
    await refresh(['devices', 'deployments'], `${consequences[what].verb}: done`)
  }
  async function makeToken(): Promise<void> {
    try {
      setToken((await client.devices.targetToken({ params })).token)
    } catch (thrown) {
      tellFault(thrown)
    }
  }
  const acceptable = device.state === 'pending' || device.state === 'rejected'
  const items: (MenuItem | 'line' | false)[] = [
    may('devices.accept') && device.state === 'accepted' && { label: 'Reject…', onSelect: () => setAsking('reject') },
    may('devices.manage') &&
      device.state === 'accepted' && { label: 'End its tokens…', onSelect: () => setAsking('revoke') },
    may('devices.accept') &&
      device.state !== 'retired' && { label: 'New DDI target token', onSelect: () => void makeToken() },
    may('devices.quarantine') &&
      device.state !== 'quarantined' &&
      device.state !== 'retired' && { label: 'Quarantine…', danger: true, onSelect: () => setAsking('quarantine') },
    may('devices.retire') &&
      device.state !== 'retired' && { label: 'Retire…', danger: true, onSelect: () => setAsking('retire') },
  ]
  const offered = items.filter((item) => item !== false)
  return (
    <>
      {may('devices.accept') && acceptable && (
        <Button
          look="primary"
          onClick={() =>
            void act(
              () => client.devices.accept({ body: { devices: [device.id] } }),
              ['devices', 'deployments'],
              'Device accepted',
            )
          }
        >
          Accept
        </Button>
      )}
      {may('devices.quarantine') && device.state === 'quarantined' && (
        <Button
          onClick={() =>
            void act(() => client.devices.release({ params }), ['devices', 'deployments'], 'Quarantine ended')
          }
        >
          End quarantine
        </Button>
      )}
      {may('deployments.create') && device.state === 'accepted' && (
        <LinkButton to="/deployments/new" search={{ device: device.id }} icon={Rocket}>
          Deploy
        </LinkButton>
      )}
      {offered.length > 0 && (
        <Menu
          label="More actions"
          trigger={<Button size="icon" icon={Ellipsis} aria-label="More actions" />}
          items={offered}
        />
      )}
      {asking !== undefined && (
        <Confirm
          open
          onClose={() => setAsking(undefined)}
          devices={1}
          {...consequences[asking]}
          act={(reason) => run(asking, reason)}
        />
      )}
      <Dialog open={token !== undefined} onClose={() => setToken(undefined)} title="New target token">
        <OneTimeSecret
          value={token ?? ''}
          label="target token"
          note="Shown once. The token before it no longer works."
        />
      </Dialog>
    </>
  )
}
