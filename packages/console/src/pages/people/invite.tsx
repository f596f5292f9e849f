import { useQuery } from '@tanstack/react-query'
import { Mail } from 'lucide-react'
import { useState } from 'react'
import { useAct, useRefresh } from '../../api/act.ts'
import { client, type Grant } from '../../api/client.ts'
import { ask } from '../../api/questions.ts'
import { useMay } from '../../app/session.ts'
import { Asked } from '../../ui/ask.tsx'
import { Button } from '../../ui/button.tsx'
import { OneTimeSecret } from '../../ui/copyable.tsx'
import { Empty } from '../../ui/empty.tsx'
import { Field } from '../../ui/field.tsx'
import { Form, text } from '../../ui/form.tsx'
import { Page, Panel } from '../../ui/page.tsx'
import { Table } from '../../ui/table.tsx'
import { Ago } from '../../ui/time.tsx'
import { GrantChips, GrantEditor } from './grants.tsx'
import { PeopleTabs } from './people-tabs.tsx'

export function InvitePage() {
  const may = useMay()
  const act = useAct()
  const open = useQuery(ask.invitations())
  return (
    <Page title="Invite" tabs={<PeopleTabs />}>
      {may('people.manage') && <Invite />}
      <Panel title="Open invitations">
        <Asked of={open} lines={3}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty icon={Mail} title="No open invitation">
                An invitation is a link that works once, for a few days. Send it to the person by a way that you trust.
              </Empty>
            ) : (
              <Table
                label="Open invitations"
                rows={items}
                rowKey={(invitation) => invitation.id}
                columns={[
                  { name: 'E-mail', cell: (invitation) => <span className="font-medium">{invitation.email}</span> },
                  { name: 'May', cell: (invitation) => <GrantChips of={invitation.grants} /> },
                  { name: 'Invited by', from: 'md', cell: (invitation) => invitation.invitedBy },
                  { name: 'Ends', from: 'sm', cell: (invitation) => <Ago at={invitation.expiresAt} /> },
                  {
                    name: '(Actions)',
                    right: true,
                    cell: (invitation) =>
                      may('people.manage') && (
                        <Button
                          size="small"
                          look="danger"
                          aria-label={`Withdraw the invitation of ${invitation.email}`}
                          onClick={() =>
                            void act(
                              () => client.people.revokeInvitation({ params: { invitation: invitation.id } }),
                              ['people'],
                              'Invitation withdrawn',
                            )
                          }
                        >
                          Withdraw
                        </Button>
                      ),
                  },
                ]}
              />
            )
          }
        </Asked>
      </Panel>
    </Page>
  )
}

function Invite() {
  const refresh = useRefresh()
  const [grants, setGrants] = useState<Grant[]>([{ role: 'operator' }])
  const [link, setLink] = useState<string>()
  async function send(data: FormData): Promise<void> {
    const answer = await client.people.invite({
      body: { email: text(data, 'email'), grants, days: Number(text(data, 'days')) },
    })
    setLink(answer.link)
    await refresh(['people'])
  }
  return (
    <Panel title="Invite somebody" padded className="max-w-3xl">
      {link === undefined ? (
        <Form send={send} submit="Make the link" disabled={grants.length === 0}>
          <div className="grid gap-4 sm:grid-cols-[1fr_8rem]">
            <Field name="email" label="E-mail" type="email" required />
            <Field name="days" label="Valid, days" type="number" min={1} max={30} defaultValue={7} required />
          </div>
          <GrantEditor value={grants} onChange={setGrants} />
        </Form>
      ) : (
        <div className="grid gap-3">
          <OneTimeSecret
            value={link}
            label="invitation link"
            note="Shown once. Whoever opens it joins: send it by a way that you trust."
          />
          <Button className="w-fit" onClick={() => setLink(undefined)}>
            Invite another
          </Button>
        </div>
      )}
    </Panel>
  )
}
