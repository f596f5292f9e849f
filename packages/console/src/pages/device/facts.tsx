import { Link } from '@tanstack/react-router'
import { Pencil } from 'lucide-react'
import { useState } from 'react'
import { useRefresh } from '../../api/act.ts'
import { client, type DeviceDetail } from '../../api/client.ts'
import { useMay } from '../../app/session.ts'
import { Chip } from '../../ui/badge.tsx'
import { IconButton } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Field } from '../../ui/field.tsx'
import { Form, lines, optionalText } from '../../ui/form.tsx'
import { valueText } from '../../ui/format.ts'
import { KeyValues } from '../../ui/key-values.tsx'
import { Panel } from '../../ui/page.tsx'
import { Ago } from '../../ui/time.tsx'

export function DeviceFacts({ of: device }: { of: DeviceDetail }) {
  const may = useMay()
  const [editing, setEditing] = useState(false)
  return (
    <Panel
      title="Facts"
      padded
      actions={
        may('devices.manage') && (
          <IconButton name="Change name, tags and time zone" icon={Pencil} onClick={() => setEditing(true)} />
        )
      }
    >
      <KeyValues
        items={[
          [
            'Software',
            <span key="software" className="font-mono text-xs">
              {device.software ?? '—'}
            </span>,
          ],
          [
            'Product',
            device.product === undefined ? (
              '—'
            ) : (
              <Link key="product" to="/products/$product" params={{ product: device.product.id }} className="link">
                {device.product.name}
              </Link>
            ),
          ],
          ...Object.entries(device.identity).map(
            ([name, value]) =>
              [
                name,
                <span key={name} className="font-mono text-xs break-all">
                  {valueText(value)}
                </span>,
              ] as const,
          ),
          ['Client', device.gateway ?? '—'],
          ['Last seen', <Ago key="seen" at={device.lastSeen} />],
          ['Registered', <Ago key="registered" at={device.registeredAt} />],
          ['Time zone', device.timeZone ?? 'not known; UTC is used'],
          [
            'Groups',
            device.groups.length === 0 ? (
              '—'
            ) : (
              <span key="groups" className="flex flex-wrap gap-x-2">
                {device.groups.map((group) => (
                  <Link key={group.id} to="/groups/$group" params={{ group: group.id }} className="link">
                    {group.name}
                  </Link>
                ))}
              </span>
            ),
          ],
          [
            'Tags',
            device.tags.length === 0 ? (
              '—'
            ) : (
              <span key="tags" className="flex flex-wrap gap-1">
                {device.tags.map((tag) => (
                  <Chip key={tag}>{tag}</Chip>
                ))}
              </span>
            ),
          ],
        ]}
      />
      <EditFacts open={editing} onClose={() => setEditing(false)} of={device} />
    </Panel>
  )
}

function EditFacts({ open, onClose, of: device }: { open: boolean; onClose: () => void; of: DeviceDetail }) {
  const refresh = useRefresh()
  async function send(data: FormData): Promise<void> {
    const name = optionalText(data, 'name')
    const timeZone = optionalText(data, 'timeZone')
    await client.devices.change({
      params: { device: device.id },
      body: {
        tags: lines(data, 'tags'),
        ...(name === undefined ? {} : { name }),
        ...(timeZone === undefined ? {} : { timeZone }),
      },
    })
    await refresh(['devices'], 'Device changed')
  }
  return (
    <Dialog open={open} onClose={onClose} title="Change the device">
      <Form send={send} done={onClose} submit="Change" onCancel={onClose}>
        <Field name="name" label="Name" defaultValue={device.name} maxLength={256} autoFocus />
        <Field name="tags" label="Tags" defaultValue={device.tags.join(', ')} hint="Separated by commas." />
        <Field
          name="timeZone"
          label="Time zone"
          defaultValue={device.timeZone}
          placeholder="Europe/Berlin"
          hint="For its maintenance windows."
        />
      </Form>
    </Dialog>
  )
}
