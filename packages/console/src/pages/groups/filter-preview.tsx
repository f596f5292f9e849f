import { Fault } from '@holdfast/kernel'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { ask } from '../../api/questions.ts'
import { FaultNote } from '../../ui/fault-note.tsx'
import { deviceName, plural } from '../../ui/format.ts'
import { FilterBar } from '../devices/filter-bar.tsx'
import { faultColumn } from '../devices/filter-language.ts'

interface FilterPreviewProps {
  filter: string
  /** What the server is asked, which may lag behind what is typed. */
  asked: string
  onChange: (filter: string) => void
}

/** A filter being written, with how many match it and a few of them. */
export function FilterPreview({ filter, asked, onChange }: FilterPreviewProps) {
  const text = asked.trim()
  const counted = useQuery({ ...ask.deviceCount(text), enabled: text !== '', placeholderData: keepPreviousData })
  const examples = useQuery({ ...ask.deviceExamples(text), enabled: text !== '', placeholderData: keepPreviousData })
  const fault = counted.error ?? undefined
  const unlocated = fault !== undefined && !(fault instanceof Fault && faultColumn(fault.at) !== undefined)
  return (
    <div className="grid gap-2">
      <span className="label">Filter</span>
      <FilterBar label="Filter of the group" value={filter} onApply={onChange} onType={onChange} fault={fault} />
      {unlocated && <FaultNote fault={fault} />}
      {text !== '' && fault === undefined && counted.data !== undefined && (
        <p role="status" className="text-muted">
          <strong className="numbers text-ink">{plural(counted.data.total, 'device')}</strong> match now
          {(examples.data?.items.length ?? 0) > 0 && (
            <>
              : {examples.data?.items.map(deviceName).join(', ')}
              {counted.data.total > 8 && ' …'}
            </>
          )}
        </p>
      )}
    </div>
  )
}
