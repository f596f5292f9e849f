import { Fault } from '@holdfast/kernel'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Boxes, Plus, Search, SquareStack } from 'lucide-react'
import { useCallback, useEffect, useMemo, useState } from 'react'
import type { DeviceQuery, DeviceState } from '../../api/client.ts'
import { ask } from '../../api/questions.ts'
import { useMay } from '../../app/session.ts'
import { LinkButton } from '../../ui/button.tsx'
import { classes } from '../../ui/class-names.ts'
import { Empty } from '../../ui/empty.tsx'
import { FaultNote } from '../../ui/fault-note.tsx'
import { count, shortCount } from '../../ui/format.ts'
import { Page } from '../../ui/page.tsx'
import { Loading } from '../../ui/skeleton.tsx'
import { deviceStates } from '../../ui/states.ts'
import { BulkBar } from './bulk-bar.tsx'
import { DeviceTable } from './device-table.tsx'
import { DevicesTabs } from './devices-tabs.tsx'
import { FilterBar } from './filter-bar.tsx'
import { both, faultColumn } from './filter-language.ts'
import { SavedFilters } from './saved-filters.tsx'

type Sort = NonNullable<DeviceQuery['sort']>
const sorts: Readonly<Record<Sort, string>> = {
  newest: 'Newest first',
  oldest: 'Oldest first',
  name: 'By name',
  last_seen: 'Last seen first',
}
const tabs: readonly ('' | DeviceState)[] = [
  '',
  'pending',
  'accepted',
  'preauthorised',
  'quarantined',
  'rejected',
  'retired',
]

export function DevicesPage() {
  const { filter = '', search = '', state = '', sort = 'newest' } = useSearch({ from: '/shell/devices' })
  const navigate = useNavigate({ from: '/devices' })
  const may = useMay()
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const whole = both(filter, state === '' ? '' : `state = ${state}`)
  const counts = useQuery(ask.deviceCount(filter))
  const pages = useInfiniteQuery(
    ask.devicePages({
      sort: sort in sorts ? (sort as Sort) : 'newest',
      ...(whole === '' ? {} : { filter: whole }),
      ...(search === '' ? {} : { search }),
    }),
  )
  const devices = useMemo(() => pages.data?.pages.flatMap((page) => page.items) ?? [], [pages.data])
  const { fetchNextPage, hasNextPage, isFetchingNextPage } = pages
  const onMore = useCallback(() => {
    if (!isFetchingNextPage) void fetchNextPage()
  }, [isFetchingNextPage, fetchNextPage])
  const go = (change: { filter?: string; search?: string; state?: string; sort?: string }): void => {
    setChosen(new Set())
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true })
  }
  const fault = pages.error ?? counts.error
  const total =
    search !== ''
      ? pages.data?.pages[0]?.total
      : state === ''
        ? counts.data?.total
        : (counts.data?.states[state as DeviceState] ?? 0)
  const nothingAsked = filter === '' && search === '' && state === ''
  return (
    <Page
      title="Devices"
      fill
      aside={
        total !== undefined && (
          <span className="numbers text-muted" role="status">
            {count(total)}
          </span>
        )
      }
      actions={
        <>
          {may('devices.manage') && whole !== '' && fault === null && (
            <LinkButton to="/groups/new" search={{ filter: whole }} icon={SquareStack}>
              Group from filter
            </LinkButton>
          )}
          {may('devices.accept') && (
            <LinkButton to="/devices/add" icon={Plus}>
              Add devices
            </LinkButton>
          )}
        </>
      }
      tabs={<DevicesTabs />}
    >
      <div className="grid shrink-0 grid-cols-[minmax(0,1fr)] gap-2.5 pb-3">
        <div className="flex flex-wrap items-start gap-2">
          <FilterBar value={filter} onApply={(next) => go({ filter: next })} fault={fault} />
          <SearchField value={search} onSearch={(next) => go({ search: next })} />
          <SavedFilters current={filter} onChoose={(next) => go({ filter: next })} />
          <select
            aria-label="Order"
            value={sort}
            onChange={(event) => go({ sort: event.target.value })}
            className="input w-auto"
          >
            {Object.entries(sorts).map(([value, label]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </div>
        <StateTabs
          states={counts.data?.states}
          total={counts.data?.total}
          chosen={state}
          onChoose={(next) => go({ state: next })}
        />
        <BulkBar chosen={devices.filter((device) => chosen.has(device.id))} onDone={() => setChosen(new Set())} />
      </div>
      {devices.length > 0 ? (
        <DeviceTable
          devices={devices}
          total={total}
          more={hasNextPage}
          onMore={onMore}
          chosen={chosen}
          onChoose={setChosen}
        />
      ) : pages.isPending ? (
        <div className="panel">
          <Loading lines={8} />
        </div>
      ) : fault !== null ? (
        <Refused fault={fault} retry={() => void pages.refetch()} />
      ) : (
        <div className="panel">
          {nothingAsked ? (
            <Empty
              icon={Boxes}
              title="No device yet"
              action={<LinkButton to="/settings/connect">How to connect a device</LinkButton>}
            >
              Devices appear here when they first call, or when you preauthorise them.
            </Empty>
          ) : (
            <Empty icon={Search} title="No device matches">
              <p>
                Attributes are written with their scope, for example <code>inventory.os</code> or{' '}
                <code>identity.mac</code>; the filter completes them as you type.
              </p>
            </Empty>
          )}
        </div>
      )}
    </Page>
  )
}

function SearchField({ value, onSearch }: { value: string; onSearch: (search: string) => void }) {
  const [text, setText] = useState(value)
  useEffect(() => setText(value), [value])
  useEffect(() => {
    if (text === value) return
    const timer = window.setTimeout(() => onSearch(text.trim()), 250)
    return () => window.clearTimeout(timer)
  }, [text, value, onSearch])
  return (
    <div className="relative w-44 max-sm:flex-1">
      <Search aria-hidden className="pointer-events-none absolute top-2 left-2.5 size-4 text-faint" />
      <input
        type="search"
        aria-label="Search devices"
        placeholder="Name or identity"
        value={text}
        onChange={(event) => setText(event.target.value)}
        className="input pl-8"
      />
    </div>
  )
}

interface StateTabsProps {
  states: Partial<Record<DeviceState, number>> | undefined
  total: number | undefined
  chosen: string
  onChoose: (state: string) => void
}

function StateTabs({ states, total, chosen, onChoose }: StateTabsProps) {
  return (
    <fieldset className="flex min-w-0 gap-1 overflow-x-auto p-0.5">
      <legend className="sr-only">State</legend>
      {tabs.map((state) => (
        <button
          key={state}
          type="button"
          aria-pressed={chosen === state}
          onClick={() => onChoose(state)}
          className={classes(
            'flex min-h-7 items-center gap-1.5 rounded-md px-2.5 whitespace-nowrap text-muted hover:bg-raised hover:text-ink',
            'aria-pressed:bg-raised aria-pressed:font-medium aria-pressed:text-ink',
          )}
        >
          {state === '' ? 'All' : deviceStates[state].label}
          <span className="numbers text-xs text-faint">
            {countText(state === '' ? total : states === undefined ? undefined : (states[state] ?? 0))}
          </span>
        </button>
      ))}
    </fieldset>
  )
}

/** A filter that is not understood is marked at the filter; here it is only said that nothing can be shown. */
function Refused({ fault, retry }: { fault: unknown; retry: () => void }) {
  const located = fault instanceof Fault && faultColumn(fault.at) !== undefined
  if (!located) return <FaultNote fault={fault} retry={retry} />
  return (
    <div className="panel">
      <Empty icon={Search} title="The filter is not understood">
        Mend it above; the mark stands where the server stopped reading.
      </Empty>
    </div>
  )
}

function countText(value: number | undefined): string {
  return value === undefined ? '–' : shortCount(value)
}
