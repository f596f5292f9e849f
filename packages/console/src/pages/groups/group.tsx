import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'
import { Pencil, Rocket, SquareStack, Trash2 } from 'lucide-react'
import { useDeferredValue, useMemo, useState } from 'react'
import { useRefresh } from '../../api/act.ts'
import { client, type Group } from '../../api/client.ts'
import { ask } from '../../api/questions.ts'
import { useMay } from '../../app/session.ts'
import { Asked } from '../../ui/ask.tsx'
import { Chip } from '../../ui/badge.tsx'
import { Button, LinkButton } from '../../ui/button.tsx'
import { Confirm } from '../../ui/confirm.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Empty } from '../../ui/empty.tsx'
import { Area, Field } from '../../ui/field.tsx'
import { Form, text } from '../../ui/form.tsx'
import { count, plural } from '../../ui/format.ts'
import { Page } from '../../ui/page.tsx'
import { DeviceTable } from '../devices/device-table.tsx'
import { valueText } from '../devices/filter-language.ts'
import { FilterPreview } from './filter-preview.tsx'

export function GroupPage() {
  const { group } = useParams({ from: '/shell/groups/$group' })
  const answer = useQuery(ask.group(group))
  if (answer.data === undefined) {
    return (
      <Page title="Group" up={{ label: 'Groups', to: '/groups' }}>
        <Asked of={answer}>{() => null}</Asked>
      </Page>
    )
  }
  return <Detail of={answer.data} />
}

function Detail({ of: group }: { of: Group }) {
  const may = useMay()
  const navigate = useNavigate()
  const refresh = useRefresh()
  const [asking, setAsking] = useState<'remove' | 'edit'>()
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const pages = useInfiniteQuery(ask.devicePages({ filter: `group = ${valueText(group.name)}` }))
  const devices = useMemo(() => pages.data?.pages.flatMap((page) => page.items) ?? [], [pages.data])
  async function takeOut(): Promise<void> {
    const { removed } = await client.devices.changeMembers({
      params: { group: group.id },
      body: { remove: [...chosen].slice(0, 1_000) },
    })
    setChosen(new Set())
    await refresh(['groups', 'devices'], `${plural(removed, 'device')} taken out`)
  }
  return (
    <Page
      title={group.name}
      up={{ label: 'Groups', to: '/groups' }}
      fill
      aside={
        <>
          <Chip>{group.kind}</Chip>
          {group.devices !== undefined && <span className="numbers text-muted">{plural(group.devices, 'device')}</span>}
        </>
      }
      actions={
        <>
          {may('devices.manage') && (
            <>
              <Button icon={Pencil} onClick={() => setAsking('edit')}>
                Change
              </Button>
              <Button icon={Trash2} look="danger" onClick={() => setAsking('remove')}>
                Remove
              </Button>
            </>
          )}
          {may('deployments.create') && (
            <LinkButton to="/deployments/new" search={{ group: group.id }} icon={Rocket} look="primary">
              Deploy
            </LinkButton>
          )}
        </>
      }
    >
      <div className="grid shrink-0 gap-2 pb-3">
        {group.description !== '' && <p className="max-w-3xl text-muted">{group.description}</p>}
        {group.filter !== undefined && (
          <p>
            <span className="label">Filter</span>{' '}
            <code className="rounded bg-raised px-1.5 py-0.5 text-xs">{group.filter}</code>
          </p>
        )}
        {chosen.size > 0 && group.kind === 'static' && may('devices.manage') && (
          <div className="flex items-center gap-3 rounded-md bg-accent-soft px-3 py-1.5">
            <span className="numbers font-medium">{plural(chosen.size, 'device')} chosen</span>
            <Button size="small" onClick={() => void takeOut()}>
              Take out of the group
            </Button>
          </div>
        )}
      </div>
      {devices.length > 0 ? (
        <DeviceTable
          devices={devices}
          total={group.devices}
          more={pages.hasNextPage && !pages.isFetchingNextPage}
          onMore={pages.fetchNextPage}
          chosen={chosen}
          onChoose={setChosen}
        />
      ) : (
        <div className="panel">
          <Asked of={pages}>
            {() => (
              <Empty
                icon={SquareStack}
                title="No device is in this group"
                action={<LinkButton to="/devices">Choose devices</LinkButton>}
              >
                {group.kind === 'static'
                  ? 'Choose devices in the registry and add them to the group.'
                  : 'No device matches its filter now; those that will, are in it at once.'}
              </Empty>
            )}
          </Asked>
        </div>
      )}
      <EditGroup open={asking === 'edit'} onClose={() => setAsking(undefined)} of={group} />
      <Confirm
        open={asking === 'remove'}
        onClose={() => setAsking(undefined)}
        title={`Remove the group “${group.name}”`}
        verb="Remove"
        consequences={[
          `Its ${count(group.devices ?? 0)} devices stay; only the group goes.`,
          'People whose rights hold on this group only lose them.',
          'Running deployments to it keep the devices that they have.',
        ]}
        act={async () => {
          await client.devices.removeGroup({ params: { group: group.id } })
          await navigate({ to: '/groups' })
          await refresh(['groups', 'devices'], 'Group removed')
        }}
      />
    </Page>
  )
}

function EditGroup({ open, onClose, of: group }: { open: boolean; onClose: () => void; of: Group }) {
  const refresh = useRefresh()
  const [filter, setFilter] = useState(group.filter ?? '')
  const asked = useDeferredValue(filter)
  async function send(data: FormData): Promise<void> {
    await client.devices.changeGroup({
      params: { group: group.id },
      body: {
        name: text(data, 'name'),
        description: text(data, 'description'),
        ...(group.kind === 'dynamic' ? { filter } : {}),
      },
    })
    await refresh(['groups', 'devices'], 'Group changed')
  }
  return (
    <Dialog open={open} onClose={onClose} title="Change the group" wide={group.kind === 'dynamic'}>
      <Form send={send} done={onClose} submit="Change" onCancel={onClose}>
        <Field name="name" label="Name" defaultValue={group.name} required maxLength={256} />
        <Area name="description" label="Description" rows={2} defaultValue={group.description} optional />
        {group.kind === 'dynamic' && <FilterPreview filter={filter} asked={asked} onChange={setFilter} />}
      </Form>
    </Dialog>
  )
}
