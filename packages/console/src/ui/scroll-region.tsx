import type { ComponentProps } from 'react'
import { classes } from './class-names.ts'

/**
 * WCAG 2.1.1: what scrolls by itself must be reachable by keyboard, even with nothing to press inside. A group and not a
 * region: tables and boxes of text are no landmarks.
 */
const reachable = { tabIndex: 0, role: 'group' }

/** A named part that scrolls inside itself, so that the page never does sideways. */
export function ScrollRegion({ className, ...rest }: ComponentProps<'div'> & { 'aria-label': string }) {
  return <div {...reachable} {...rest} className={classes('relative overflow-auto', className)} />
}

/** Text as it is, in a box that scrolls. */
export function Verbatim({ label, className, ...rest }: ComponentProps<'pre'> & { label: string }) {
  return (
    <ScrollRegion aria-label={label} className={classes('rounded-md border border-line bg-raised', className)}>
      <pre {...rest} className="w-fit min-w-full px-3 py-2 text-xs leading-relaxed" />
    </ScrollRegion>
  )
}
