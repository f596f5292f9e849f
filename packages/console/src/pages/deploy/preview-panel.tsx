import type { UseQueryResult } from '@tanstack/react-query'
import { TriangleAlert } from 'lucide-react'
import type { Preview } from '../../api/client.ts'
import { Asked } from '../../ui/ask.tsx'
import { sentence } from '../../ui/fault-note.tsx'
import { count, deviceName, percent, plural } from '../../ui/format.ts'
import { Panel } from '../../ui/page.tsx'
import { PartsBar } from '../../ui/progress.tsx'

/** Who would get what if it began now: the server's own decision, asked without making anything. */
export function PreviewPanel({ of: preview, asked }: { of: UseQueryResult<Preview>; asked: boolean }) {
  return (
    <Panel title="Who gets what" aside="if it began now" padded>
      {asked ? (
        <Asked of={preview} lines={4}>
          {(answer) => <Answer of={answer} />}
        </Asked>
      ) : (
        <p className="text-muted">Choose a release and a target; this shows which devices get it in which phase.</p>
      )}
    </Panel>
  )
}

function Answer({ of }: { of: Preview }) {
  const parts = [
    { label: 'Compatible', value: of.compatible, tone: 'live' as const },
    { label: 'Already run it', value: of.alreadyInstalled, tone: 'holds' as const },
    { label: 'Incompatible', value: of.incompatible, tone: 'unproven' as const },
  ]
  return (
    <div className="grid gap-4">
      <p className="text-lg" role="status">
        <strong className="numbers">{plural(of.devices, 'device')}</strong>
      </p>
      <div className="grid gap-2">
        <PartsBar parts={parts} of={of.devices} label="Compatibility" />
        <dl className="grid grid-cols-3 gap-2 text-xs">
          {parts.map((part) => (
            <div key={part.label}>
              <dt className="text-muted">{part.label}</dt>
              <dd className="numbers text-sm font-medium">{count(part.value)}</dd>
            </div>
          ))}
        </dl>
      </div>
      {of.warnings.length > 0 && (
        <ul className="grid gap-1.5">
          {of.warnings.map((warning) => (
            <li key={warning} className="flex gap-2 rounded-md bg-unproven-soft px-2.5 py-1.5">
              <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-unproven" />
              {sentence(warning)}
            </li>
          ))}
        </ul>
      )}
      <ol className="grid gap-2.5">
        {of.phases.map((phase) => (
          <li key={phase.number} className="grid gap-1">
            <div className="flex items-baseline justify-between gap-2">
              <span className="font-medium">Phase {phase.number}</span>
              <span className="numbers text-xs text-muted">
                {plural(phase.devices, 'device')} · {percent(phase.devices, of.devices)}
              </span>
            </div>
            <div aria-hidden className="h-1.5 overflow-hidden rounded-sm bg-raised">
              <div
                className="h-full bg-live-fill"
                style={{ width: `${String((phase.devices / Math.max(of.devices, 1)) * 100)}%` }}
              />
            </div>
            {phase.examples.length > 0 && (
              <p className="truncate text-xs text-muted">
                {phase.examples.map(deviceName).join(', ')}
                {phase.examples.length < phase.devices && ' …'}
              </p>
            )}
          </li>
        ))}
      </ol>
    </div>
  )
}
