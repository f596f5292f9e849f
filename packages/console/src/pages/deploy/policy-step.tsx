import { Plus, X } from 'lucide-react'
import { Button, IconButton } from '../../ui/button.tsx'
import { Choice, Field, Tick } from '../../ui/field.tsx'
import { type PhaseDraft, phase, plans } from './draft.ts'
import type { StepProps } from './release-step.tsx'
import { Schedule } from './schedule.tsx'

export function PolicyStep({ draft, onChange }: StepProps) {
  const alter = (key: number, part: Partial<PhaseDraft>): void =>
    onChange({ phases: draft.phases.map((one) => (one.key === key ? { ...one, ...part } : one)) })
  return (
    <div className="grid gap-6">
      <section aria-label="Phases" className="grid gap-3">
        <div className="flex flex-wrap items-center gap-2">
          <h3 className="text-sm">Phases</h3>
          <span className="ml-auto flex flex-wrap gap-1.5">
            {Object.entries(plans).map(([name, plan]) => (
              <Button key={name} size="small" look="quiet" onClick={() => onChange({ phases: plan() })}>
                {name}
              </Button>
            ))}
          </span>
        </div>
        <ol className="grid gap-2">
          {draft.phases.map((one, index) => (
            <PhaseRow
              key={one.key}
              of={one}
              number={index + 1}
              alone={draft.phases.length === 1}
              onAlter={(part) => alter(one.key, part)}
              onRemove={() => onChange({ phases: draft.phases.filter((other) => other.key !== one.key) })}
            />
          ))}
        </ol>
        <Button
          size="small"
          icon={Plus}
          className="w-fit"
          onClick={() =>
            onChange({ phases: [...draft.phases.slice(0, -1), phase('percent', '10'), ...draft.phases.slice(-1)] })
          }
        >
          Add a phase
        </Button>
      </section>
      <section aria-label="Thresholds" className="grid gap-3">
        <h3 className="text-sm">When it goes on, when it halts</h3>
        <div className="grid gap-4 sm:grid-cols-3">
          <Field
            label="Success to go on, %"
            type="number"
            min={0}
            max={100}
            value={draft.successPercent}
            onChange={(event) => onChange({ successPercent: event.target.value })}
            hint="Of a phase’s finished devices."
          />
          <Field
            label="Halt at failures, %"
            type="number"
            min={0}
            max={100}
            value={draft.haltAtFailurePercent}
            onChange={(event) => onChange({ haltAtFailurePercent: event.target.value })}
            hint="Of a phase’s finished devices; empty: no limit."
          />
          <Field
            label="Halt at failed devices"
            type="number"
            min={1}
            value={draft.haltAtFailures}
            onChange={(event) => onChange({ haltAtFailures: event.target.value })}
            hint="In all; empty: no limit."
          />
        </div>
      </section>
      <details className="grid gap-3">
        <summary className="min-h-6 cursor-pointer text-sm font-semibold">Schedule, windows, retries and order</summary>
        <Schedule draft={draft} onChange={onChange} />
      </details>
      <details>
        <summary className="min-h-6 cursor-pointer text-sm font-semibold">How devices install</summary>
        <div className="mt-3 grid gap-3">
          <Tick
            label="Download only"
            hint="Devices download at once and install when you say so."
            checked={draft.downloadOnly}
            onChange={(event) => onChange({ downloadOnly: event.target.checked })}
          />
          <Tick
            label="A person at the device confirms"
            checked={draft.confirmation}
            onChange={(event) => onChange({ confirmation: event.target.checked })}
          />
          <Tick
            label="Force"
            hint="Install also where the same version runs, and outside of windows."
            checked={draft.force}
            onChange={(event) => onChange({ force: event.target.checked })}
          />
          <fieldset className="grid gap-2">
            <legend className="label mb-1">Pause before (mender-client 3.x)</legend>
            {(['installing', 'rebooting', 'committing'] as const).map((point) => (
              <Tick
                key={point}
                label={point}
                checked={draft.pauseBefore.includes(point)}
                onChange={(event) =>
                  onChange({
                    pauseBefore: event.target.checked
                      ? [...draft.pauseBefore, point]
                      : draft.pauseBefore.filter((one) => one !== point),
                  })
                }
              />
            ))}
          </fieldset>
        </div>
      </details>
    </div>
  )
}

interface PhaseRowProps {
  of: PhaseDraft
  number: number
  alone: boolean
  onAlter: (part: Partial<PhaseDraft>) => void
  onRemove: () => void
}

function PhaseRow({ of: one, number, alone, onAlter, onRemove }: PhaseRowProps) {
  return (
    <li className="grid items-end gap-3 rounded-md border border-line p-3 sm:grid-cols-[4.5rem_8rem_6rem_7rem_minmax(0,1fr)_auto]">
      <span className="self-center font-medium">Phase {number}</span>
      <Choice
        label="Share"
        value={one.unit}
        onChange={(event) => onAlter({ unit: event.target.value as PhaseDraft['unit'] })}
      >
        <option value="percent">per cent</option>
        <option value="count">devices</option>
        <option value="rest">the rest</option>
      </Choice>
      <Field
        label={one.unit === 'count' ? 'Devices' : 'Per cent'}
        type="number"
        min={one.unit === 'count' ? 1 : 0.01}
        step="any"
        disabled={one.unit === 'rest'}
        value={one.unit === 'rest' ? '' : one.amount}
        onChange={(event) => onAlter({ amount: event.target.value })}
      />
      <Field
        label="Delay, minutes"
        type="number"
        min={0}
        value={one.delayMinutes}
        disabled={number === 1}
        onChange={(event) => onAlter({ delayMinutes: event.target.value })}
      />
      <div className="flex min-h-8 items-center">
        <Tick
          label="Somebody opens it"
          checked={one.gate}
          onChange={(event) => onAlter({ gate: event.target.checked })}
        />
      </div>
      <IconButton name={`Remove phase ${String(number)}`} icon={X} disabled={alone} onClick={onRemove} />
    </li>
  )
}
