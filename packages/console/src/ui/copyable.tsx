import { Check, Copy } from 'lucide-react'
import { useState } from 'react'
import { classes } from './class-names.ts'
import { announce } from './toast.tsx'

/** An id, digest or address: monospace, shortened for the eye only, copied whole. */
export function Copyable({
  value,
  short,
  label,
  block,
  tail,
}: {
  value: string
  /** Show this many characters at most: the first of a digest, the last of an id. */
  short?: number
  tail?: boolean
  label: string
  block?: boolean
}) {
  const [copied, setCopied] = useState(false)
  async function copy(): Promise<void> {
    await navigator.clipboard.writeText(value)
    setCopied(true)
    announce(`${label} copied`)
    window.setTimeout(() => setCopied(false), 1_500)
  }
  const Icon = copied ? Check : Copy
  const shown = shortened(value, short, tail)
  return (
    <button
      type="button"
      onClick={() => void copy()}
      title={value}
      aria-label={`Copy ${label} ${shown}`}
      className={classes(
        'group inline-flex min-h-6 max-w-full items-center gap-1.5 rounded font-mono text-xs text-ink hover:text-accent-text',
        block === true && 'w-full rounded-md border border-line bg-raised px-2.5 py-1.5 text-left',
      )}
    >
      <span className={classes('min-w-0', block === true ? 'flex-1 break-all' : 'truncate')}>{shown}</span>
      <Icon aria-hidden className={classes('size-3.5 shrink-0', copied ? 'text-holds' : 'text-faint')} />
    </button>
  )
}

/** Something secret that is shown once. */
export function OneTimeSecret({ value, label, note }: { value: string; label: string; note: string }) {
  return (
    <div className="grid gap-2">
      <Copyable value={value} label={label} block />
      <p className="text-xs text-unproven">{note}</p>
    </div>
  )
}

function shortened(value: string, short: number | undefined, tail: boolean | undefined): string {
  if (short === undefined || value.length <= short) return value
  if (short === 0) return ''
  return tail === true ? `…${value.slice(-short)}` : `${value.slice(0, short)}…`
}
