import { useQuery } from '@tanstack/react-query'
import { Plus, ShieldCheck, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { useRefresh } from '../../api/act.ts'
import { client } from '../../api/client.ts'
import { ask } from '../../api/questions.ts'
import { useMay } from '../../app/session.ts'
import { Asked } from '../../ui/ask.tsx'
import { Button, IconButton } from '../../ui/button.tsx'
import { Confirm } from '../../ui/confirm.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Empty } from '../../ui/empty.tsx'
import { Area, Choice, Field } from '../../ui/field.tsx'
import { Form, optionalText, text } from '../../ui/form.tsx'
import { count } from '../../ui/format.ts'
import { Page, Panel } from '../../ui/page.tsx'
import { Table } from '../../ui/table.tsx'
import { Ago } from '../../ui/time.tsx'
import { AuthoritiesPanel } from './authorities-panel.tsx'
import { DevicesTabs } from './devices-tabs.tsx'
import { readIdentity } from './preauthorise-panel.tsx'

export function AcceptRulesPage() {
  const may = useMay()
  const rules = useQuery(ask.acceptRules())
  const [adding, setAdding] = useState(false)
  const [removing, setRemoving] = useState<{ id: string; name: string }>()
  const refresh = useRefresh()
  const add = may('devices.accept') && (
    <Button size="small" icon={Plus} onClick={() => setAdding(true)}>
      New rule
    </Button>
  )
  return (
    <Page title="Acceptance" tabs={<DevicesTabs />}>
      <Panel title="Rules that accept by themselves" actions={add}>
        <Asked of={rules} lines={3}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty icon={ShieldCheck} title="No rule: every device waits for a person" action={add}>
                A rule accepts devices whose certificate comes from a given authority, or whose identity fits a pattern,
                up to a quota and until a date. Use it for a production batch.
              </Empty>
            ) : (
              <Table
                label="Accept rules"
                rows={items}
                rowKey={(rule) => rule.id}
                columns={[
                  { name: 'Name', cell: (rule) => <span className="font-medium">{rule.name}</span> },
                  {
                    name: 'Accepts when',
                    className: 'font-mono text-xs',
                    cell: (rule) =>
                      [
                        rule.issuerFingerprint === undefined
                          ? undefined
                          : `issuer ${rule.issuerFingerprint.slice(0, 16)}…`,
                        ...Object.entries(rule.identityPattern ?? {}).map(
                          ([name, pattern]) => `${name} like ${pattern}`,
                        ),
                      ]
                        .filter((part) => part !== undefined)
                        .join(' and '),
                  },
                  { name: 'Accepted', right: true, cell: (rule) => count(rule.accepted) },
                  { name: 'Quota left', right: true, cell: (rule) => count(rule.quotaLeft) },
                  { name: 'Until', cell: (rule) => <Ago at={rule.expiresAt} /> },
                  {
                    name: '(Actions)',
                    right: true,
                    cell: (rule) =>
                      may('devices.accept') && (
                        <IconButton name={`Remove ${rule.name}`} icon={Trash2} onClick={() => setRemoving(rule)} />
                      ),
                  },
                ]}
              />
            )
          }
        </Asked>
      </Panel>
      <AuthoritiesPanel />
      <NewRule open={adding} onClose={() => setAdding(false)} />
      <Confirm
        open={removing !== undefined}
        onClose={() => setRemoving(undefined)}
        title={`Remove the rule “${removing?.name ?? ''}”`}
        verb="Remove"
        consequences={['Devices that it accepted stay accepted.', 'Devices that ask from now on wait for a person.']}
        act={async () => {
          await client.devices.removeAcceptRule({ params: { rule: removing?.id ?? '' } })
          await refresh(['devices'], 'Rule removed')
        }}
      />
    </Page>
  )
}

function NewRule({ open, onClose }: { open: boolean; onClose: () => void }) {
  const products = useQuery({ ...ask.products(), enabled: open })
  const refresh = useRefresh()
  async function send(data: FormData): Promise<void> {
    const issuer = optionalText(data, 'issuer')
    const pattern = optionalText(data, 'identityPattern')
    const product = optionalText(data, 'product')
    await client.devices.createAcceptRule({
      body: {
        name: text(data, 'name'),
        quota: Number(text(data, 'quota')),
        expiresAt: new Date(text(data, 'expiresAt')).toISOString(),
        ...(issuer === undefined ? {} : { issuer }),
        ...(pattern === undefined ? {} : { identityPattern: readIdentity(pattern) }),
        ...(product === undefined ? {} : { product }),
      },
    })
    await refresh(['devices'], 'Rule made')
  }
  return (
    <Dialog open={open} onClose={onClose} title="New accept rule" description="Every condition given must hold.">
      <Form send={send} done={onClose} submit="Make the rule" onCancel={onClose}>
        <Field name="name" label="Name" required maxLength={256} placeholder="Batch 14" autoFocus />
        <Area
          name="identityPattern"
          label="Identity pattern"
          rows={2}
          mono
          optional
          placeholder="serial=B14-*"
          hint="name=pattern, one a line; * stands for anything."
        />
        <Area
          name="issuer"
          label="Issuing certificate"
          rows={3}
          mono
          optional
          placeholder="-----BEGIN CERTIFICATE-----"
        />
        <div className="grid gap-4 sm:grid-cols-2">
          <Field
            name="quota"
            label="Quota"
            type="number"
            min={1}
            max={10_000_000}
            required
            hint="Devices that it may accept."
          />
          <Field name="expiresAt" label="Until" type="datetime-local" required hint="In your time zone." />
        </div>
        <Choice name="product" label="Product" optional>
          <option value="">Any</option>
          {products.data?.items.map((product) => (
            <option key={product.id} value={product.id}>
              {product.name}
            </option>
          ))}
        </Choice>
      </Form>
    </Dialog>
  )
}
