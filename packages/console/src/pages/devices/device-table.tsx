import { Link, useNavigate } from '@tanstack/react-router'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, useEffect, useRef, useState } from 'react'
import type { Device } from '../../api/client.ts'
import { Chip } from '../../ui/badge.tsx'
import { classes } from '../../ui/class-names.ts'
import { deviceName, valueText } from '../../ui/format.ts'
import { ScrollRegion } from '../../ui/scroll-region.tsx'
import { StateBadge } from '../../ui/state-badge.tsx'
import { deviceStates } from '../../ui/states.ts'
import { Ago } from '../../ui/time.tsx'

const rowHeight = 36
const columns = [
  { name: 'Name', look: '' },
  { name: 'State', look: 'w-32' },
  { name: 'Software', look: 'w-44 max-sm:hidden' },
  { name: 'Product', look: 'w-40 max-lg:hidden' },
  { name: 'Tags', look: 'w-44 max-xl:hidden' },
  { name: 'Last seen', look: 'w-28 max-lg:hidden' },
] as const
const cell = 'truncate px-3'

interface DeviceTableProps {
  devices: readonly Device[]
  total: number | undefined
  more: boolean
  onMore: () => void
  chosen: ReadonlySet<string>
  onChoose: (chosen: ReadonlySet<string>) => void
}

/** Only the rows in view exist, so that the millionth scrolls like the first; the next page is asked for before the end. */
export function DeviceTable({ devices, total, more, onMore, chosen, onChoose }: DeviceTableProps) {
  const scroll = useRef<HTMLDivElement>(null)
  const [at, setAt] = useState(0)
  const navigate = useNavigate()
  const rows = useVirtualizer({
    count: devices.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => rowHeight,
    overscan: 12,
  })
  const drawn = rows.getVirtualItems()
  const last = drawn.at(-1)
  const lastIndex = last?.index ?? 0
  useEffect(() => {
    if (more && lastIndex >= devices.length - 30) onMore()
  }, [more, lastIndex, devices.length, onMore])

  function toggle(id: string): void {
    const next = new Set(chosen)
    if (!next.delete(id)) next.add(id)
    onChoose(next)
  }
  function onKey(event: KeyboardEvent): void {
    const device = devices[at]
    const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1, PageDown: 15, PageUp: -15 }[event.key]
    if (step !== undefined) {
      event.preventDefault()
      const next = Math.max(0, Math.min(devices.length - 1, at + step))
      setAt(next)
      rows.scrollToIndex(next)
    } else if (event.key === 'x' && device !== undefined) {
      toggle(device.id)
    } else if (event.key === 'Enter' && device !== undefined && event.target === scroll.current) {
      void navigate({ to: '/devices/$device', params: { device: device.id } })
    }
  }
  const allChosen = devices.length > 0 && devices.every((device) => chosen.has(device.id))
  return (
    <ScrollRegion
      ref={scroll}
      aria-label="Devices; j and k move, x chooses, Enter opens"
      onKeyDown={onKey}
      className="panel group min-h-24 flex-initial overflow-x-hidden outline-offset-[-2px]"
    >
      {/* Rows come and go: the table says how many there are, and each row which one it is. */}
      <table
        aria-label="Devices"
        aria-rowcount={total === undefined ? -1 : total + 1}
        className="w-full table-fixed border-separate border-spacing-0 text-sm"
      >
        <thead>
          <tr aria-rowindex={1}>
            <th scope="col" className={classes(headLook, 'w-11 pl-4')}>
              <input
                type="checkbox"
                aria-label="Choose all loaded devices"
                className="size-4 align-middle accent-accent"
                checked={allChosen}
                onChange={() => onChoose(allChosen ? new Set() : new Set(devices.map((device) => device.id)))}
              />
            </th>
            {columns.map(({ name, look }) => (
              <th key={name} scope="col" className={classes(headLook, look)}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <Spacer height={drawn[0]?.start ?? 0} />
          {drawn.map((row) => {
            const device = devices[row.index]
            return (
              device && (
                <DeviceRow
                  key={device.id}
                  device={device}
                  index={row.index}
                  current={row.index === at}
                  chosen={chosen.has(device.id)}
                  onToggle={() => toggle(device.id)}
                />
              )
            )
          })}
          <Spacer height={rows.getTotalSize() - (last?.end ?? 0)} />
        </tbody>
      </table>
    </ScrollRegion>
  )
}

const headLook = 'label sticky top-0 z-10 h-8 border-b border-line bg-surface px-3 text-left'

/** Stands for the rows that are not drawn. */
function Spacer({ height }: { height: number }) {
  return height <= 0 ? null : (
    <tr aria-hidden>
      <td style={{ height }} />
    </tr>
  )
}

interface RowProps {
  device: Device
  index: number
  current: boolean
  chosen: boolean
  onToggle: () => void
}

function DeviceRow({ device, index, current, chosen, onToggle }: RowProps) {
  return (
    <tr
      aria-rowindex={index + 2}
      style={{ height: rowHeight }}
      className={classes(
        '*:border-b *:border-line hover:bg-raised/60',
        chosen && 'bg-accent-soft/60',
        current && 'group-focus-visible:*:first:shadow-[inset_3px_0_0_var(--accent)]',
      )}
    >
      <td className="pl-4">
        <input
          type="checkbox"
          aria-label={`Choose ${deviceName(device)}`}
          className="size-4 align-middle accent-accent"
          checked={chosen}
          onChange={onToggle}
        />
      </td>
      <td className={cell}>
        <Link
          to="/devices/$device"
          params={{ device: device.id }}
          className="rounded py-1 font-medium hover:text-accent-text hover:underline"
        >
          {deviceName(device)}
        </Link>
        <span className="ml-2 font-mono text-xs text-faint max-xl:hidden">{identityHint(device)}</span>
      </td>
      <td className={cell}>
        <StateBadge look={deviceStates[device.state]} />
      </td>
      <td className={classes(cell, 'font-mono text-xs max-sm:hidden')}>
        {device.software ?? <span className="text-faint">—</span>}
      </td>
      <td className={classes(cell, 'text-muted max-lg:hidden')}>{device.product?.name ?? '—'}</td>
      <td className={classes(cell, 'max-xl:hidden')}>
        <span className="flex gap-1 overflow-hidden">
          {device.tags.slice(0, 3).map((tag) => (
            <Chip key={tag}>{tag}</Chip>
          ))}
        </span>
      </td>
      <td className={classes(cell, 'text-muted max-lg:hidden')}>
        <Ago at={device.lastSeen} />
      </td>
    </tr>
  )
}

/** The first identity value that the name does not already say. */
function identityHint(device: Device): string {
  const value = Object.values(device.identity)
    .map(valueText)
    .find((one) => one !== deviceName(device))
  return value ?? ''
}
