import { useQueries, useQuery } from '@tanstack/react-query'
import { X } from 'lucide-react'
import { useDeferredValue, useState } from 'react'
import type { DeviceDetail } from '../../api/client.ts'
import { ask } from '../../api/questions.ts'
import { IconButton } from '../../ui/button.tsx'
import { Choice, Segments, Tick } from '../../ui/field.tsx'
import { count, deviceName, shortId } from '../../ui/format.ts'
import { FilterPreview } from '../groups/filter-preview.tsx'
import type { StepProps } from './release-step.tsx'

export function TargetStep({ draft, onChange }: StepProps) {
  const groups = useQuery(ask.groups())
  const asked = useDeferredValue(draft.filter)
  return (
    <div className="grid gap-4">
      <Segments
        label="Target"
        value={draft.kind}
        onChange={(kind) => onChange({ kind })}
        options={[
          { value: 'group', label: 'A group' },
          { value: 'filter', label: 'A filter' },
          { value: 'devices', label: 'Devices' },
        ]}
      />
      {draft.kind === 'group' && (
        <Choice label="Group" value={draft.group} onChange={(event) => onChange({ group: event.target.value })}>
          <option value="">Choose a group</option>
          {groups.data?.items.map((group) => (
            <option key={group.id} value={group.id}>
              {group.name} ({group.kind}
              {group.devices === undefined ? '' : `, ${count(group.devices)} devices`})
            </option>
          ))}
        </Choice>
      )}
      {draft.kind === 'filter' && (
        <FilterPreview filter={draft.filter} asked={asked} onChange={(filter) => onChange({ filter })} />
      )}
      {draft.kind === 'devices' && <ChosenDevices draft={draft} onChange={onChange} />}
      {draft.kind !== 'devices' && (
        <Tick
          label="Also devices that join later"
          hint="Off: exactly the devices that match when it begins. On: it stays open, and whoever joins the target gets it."
          checked={draft.continuous}
          onChange={(event) => onChange({ continuous: event.target.checked })}
        />
      )}
    </div>
  )
}

function ChosenDevices({ draft, onChange }: StepProps) {
  const [search, setSearch] = useState('')
  const found = useQuery(ask.deviceSearch(useDeferredValue(search.trim())))
  const chosen = useQueries({ queries: draft.devices.map((device) => ask.device(device)) })
  const offered = (found.data?.items ?? []).filter((device) => !draft.devices.includes(device.id))
  return (
    <div className="grid gap-3">
      <ul aria-label="Chosen devices" className="flex flex-wrap gap-1.5">
        {draft.devices.map((id, index) => {
          const name = nameOf(chosen[index]?.data, id)
          return (
            <li key={id} className="flex items-center gap-1 rounded-md border border-line bg-raised pl-2">
              {name}
              <IconButton
                name={`Take ${name} out`}
                icon={X}
                size="tiny"
                onClick={() => onChange({ devices: draft.devices.filter((one) => one !== id) })}
              />
            </li>
          )
        })}
      </ul>
      <input
        type="search"
        aria-label="Find devices to add"
        placeholder="Find a device by name or identity"
        className="input max-w-md"
        value={search}
        onChange={(event) => setSearch(event.target.value)}
      />
      {offered.length > 0 && (
        <ul aria-label="Found devices" className="grid max-w-md gap-px">
          {offered.map((device) => (
            <li key={device.id}>
              <button
                type="button"
                className="flex min-h-8 w-full items-center justify-between rounded-md px-2 text-left hover:bg-raised"
                onClick={() => onChange({ devices: [...draft.devices, device.id] })}
              >
                {deviceName(device)}
                <span className="font-mono text-xs text-muted">{device.software}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}

function nameOf(device: DeviceDetail | undefined, id: string): string {
  return device === undefined ? shortId(id) : deviceName(device)
}
