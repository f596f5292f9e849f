import { Field } from '../../ui/field.tsx'
import type { StepProps } from './release-step.tsx'

const days = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']

export function Schedule({ draft, onChange }: StepProps) {
  return (
    <div className="mt-3 grid gap-4 sm:grid-cols-2">
      <Field
        label="Begin"
        type="datetime-local"
        optional
        value={draft.startAt}
        onChange={(event) => onChange({ startAt: event.target.value })}
        hint="In your time zone; empty: at once."
      />
      <Field
        label="Expire"
        type="datetime-local"
        optional
        value={draft.expiresAt}
        onChange={(event) => onChange({ expiresAt: event.target.value })}
        hint="Nothing is handed out after it."
      />
      <Field
        label="Window from"
        type="time"
        optional
        value={draft.windowFrom}
        onChange={(event) => onChange({ windowFrom: event.target.value })}
        hint="Local time of each device."
      />
      <Field
        label="Window to"
        type="time"
        optional
        value={draft.windowTo}
        onChange={(event) => onChange({ windowTo: event.target.value })}
        hint="Before the start: past midnight."
      />
      <fieldset className="sm:col-span-2">
        <legend className="label mb-1">Days of the window; none: every day</legend>
        <div className="flex flex-wrap gap-x-4 gap-y-1">
          {days.map((day, index) => (
            <label key={day} className="flex min-h-6 items-center gap-1.5">
              <input
                type="checkbox"
                className="size-4 accent-accent"
                checked={draft.windowDays.includes(index + 1)}
                onChange={(event) =>
                  onChange({
                    windowDays: event.target.checked
                      ? [...draft.windowDays, index + 1].sort()
                      : draft.windowDays.filter((one) => one !== index + 1),
                  })
                }
              />
              {day.slice(0, 3)}
            </label>
          ))}
        </div>
      </fieldset>
      <Field
        label="Retries of a device"
        type="number"
        min={0}
        max={20}
        value={draft.retries}
        onChange={(event) => onChange({ retries: event.target.value })}
      />
      <Field
        label="First wait between retries, minutes"
        type="number"
        min={0}
        max={1440}
        value={draft.retryBackoffMinutes}
        onChange={(event) => onChange({ retryBackoffMinutes: event.target.value })}
        hint="Doubles each time."
      />
      <Field
        label="Priority"
        type="number"
        min={-1000}
        max={1000}
        value={draft.priority}
        onChange={(event) => onChange({ priority: event.target.value })}
        hint="Where deployments overlap, the higher one goes first."
      />
    </div>
  )
}
