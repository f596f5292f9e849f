import { useNavigate, useSearch } from '@tanstack/react-router'
import { useDeferredValue, useState } from 'react'
import { useRefresh } from '../../api/act.ts'
import { client } from '../../api/client.ts'
import { Area, Field, Segments } from '../../ui/field.tsx'
import { Form, text } from '../../ui/form.tsx'
import { Page, Panel } from '../../ui/page.tsx'
import { FilterPreview } from './filter-preview.tsx'

type Kind = 'static' | 'dynamic'

export function NewGroupPage() {
  const given = useSearch({ from: '/shell/groups/new' }).filter ?? ''
  const navigate = useNavigate()
  const refresh = useRefresh()
  const [kind, setKind] = useState<Kind>(given === '' ? 'static' : 'dynamic')
  const [filter, setFilter] = useState(given)
  const deferred = useDeferredValue(filter)
  async function send(data: FormData): Promise<void> {
    const { id } = await client.devices.createGroup({
      body: {
        name: text(data, 'name'),
        description: text(data, 'description'),
        ...(kind === 'dynamic' ? { filter } : {}),
      },
    })
    await refresh(['groups', 'devices'], 'Group made')
    await navigate({ to: '/groups/$group', params: { group: id } })
  }
  return (
    <Page title="New group" up={{ label: 'Groups', to: '/groups' }}>
      <Panel title="Group" padded className="max-w-3xl">
        <Form
          send={send}
          submit="Make the group"
          onCancel={() => void navigate({ to: '/groups' })}
          disabled={kind === 'dynamic' && filter.trim() === ''}
        >
          <Segments
            label="Kind"
            value={kind}
            onChange={setKind}
            options={[
              { value: 'static', label: 'Chosen devices' },
              { value: 'dynamic', label: 'All that match a filter' },
            ]}
          />
          <Field name="name" label="Name" required maxLength={256} autoFocus />
          <Area name="description" label="Description" rows={2} optional maxLength={10_000} />
          {kind === 'dynamic' && <FilterPreview filter={filter} asked={deferred} onChange={setFilter} />}
        </Form>
      </Panel>
    </Page>
  )
}
