import type { ReactNode } from 'react'
import { classes } from './class-names.ts'
import { type Tone, toneFill, toneSoft } from './tone.ts'

export function Badge({ tone = 'idle', pulse, children }: { tone?: Tone; pulse?: boolean; children: ReactNode }) {
  return (
    <span
      className={classes(
        'inline-flex min-h-5 items-center gap-1.5 rounded-full px-2 text-xs font-medium whitespace-nowrap',
        toneSoft[tone],
      )}
    >
      <span
        aria-hidden
        className={classes('size-1.5 rounded-full', toneFill[tone], pulse === true && 'animate-pulse')}
      />
      {children}
    </span>
  )
}

/** A small neutral label: a tag, a format, a product key. */
export function Chip({ children, mono }: { children: ReactNode; mono?: boolean }) {
  return (
    <span
      className={classes(
        'inline-flex min-h-5 max-w-full items-center rounded border border-line bg-raised px-1.5 text-xs text-muted',
        mono === true && 'font-mono',
      )}
    >
      <span className="truncate">{children}</span>
    </span>
  )
}
