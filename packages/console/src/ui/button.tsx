import { Link, type LinkProps } from '@tanstack/react-router'
import { LoaderCircle, type LucideIcon } from 'lucide-react'
import type { ButtonHTMLAttributes, ReactNode, Ref } from 'react'
import { classes } from './class-names.ts'
import { Tip } from './tooltip.tsx'

type Look = 'primary' | 'plain' | 'quiet' | 'danger'

const base =
  'inline-flex items-center justify-center gap-1.5 rounded-md border text-sm font-medium whitespace-nowrap select-none transition-colors duration-(--quick) disabled:cursor-not-allowed disabled:opacity-60 aria-disabled:cursor-not-allowed'

const looks: Readonly<Record<Look, string>> = {
  primary: 'border-transparent bg-accent text-accent-ink hover:bg-accent-strong',
  plain: 'border-line-strong/60 bg-surface text-ink hover:bg-raised',
  quiet: 'border-transparent bg-transparent text-muted hover:bg-raised hover:text-ink',
  danger: 'border-failing/40 bg-surface text-failing hover:bg-failing-soft',
}

const sizes = { small: 'min-h-7 px-2', medium: 'min-h-8 px-3', icon: 'size-8 p-0', tiny: 'size-6 p-0' }

interface Appearance {
  look?: Look
  size?: keyof typeof sizes
  icon?: LucideIcon
}

interface ButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'children'>, Appearance {
  busy?: boolean
  children?: ReactNode
  ref?: Ref<HTMLButtonElement>
}

export function Button({
  look = 'plain',
  size = 'medium',
  icon: Icon,
  busy,
  children,
  className,
  ...rest
}: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      disabled={rest.disabled === true || busy === true}
      aria-busy={busy}
      className={classes(base, looks[look], sizes[size], className)}
    >
      {busy === true ? (
        <LoaderCircle aria-hidden className="size-4 animate-spin" />
      ) : (
        Icon && <Icon aria-hidden className="size-4 shrink-0" />
      )}
      {children}
    </button>
  )
}

/** A button that is only an icon: its name is its accessible name and its tooltip. */
export function IconButton({ name, ...rest }: Omit<ButtonProps, 'children'> & { name: string; icon: LucideIcon }) {
  return (
    <Tip text={name}>
      <Button look="quiet" size="icon" aria-label={name} {...rest} />
    </Tip>
  )
}

/** A link that looks like a button, for going somewhere rather than doing something. */
export function LinkButton({
  look = 'plain',
  size = 'medium',
  icon: Icon,
  children,
  className,
  ...rest
}: LinkProps & Appearance & { children?: ReactNode; className?: string }) {
  return (
    <Link {...rest} className={classes(base, looks[look], sizes[size], className)}>
      {Icon && <Icon aria-hidden className="size-4 shrink-0" />}
      {children}
    </Link>
  )
}
