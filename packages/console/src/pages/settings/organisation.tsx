import { useQuery } from '@tanstack/react-query'
import { useRefresh } from '../../api/act.ts'
import { client } from '../../api/client.ts'
import { ask } from '../../api/questions.ts'
import { useMay } from '../../app/session.ts'
import { Asked } from '../../ui/ask.tsx'
import { Copyable } from '../../ui/copyable.tsx'
import { Field, Tick } from '../../ui/field.tsx'
import { Form, text } from '../../ui/form.tsx'
import { count } from '../../ui/format.ts'
import { KeyValues } from '../../ui/key-values.tsx'
import { Page, Panel } from '../../ui/page.tsx'
import { Ago } from '../../ui/time.tsx'
import { SettingsTabs } from './settings-tabs.tsx'

export function OrganisationPage() {
  const may = useMay()
  const organisation = useQuery(ask.organisation())
  const server = useQuery(ask.server())
  const refresh = useRefresh()
  return (
    <Page title="Organisation" tabs={<SettingsTabs />}>
      <div className="grid grid-cols-[minmax(0,1fr)] items-start gap-5 lg:grid-cols-2">
        <Panel title="Organisation" padded>
          <Asked of={organisation} lines={3}>
            {(of) =>
              may('organisation.manage') ? (
                <Form
                  submit="Change"
                  send={async (data) => {
                    await client.people.changeOrganisation({
                      body: { name: text(data, 'name'), requireSecondFactor: data.get('requireSecondFactor') === 'on' },
                    })
                    await refresh(['people', 'session'], 'Organisation changed')
                  }}
                >
                  <Field name="name" label="Name" required maxLength={256} defaultValue={of.name} />
                  <Tick
                    name="requireSecondFactor"
                    label="Everybody needs a second factor"
                    hint="Who has none is asked to set one up at the next sign-in."
                    defaultChecked={of.requireSecondFactor}
                  />
                </Form>
              ) : (
                <KeyValues
                  items={[
                    ['Name', of.name],
                    ['Second factor', of.requireSecondFactor ? 'needed by everybody' : 'by choice'],
                  ]}
                />
              )
            }
          </Asked>
        </Panel>
        <Panel title="Facts" padded>
          <Asked of={organisation} lines={3}>
            {(of) => (
              <KeyValues
                items={[
                  ['Id', <Copyable key="id" value={of.id} label="organisation id" />],
                  ['Made', <Ago key="made" at={of.createdAt} />],
                  ['Devices at most', count(of.limits.devices)],
                  ['Server', server.data?.version ?? '…'],
                  ['Database', server.data?.database ?? '…'],
                  [
                    'Artifacts in',
                    server.data === undefined ? '…' : server.data.blobs === 's3' ? 'S3 storage' : 'a directory',
                  ],
                ]}
              />
            )}
          </Asked>
        </Panel>
      </div>
    </Page>
  )
}
