import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { ListTree } from 'lucide-react'
import { useState } from 'react'
import { ask } from '../../api/questions.ts'
import { Asked } from '../../ui/ask.tsx'
import { Empty } from '../../ui/empty.tsx'
import { valueText } from '../../ui/format.ts'
import { More } from '../../ui/more.tsx'
import { Panel } from '../../ui/page.tsx'
import { Table } from '../../ui/table.tsx'
import { Ago } from '../../ui/time.tsx'

export function DeviceInventory() {
  const { device } = useParams({ from: '/shell/devices/$device/inventory' })
  const answer = useQuery(ask.device(device))
  const history = useInfiniteQuery(ask.inventoryHistory(device))
  const [search, setSearch] = useState('')
  return (
    <>
      <Panel
        title="Inventory"
        aside="what it last reported"
        actions={
          <input
            type="search"
            data-search
            aria-label="Search inventory"
            placeholder="Search"
            value={search}
            onChange={(event) => setSearch(event.target.value)}
            className="input w-44"
          />
        }
      >
        <Asked of={answer}>
          {({ inventory }) =>
            inventory.length === 0 ? (
              <Empty icon={ListTree} title="No inventory yet">
                The device sends its inventory after it is accepted; what it sends can be used in filters and groups.
              </Empty>
            ) : (
              <Table
                label="Inventory"
                rows={inventory.filter((item) =>
                  `${item.scope}.${item.name} ${valueText(item.value)}`.toLowerCase().includes(search.toLowerCase()),
                )}
                rowKey={(item) => `${item.scope}.${item.name}`}
                columns={[
                  {
                    name: 'Attribute',
                    className: 'font-mono text-xs',
                    cell: (item) => (
                      <>
                        <span className="text-muted">{item.scope}.</span>
                        {item.name}
                      </>
                    ),
                  },
                  { name: 'Value', className: 'font-mono text-xs break-all', cell: (item) => valueText(item.value) },
                  { name: 'Since', from: 'sm', cell: (item) => <Ago at={item.changedAt} /> },
                ]}
              />
            )
          }
        </Asked>
      </Panel>
      <Panel title="Changes">
        <Asked of={history} lines={3}>
          {({ pages }) => {
            const items = pages.flatMap((page) => page.items)
            return items.length === 0 ? (
              <p className="px-4 py-6 text-center text-muted">Nothing has changed since its first report.</p>
            ) : (
              <>
                <Table
                  label="Inventory changes"
                  rows={items}
                  rowKey={(item) => `${item.at}${item.scope}.${item.name}`}
                  columns={[
                    { name: 'When', cell: (item) => <Ago at={item.at} /> },
                    { name: 'Attribute', className: 'font-mono text-xs', cell: (item) => `${item.scope}.${item.name}` },
                    {
                      name: 'Before',
                      className: 'font-mono text-xs text-muted',
                      cell: (item) => valueText(item.before),
                    },
                    { name: 'After', className: 'font-mono text-xs', cell: (item) => valueText(item.after) },
                  ]}
                />
                <More of={history} />
              </>
            )
          }}
        </Asked>
      </Panel>
    </>
  )
}
