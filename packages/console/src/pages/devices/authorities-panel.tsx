import { useQuery } from '@tanstack/react-query'
import { Plus, Stamp, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { useRefresh } from '../../api/act.ts'
import { client } from '../../api/client.ts'
import { ask } from '../../api/questions.ts'
import { useMay } from '../../app/session.ts'
import { Asked } from '../../ui/ask.tsx'
import { Button, IconButton } from '../../ui/button.tsx'
import { Confirm } from '../../ui/confirm.tsx'
import { Copyable } from '../../ui/copyable.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Empty } from '../../ui/empty.tsx'
import { Area, Field } from '../../ui/field.tsx'
import { Form, text } from '../../ui/form.tsx'
import { Panel } from '../../ui/page.tsx'
import { Table } from '../../ui/table.tsx'
import { Ago } from '../../ui/time.tsx'

/** Certificate authorities whose certificates devices may sign in with. */
export function AuthoritiesPanel() {
  const may = useMay()
  const authorities = useQuery(ask.authorities())
  const refresh = useRefresh()
  const [adding, setAdding] = useState(false)
  const [removing, setRemoving] = useState<{ id: string; name: string }>()
  const add = may('organisation.manage') && (
    <Button size="small" icon={Plus} onClick={() => setAdding(true)}>
      Trust an authority
    </Button>
  )
  async function send(data: FormData): Promise<void> {
    await client.devices.trustAuthority({ body: { name: text(data, 'name'), pem: text(data, 'pem') } })
    await refresh(['devices'], 'Authority trusted')
  }
  return (
    <Panel title="Device certificate authorities" actions={add}>
      <Asked of={authorities} lines={3}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty icon={Stamp} title="No authority is trusted" action={add}>
              Devices that hold a certificate of a trusted authority can authenticate with it (mutual TLS), and a rule
              can accept them at their first call.
            </Empty>
          ) : (
            <Table
              label="Certificate authorities"
              rows={items}
              rowKey={(authority) => authority.id}
              columns={[
                { name: 'Name', cell: (authority) => <span className="font-medium">{authority.name}</span> },
                { name: 'Subject', from: 'md', cell: (authority) => authority.subject },
                {
                  name: 'Fingerprint',
                  cell: (authority) => <Copyable value={authority.fingerprint} short={16} label="fingerprint" />,
                },
                { name: 'Valid until', cell: (authority) => <Ago at={authority.notAfter} /> },
                {
                  name: '(Actions)',
                  right: true,
                  cell: (authority) =>
                    may('organisation.manage') && (
                      <IconButton
                        name={`Stop trusting ${authority.name}`}
                        icon={Trash2}
                        onClick={() => setRemoving(authority)}
                      />
                    ),
                },
              ]}
            />
          )
        }
      </Asked>
      <Dialog open={adding} onClose={() => setAdding(false)} title="Trust a certificate authority">
        <Form send={send} done={() => setAdding(false)} submit="Trust it" onCancel={() => setAdding(false)}>
          <Field name="name" label="Name" required maxLength={256} autoFocus />
          <Area name="pem" label="Certificate (PEM)" rows={8} required mono placeholder="-----BEGIN CERTIFICATE-----" />
        </Form>
      </Dialog>
      <Confirm
        open={removing !== undefined}
        onClose={() => setRemoving(undefined)}
        title={`Stop trusting “${removing?.name ?? ''}”`}
        verb="Stop trusting"
        always
        consequences={[
          'Devices that authenticate with its certificates are refused from now on.',
          'Rules that name it accept nobody any more.',
        ]}
        act={async () => {
          await client.devices.removeAuthority({ params: { authority: removing?.id ?? '' } })
          await refresh(['devices'], 'Authority no longer trusted')
        }}
      />
    </Panel>
  )
}
