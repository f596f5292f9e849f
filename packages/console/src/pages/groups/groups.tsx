import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Plus, SquareStack } from 'lucide-react'
import { ask } from '../../api/questions.ts'
import { useMay } from '../../app/session.ts'
import { Asked } from '../../ui/ask.tsx'
import { Chip } from '../../ui/badge.tsx'
import { LinkButton } from '../../ui/button.tsx'
import { Empty } from '../../ui/empty.tsx'
import { count } from '../../ui/format.ts'
import { Page } from '../../ui/page.tsx'
import { Table } from '../../ui/table.tsx'
import { Ago } from '../../ui/time.tsx'

export function GroupsPage() {
  const groups = useQuery(ask.groups())
  const may = useMay()
  const add = may('devices.manage') && (
    <LinkButton to="/groups/new" icon={Plus}>
      New group
    </LinkButton>
  )
  return (
    <Page title="Groups" actions={add}>
      <div className="panel">
        <Asked of={groups}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty icon={SquareStack} title="No group yet" action={add}>
                <p>
                  A <strong>static</strong> group holds the devices that you put in. A <strong>dynamic</strong> group
                  holds whatever matches its filter, at any moment. Both can be the target of a deployment, and people
                  can be given rights on a group.
                </p>
              </Empty>
            ) : (
              <Table
                label="Groups"
                rows={items}
                rowKey={(group) => group.id}
                columns={[
                  {
                    name: 'Name',
                    cell: (group) => (
                      <Link
                        to="/groups/$group"
                        params={{ group: group.id }}
                        className="font-medium hover:text-accent-text hover:underline"
                      >
                        {group.name}
                      </Link>
                    ),
                  },
                  { name: 'Kind', cell: (group) => <Chip>{group.kind}</Chip> },
                  {
                    name: 'Filter',
                    from: 'md',
                    className: 'font-mono text-xs max-w-md truncate',
                    cell: (group) => group.filter ?? '',
                  },
                  {
                    name: 'Devices',
                    right: true,
                    cell: (group) => (group.devices === undefined ? '–' : count(group.devices)),
                  },
                  { name: 'Made', from: 'sm', cell: (group) => <Ago at={group.createdAt} /> },
                ]}
              />
            )
          }
        </Asked>
      </div>
    </Page>
  )
}
