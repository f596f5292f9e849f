import { useQuery } from '@tanstack/react-query'
import { UserPlus } from 'lucide-react'
import { useState } from 'react'
import { useAct, useRefresh } from '../../api/act.ts'
import { client, type Grant, type Person } from '../../api/client.ts'
import { ask } from '../../api/questions.ts'
import { useMay, useMe } from '../../app/session.ts'
import { Asked } from '../../ui/ask.tsx'
import { Badge } from '../../ui/badge.tsx'
import { Button, LinkButton } from '../../ui/button.tsx'
import { Confirm } from '../../ui/confirm.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Form } from '../../ui/form.tsx'
import { Page, Panel } from '../../ui/page.tsx'
import { Table } from '../../ui/table.tsx'
import { Ago } from '../../ui/time.tsx'
import { GrantChips, GrantEditor } from './grants.tsx'
import { PeopleTabs } from './people-tabs.tsx'

export function PeoplePage() {
  const may = useMay()
  const me = useMe()
  const people = useQuery(ask.people())
  const act = useAct()
  const refresh = useRefresh()
  const [editing, setEditing] = useState<Person>()
  const [removing, setRemoving] = useState<Person>()
  const manage = may('people.manage')
  return (
    <Page
      title="People"
      tabs={<PeopleTabs />}
      actions={
        manage && (
          <LinkButton to="/people/invite" icon={UserPlus}>
            Invite
          </LinkButton>
        )
      }
    >
      <Panel title="Members">
        <Asked of={people}>
          {({ items }) => (
            <Table
              label="Members"
              rows={items}
              rowKey={(person) => person.id}
              columns={[
                {
                  name: 'Name',
                  cell: (person) => (
                    <span className="grid">
                      <span className="font-medium">
                        {person.name}
                        {person.id === me.user.id && <span className="font-normal text-muted"> (you)</span>}
                      </span>
                      <span className="text-xs text-muted">{person.email}</span>
                    </span>
                  ),
                },
                { name: 'May', cell: (person) => <GrantChips of={person.grants} /> },
                {
                  name: 'Second factor',
                  from: 'md',
                  cell: (person) =>
                    person.secondFactor ? <Badge tone="holds">On</Badge> : <Badge tone="unproven">Off</Badge>,
                },
                { name: 'Last sign-in', from: 'lg', cell: (person) => <Ago at={person.lastSignIn} /> },
                {
                  name: '(Actions)',
                  right: true,
                  cell: (person) =>
                    manage && (
                      <span className="flex flex-wrap justify-end gap-1.5">
                        {person.locked && (
                          <Button
                            size="small"
                            onClick={() =>
                              void act(
                                () => client.people.unlock({ params: { person: person.id } }),
                                ['people'],
                                `${person.name} is no longer locked out`,
                              )
                            }
                          >
                            Unlock
                          </Button>
                        )}
                        <Button size="small" onClick={() => setEditing(person)} aria-label={`Rights of ${person.name}`}>
                          Rights
                        </Button>
                        <Button
                          size="small"
                          look="danger"
                          onClick={() => setRemoving(person)}
                          aria-label={`Remove ${person.name}`}
                        >
                          Remove
                        </Button>
                      </span>
                    ),
                },
              ]}
            />
          )}
        </Asked>
      </Panel>
      {editing && <EditGrants of={editing} onClose={() => setEditing(undefined)} />}
      <Confirm
        open={removing !== undefined}
        onClose={() => setRemoving(undefined)}
        title={`Remove ${removing?.name ?? ''}`}
        verb="Remove"
        consequences={['Their sessions and API tokens end at once.', 'What they did stays in the audit log.']}
        act={async () => {
          await client.people.remove({ params: { person: removing?.id ?? '' } })
          await refresh(['people'], 'Removed')
        }}
      />
    </Page>
  )
}

function EditGrants({ of: person, onClose }: { of: Person; onClose: () => void }) {
  const [grants, setGrants] = useState<Grant[]>(person.grants)
  const refresh = useRefresh()
  return (
    <Dialog open onClose={onClose} title={`What ${person.name} may do`} wide>
      <Form
        submit="Set"
        onCancel={onClose}
        done={onClose}
        disabled={grants.length === 0}
        send={async () => {
          await client.people.changeGrants({ params: { person: person.id }, body: { grants } })
          await refresh(['people', 'session'], 'Rights set')
        }}
      >
        <GrantEditor value={grants} onChange={setGrants} />
      </Form>
    </Dialog>
  )
}
