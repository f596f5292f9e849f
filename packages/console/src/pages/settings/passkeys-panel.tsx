import { Fault } from '@holdfast/kernel'
import { type PublicKeyCredentialCreationOptionsJSON, startRegistration } from '@simplewebauthn/browser'
import { useQuery } from '@tanstack/react-query'
import { Plus, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { useRefresh } from '../../api/act.ts'
import { client } from '../../api/client.ts'
import { ask } from '../../api/questions.ts'
import { Asked } from '../../ui/ask.tsx'
import { Button, IconButton } from '../../ui/button.tsx'
import { Confirm } from '../../ui/confirm.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Field } from '../../ui/field.tsx'
import { Form, text } from '../../ui/form.tsx'
import { Panel } from '../../ui/page.tsx'
import { Table } from '../../ui/table.tsx'
import { Ago } from '../../ui/time.tsx'

export function PasskeysPanel() {
  const passkeys = useQuery(ask.passkeys())
  const refresh = useRefresh()
  const [adding, setAdding] = useState(false)
  const [removing, setRemoving] = useState<{ id: string; name: string }>()
  async function add(data: FormData): Promise<void> {
    const options = await client.session.startPasskey()
    // The browser checks the options' shape; the protocol passes them through whole.
    const response = await startRegistration({
      optionsJSON: options as unknown as PublicKeyCredentialCreationOptionsJSON,
    }).catch((cause: unknown) => {
      throw new Fault('refused', 'console.passkey_cancelled', 'no passkey was made', { cause })
    })
    await client.session.addPasskey({ body: { name: text(data, 'name'), response: { ...response } } })
    await refresh(['session', 'people'], 'Passkey added')
  }
  return (
    <Panel
      title="Passkeys"
      actions={
        <Button size="small" icon={Plus} onClick={() => setAdding(true)}>
          Add a passkey
        </Button>
      }
    >
      <Asked of={passkeys} lines={2}>
        {({ items }) =>
          items.length === 0 ? (
            <p className="p-4 text-muted">
              A passkey signs you in without a password, and no other site can ask for it. Your browser or security key
              keeps it.
            </p>
          ) : (
            <Table
              label="Passkeys"
              rows={items}
              rowKey={(passkey) => passkey.id}
              columns={[
                { name: 'Name', cell: (passkey) => <span className="font-medium">{passkey.name}</span> },
                { name: 'Added', cell: (passkey) => <Ago at={passkey.addedAt} /> },
                { name: 'Used', cell: (passkey) => <Ago at={passkey.usedAt} /> },
                {
                  name: '(Actions)',
                  right: true,
                  cell: (passkey) => (
                    <IconButton name={`Remove ${passkey.name}`} icon={Trash2} onClick={() => setRemoving(passkey)} />
                  ),
                },
              ]}
            />
          )
        }
      </Asked>
      <Dialog open={adding} onClose={() => setAdding(false)} title="Add a passkey">
        <Form send={add} done={() => setAdding(false)} submit="Go on" onCancel={() => setAdding(false)}>
          <Field
            name="name"
            label="Name"
            required
            maxLength={256}
            placeholder="Laptop"
            autoFocus
            hint="To tell your passkeys apart."
          />
        </Form>
      </Dialog>
      <Confirm
        open={removing !== undefined}
        onClose={() => setRemoving(undefined)}
        title={`Remove the passkey “${removing?.name ?? ''}”`}
        verb="Remove"
        consequences={['You can no longer sign in with it.']}
        act={async () => {
          await client.session.removePasskey({ params: { passkey: removing?.id ?? '' } })
          await refresh(['session', 'people'], 'Passkey removed')
        }}
      />
    </Panel>
  )
}
