import type { LucideIcon } from 'lucide-react'
import { DropdownMenu } from 'radix-ui'
import type { ReactNode } from 'react'
import { classes } from './class-names.ts'

export interface MenuItem {
  label: string
  icon?: LucideIcon
  onSelect: () => void
  danger?: boolean
  disabled?: boolean
  checked?: boolean
}

export function Menu({
  trigger,
  items,
  label,
}: {
  trigger: ReactNode
  items: readonly (MenuItem | 'line')[]
  label: string
}) {
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align="end"
          sideOffset={4}
          collisionPadding={8}
          aria-label={label}
          className="panel z-50 min-w-52 p-1 shadow-(--shadow)"
        >
          {items.map((item, index) =>
            item === 'line' ? (
              <DropdownMenu.Separator key={`line-${String(index)}`} className="my-1 h-px bg-line" />
            ) : (
              <DropdownMenu.Item
                key={item.label}
                disabled={item.disabled === true}
                onSelect={item.onSelect}
                className={classes(
                  'flex min-h-7 cursor-pointer items-center gap-2 rounded px-2 text-sm outline-none select-none data-disabled:cursor-not-allowed data-disabled:opacity-50 data-highlighted:bg-raised',
                  item.danger === true ? 'text-failing' : 'text-ink',
                )}
              >
                {item.icon && <item.icon aria-hidden className="size-4 text-faint" />}
                <span className="flex-1">{item.label}</span>
                {item.checked === true && <span aria-hidden>✓</span>}
                {item.checked === true && <span className="sr-only">(chosen)</span>}
              </DropdownMenu.Item>
            ),
          )}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  )
}
