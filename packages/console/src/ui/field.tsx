import { type ComponentProps, createContext, type ReactNode, useContext, useId } from 'react'
import { classes } from './class-names.ts'

/** Where the server found a fault in what was sent: shown at the field of that name. */
export const FaultPlace = createContext<{ at: string; message: string } | undefined>(undefined)

interface Frame {
  label: ReactNode
  hint?: ReactNode
  optional?: boolean
  className?: string
}

interface Ids {
  id: string
  'aria-describedby': string | undefined
  'aria-invalid': true | undefined
}

function Framed({
  label,
  hint,
  optional,
  className,
  name,
  children,
}: Frame & { name: string | undefined; children: (ids: Ids) => ReactNode }) {
  const id = useId()
  const place = useContext(FaultPlace)
  const wrong = name && place?.at.split(/[.[]/).includes(name) ? place.message : undefined
  const describedBy = classes(hint !== undefined && `${id}-hint`, wrong !== undefined && `${id}-fault`)
  return (
    <div className={classes('grid min-w-0 content-start gap-1', className)}>
      <label htmlFor={id} className="label">
        {label}
        {optional === true && <span className="font-normal text-faint"> · optional</span>}
      </label>
      {children({
        id,
        'aria-describedby': describedBy === '' ? undefined : describedBy,
        'aria-invalid': wrong === undefined ? undefined : true,
      })}
      {hint !== undefined && (
        <p id={`${id}-hint`} className="text-xs text-faint">
          {hint}
        </p>
      )}
      {wrong !== undefined && (
        <p id={`${id}-fault`} className="text-xs text-failing">
          {wrong}
        </p>
      )}
    </div>
  )
}

function split<T extends Frame>(props: T): [Frame, Omit<T, keyof Frame>] {
  const { label, hint, optional, className, ...rest } = props
  return [
    {
      label,
      ...(hint === undefined ? {} : { hint }),
      ...(optional === undefined ? {} : { optional }),
      ...(className === undefined ? {} : { className }),
    },
    rest,
  ]
}

export function Field(props: Frame & ComponentProps<'input'> & { mono?: boolean }) {
  const [frame, { mono, ...input }] = split(props)
  return (
    <Framed {...frame} name={input.name}>
      {(ids) => (
        <input autoComplete="off" {...input} {...ids} className={classes('input', mono === true && 'font-mono')} />
      )}
    </Framed>
  )
}

export function Area(props: Frame & ComponentProps<'textarea'> & { mono?: boolean }) {
  const [frame, { mono, ...area }] = split(props)
  return (
    <Framed {...frame} name={area.name}>
      {(ids) => (
        <textarea
          rows={4}
          spellCheck={mono !== true}
          {...area}
          {...ids}
          className={classes('input', mono === true && 'font-mono')}
        />
      )}
    </Framed>
  )
}

export function Choice(props: Frame & ComponentProps<'select'>) {
  const [frame, select] = split(props)
  return (
    <Framed {...frame} name={select.name}>
      {(ids) => <select {...select} {...ids} className="input pr-7" />}
    </Framed>
  )
}

/** A tick with its sentence; the whole line is the target. */
export function Tick({ label, hint, ...input }: { label: ReactNode; hint?: ReactNode } & ComponentProps<'input'>) {
  return (
    <label className="flex min-h-6 items-start gap-2.5 text-sm has-disabled:text-muted">
      <input type="checkbox" {...input} className="mt-0.5 size-4 shrink-0 accent-accent" />
      <span className="grid">
        {label}
        {hint !== undefined && <span className="text-xs text-faint">{hint}</span>}
      </span>
    </label>
  )
}

/** A set of choices of which one holds, as a row of buttons. */
export function Segments<V extends string>({
  label,
  value,
  options,
  onChange,
}: {
  label: string
  value: V
  options: readonly { value: V; label: ReactNode }[]
  onChange: (value: V) => void
}) {
  const name = useId()
  return (
    <fieldset className="inline-flex w-fit rounded-md border border-line bg-raised p-0.5">
      <legend className="sr-only">{label}</legend>
      {options.map((option) => (
        <label
          key={option.value}
          className="flex min-h-7 cursor-pointer items-center gap-1.5 rounded px-2.5 text-sm text-muted has-checked:bg-surface has-checked:font-medium has-checked:text-ink has-checked:shadow-sm has-focus-visible:outline-2 has-focus-visible:outline-accent"
        >
          <input
            type="radio"
            name={name}
            className="sr-only"
            checked={option.value === value}
            onChange={() => onChange(option.value)}
          />
          {option.label}
        </label>
      ))}
    </fieldset>
  )
}
