import { permissions } from '@holdfast/protocol'
import { useQuery } from '@tanstack/react-query'
import { KeyRound } from 'lucide-react'
import { useState } from 'react'
import { useRefresh } from '../../api/act.ts'
import { client } from '../../api/client.ts'
import { ask } from '../../api/questions.ts'
import { useMe } from '../../app/session.ts'
import { Asked } from '../../ui/ask.tsx'
import { Button } from '../../ui/button.tsx'
import { Confirm } from '../../ui/confirm.tsx'
import { OneTimeSecret } from '../../ui/copyable.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Empty } from '../../ui/empty.tsx'
import { Field } from '../../ui/field.tsx'
import { Form, text } from '../../ui/form.tsx'
import { Page, Panel } from '../../ui/page.tsx'
import { Table } from '../../ui/table.tsx'
import { Ago } from '../../ui/time.tsx'
import { PeopleTabs } from './people-tabs.tsx'
import { PermissionTicks, permissionsIn } from './permission-ticks.tsx'

export function TokensPage() {
  const tokens = useQuery(ask.tokens())
  const refresh = useRefresh()
  const [making, setMaking] = useState(false)
  const [revoking, setRevoking] = useState<{ id: string; name: string }>()
  const make = (
    <Button size="small" icon={KeyRound} onClick={() => setMaking(true)}>
      New token
    </Button>
  )
  return (
    <Page title="API tokens" tabs={<PeopleTabs />}>
      <Panel title="API tokens" actions={make}>
        <Asked of={tokens} lines={3}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty icon={KeyRound} title="No API token yet" action={make}>
                A token lets a program act with some of your permissions until it expires. Only its hash is kept; it is
                shown once.
              </Empty>
            ) : (
              <Table
                label="API tokens"
                rows={items}
                rowKey={(token) => token.id}
                columns={[
                  { name: 'Name', cell: (token) => <span className="font-medium">{token.name}</span> },
                  { name: 'Of', from: 'sm', cell: (token) => token.owner.name },
                  {
                    name: 'Permissions',
                    from: 'lg',
                    className: 'max-w-sm font-mono text-xs',
                    cell: (token) =>
                      token.permissions.length === permissions.length ? 'all' : token.permissions.join(', '),
                  },
                  { name: 'Used', from: 'md', cell: (token) => <Ago at={token.usedAt} /> },
                  { name: 'Ends', cell: (token) => <Ago at={token.expiresAt} /> },
                  {
                    name: '(Actions)',
                    right: true,
                    cell: (token) => (
                      <Button
                        size="small"
                        look="danger"
                        aria-label={`Revoke ${token.name}`}
                        onClick={() => setRevoking(token)}
                      >
                        Revoke
                      </Button>
                    ),
                  },
                ]}
              />
            )
          }
        </Asked>
      </Panel>
      {making && <NewToken onClose={() => setMaking(false)} />}
      <Confirm
        open={revoking !== undefined}
        onClose={() => setRevoking(undefined)}
        title={`Revoke “${revoking?.name ?? ''}”`}
        verb="Revoke"
        consequences={['Programs that use it are refused from now on.', 'It cannot be undone.']}
        act={async () => {
          await client.people.revokeToken({ params: { token: revoking?.id ?? '' } })
          await refresh(['people'], 'Token revoked')
        }}
      />
    </Page>
  )
}

function NewToken({ onClose }: { onClose: () => void }) {
  const me = useMe()
  const refresh = useRefresh()
  const [token, setToken] = useState<string>()
  const held = new Set(me.permissions.map((one) => one.permission))
  async function send(data: FormData): Promise<void> {
    const answer = await client.people.createToken({
      body: { name: text(data, 'name'), days: Number(text(data, 'days')), permissions: permissionsIn(data) },
    })
    setToken(answer.token)
    await refresh(['people'])
  }
  return (
    <Dialog open onClose={onClose} title="New API token" wide>
      {token === undefined ? (
        <Form send={send} submit="Make the token" onCancel={onClose}>
          <div className="grid gap-4 sm:grid-cols-[1fr_8rem]">
            <Field name="name" label="Name" required maxLength={256} placeholder="Build server" autoFocus />
            <Field name="days" label="Valid, days" type="number" min={1} max={366} defaultValue={90} required />
          </div>
          <PermissionTicks chosen={[]} offered={permissions.filter((permission) => held.has(permission))} />
        </Form>
      ) : (
        <OneTimeSecret
          value={token}
          label="API token"
          note="Shown once: keep it where your program reads its secrets."
        />
      )}
    </Dialog>
  )
}
