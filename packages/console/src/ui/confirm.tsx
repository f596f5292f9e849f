import { useState } from 'react'
import { Dialog } from './dialog.tsx'
import { Area, Field } from './field.tsx'
import { Form, text } from './form.tsx'
import { count } from './format.ts'

/** From this many devices on, the word must be typed: a click is too easily made. */
const large = 100

export interface Consequence {
  title: string
  /** What will happen, one sentence each, with numbers. */
  consequences: readonly string[]
  /** How many devices it touches. */
  devices?: number
  /** The verb of the button, and the word to type where the blast radius is large. */
  verb: string
  reason?: 'required' | 'optional'
  /** Ask for the word whatever the number: for what cannot be undone. */
  always?: boolean
  look?: 'danger' | 'primary'
}

/** Names the blast radius before anything happens. `act` receives the reason, where one is asked for. */
export function Confirm({
  open,
  onClose,
  act,
  ...of
}: Consequence & { open: boolean; onClose: () => void; act: (reason: string) => Promise<unknown> }) {
  const [word, setWord] = useState('')
  const needed = of.always === true || (of.devices ?? 0) >= large ? of.verb.toLowerCase().split(' ')[0] : undefined
  const close = (): void => {
    setWord('')
    onClose()
  }
  return (
    <Dialog open={open} onClose={close} title={of.title}>
      <Form
        send={async (data) => void (await act(text(data, 'reason')))}
        done={close}
        submit={of.verb}
        look={of.look ?? 'danger'}
        onCancel={close}
        disabled={needed !== undefined && word.trim().toLowerCase() !== needed}
      >
        {of.devices !== undefined && (
          <p className="text-lg">
            <strong className="numbers">{count(of.devices)}</strong> {of.devices === 1 ? 'device is' : 'devices are'}{' '}
            affected
          </p>
        )}
        <ul className="grid list-disc gap-1.5 pl-5 text-sm text-muted marker:text-line-strong">
          {of.consequences.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
        {of.reason !== undefined && (
          <Area
            name="reason"
            label="Reason"
            rows={2}
            maxLength={500}
            required={of.reason === 'required'}
            optional={of.reason === 'optional'}
            hint="Kept in the audit log."
          />
        )}
        {needed !== undefined && (
          <Field
            label={
              <>
                Type <strong className="text-ink">{needed}</strong> to go on
              </>
            }
            value={word}
            onChange={(event) => setWord(event.target.value)}
            mono
          />
        )}
      </Form>
    </Dialog>
  )
}
