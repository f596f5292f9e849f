import { useQuery } from '@tanstack/react-query'
import { LifeBuoy } from 'lucide-react'
import { useAct, useRefresh } from '../../api/act.ts'
import { client } from '../../api/client.ts'
import { ask } from '../../api/questions.ts'
import { useMay } from '../../app/session.ts'
import { Asked } from '../../ui/ask.tsx'
import { Button } from '../../ui/button.tsx'
import { Empty } from '../../ui/empty.tsx'
import { Area, Field } from '../../ui/field.tsx'
import { Form, text } from '../../ui/form.tsx'
import { Page, Panel } from '../../ui/page.tsx'
import { Table } from '../../ui/table.tsx'
import { Ago } from '../../ui/time.tsx'
import { PeopleTabs } from './people-tabs.tsx'

export function SupportPage() {
  const may = useMay()
  const act = useAct()
  const refresh = useRefresh()
  const access = useQuery(ask.supportAccess())
  async function send(data: FormData): Promise<void> {
    await client.people.grantSupport({
      body: { email: text(data, 'email'), reason: text(data, 'reason'), hours: Number(text(data, 'hours')) },
    })
    await refresh(['people'], 'Support may look in')
  }
  return (
    <Page title="Support access" tabs={<PeopleTabs />}>
      {may('support.grant') && (
        <Panel title="Let support look in" aside="read only, and every act is audited" padded className="max-w-2xl">
          <Form send={send} submit="Grant">
            <div className="grid gap-4 sm:grid-cols-[1fr_8rem]">
              <Field name="email" label="E-mail of the support person" type="email" required />
              <Field name="hours" label="For, hours" type="number" min={1} max={168} defaultValue={24} required />
            </div>
            <Area name="reason" label="Reason" rows={2} required maxLength={500} />
          </Form>
        </Panel>
      )}
      <Panel title="Who may look in now">
        <Asked of={access} lines={3}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty icon={LifeBuoy} title="Nobody of support may look in">
                Access begins only when you grant it, ends by itself, and can be ended at any moment.
              </Empty>
            ) : (
              <Table
                label="Support access"
                rows={items}
                rowKey={(one) => one.id}
                columns={[
                  { name: 'E-mail', cell: (one) => <span className="font-medium">{one.email}</span> },
                  { name: 'Reason', cell: (one) => one.reason },
                  { name: 'Granted by', from: 'md', cell: (one) => one.grantedBy },
                  { name: 'Ends', cell: (one) => <Ago at={one.expiresAt} /> },
                  {
                    name: '(Actions)',
                    right: true,
                    cell: (one) =>
                      may('support.grant') && (
                        <Button
                          size="small"
                          look="danger"
                          aria-label={`End now the access of ${one.email}`}
                          onClick={() =>
                            void act(
                              () => client.people.revokeSupport({ params: { access: one.id } }),
                              ['people'],
                              'Access ended',
                            )
                          }
                        >
                          End now
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
