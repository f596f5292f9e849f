import { Fault } from '@holdfast/kernel'
import { type ReactNode, useState } from 'react'
import { Button } from './button.tsx'
import { FaultNote } from './fault-note.tsx'
import { FaultPlace } from './field.tsx'

/**
 * A form that sends itself once: pending while it runs, the fault where the server says it is, and above the buttons.
 * `send` reads its values from the form's data.
 */
export function Form({
  send,
  done,
  submit,
  onCancel,
  disabled,
  look = 'primary',
  children,
}: {
  send: (data: FormData) => Promise<void>
  done?: () => void
  submit: string
  onCancel?: () => void
  disabled?: boolean
  look?: 'primary' | 'danger'
  children?: ReactNode
}) {
  const [busy, setBusy] = useState(false)
  const [fault, setFault] = useState<unknown>()
  const place = fault instanceof Fault && fault.at !== undefined ? { at: fault.at, message: fault.message } : undefined
  async function onSubmit(event: React.FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault()
    const data = new FormData(event.currentTarget)
    setBusy(true)
    setFault(undefined)
    try {
      await send(data)
      done?.()
    } catch (thrown) {
      setFault(thrown)
    } finally {
      setBusy(false)
    }
  }
  return (
    <FaultPlace value={place}>
      <form className="grid gap-4" onSubmit={(event) => void onSubmit(event)} noValidate={false}>
        {children}
        {fault !== undefined && <FaultNote fault={fault} />}
        <div className="flex flex-wrap justify-end gap-2">
          {onCancel && <Button onClick={onCancel}>Cancel</Button>}
          <Button type="submit" look={look} busy={busy} disabled={disabled === true}>
            {submit}
          </Button>
        </div>
      </form>
    </FaultPlace>
  )
}

export function text(data: FormData, name: string): string {
  const value = data.get(name)
  return typeof value === 'string' ? value.trim() : ''
}

/** The value, or nothing where the field was left empty: for optional members of a body. */
export function optionalText(data: FormData, name: string): string | undefined {
  const value = text(data, name)
  return value === '' ? undefined : value
}

export function lines(data: FormData, name: string): string[] {
  return text(data, name)
    .split(/[\n,]/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
}
