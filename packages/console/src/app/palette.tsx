import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Command } from 'cmdk'
import { Boxes, FileUp, KeyRound, LogOut, type LucideIcon, Plus, Rocket, Search, SunMoon, UserPlus } from 'lucide-react'
import { Dialog as Radix } from 'radix-ui'
import { useDeferredValue, useEffect, useState } from 'react'
import { client } from '../api/client.ts'
import { ask } from '../api/questions.ts'
import { deviceName } from '../ui/format.ts'
import { deviceStates } from '../ui/states.ts'
import type { Place } from './places.ts'
import { useMay } from './session.ts'
import { toggleTheme } from './theme.ts'

interface PaletteProps {
  open: boolean
  onClose: () => void
  allowed: readonly Place[]
}

export function Palette({ open, onClose, allowed }: PaletteProps) {
  return (
    <Radix.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-40 bg-scrim" />
        <Radix.Content
          aria-describedby={undefined}
          className="panel fixed top-[12vh] left-1/2 z-50 w-[calc(100vw-24px)] max-w-xl -translate-x-1/2 overflow-hidden shadow-(--shadow)"
        >
          <Radix.Title className="sr-only">Command palette</Radix.Title>
          <Commands onClose={onClose} allowed={allowed} />
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  )
}

const item =
  'flex min-h-9 cursor-pointer items-center gap-2.5 rounded-md px-2.5 text-sm data-[selected=true]:bg-accent-soft data-[selected=true]:text-ink'
const heading =
  '[&_[cmdk-group-heading]]:px-2.5 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-xs [&_[cmdk-group-heading]]:font-medium [&_[cmdk-group-heading]]:text-faint'

function Commands({ onClose, allowed }: Omit<PaletteProps, 'open'>) {
  const [text, setText] = useState('')
  const navigate = useNavigate()
  const may = useMay()
  const search = useDeferredValue(text.trim())
  const found = useQuery({ ...ask.deviceSearch(search), enabled: search.length > 1 && may('devices.read') })
  const [chosen, setChosen] = useState('')
  const labels = [...allowed, ...actionsFor(may)].map(({ label }) => label.toLowerCase())
  const named = labels.some((label) => label.includes(search.toLowerCase()))
  const firstDevice = found.data?.items[0]?.id
  // Devices are found later than commands: they take the choice only where no command has that name.
  useEffect(() => {
    if (firstDevice !== undefined && !named) setChosen(`device ${firstDevice}`)
  }, [firstDevice, named])
  const then = (act: () => unknown) => () => {
    onClose()
    void act()
  }
  return (
    <Command label="Command palette" loop value={chosen} onValueChange={setChosen}>
      <div className="flex items-center gap-2.5 border-b border-line px-4">
        <Search aria-hidden className="size-4 text-faint" />
        <Command.Input
          value={text}
          onValueChange={setText}
          placeholder="Go to, find a device, or do something"
          className="min-h-11 flex-1 bg-transparent text-base outline-none"
        />
        <kbd className="text-xs text-faint">Esc</kbd>
      </div>
      <Command.List className="max-h-[52vh] overflow-y-auto p-1.5">
        {firstDevice === undefined && (
          <Command.Empty className="px-3 py-6 text-center text-muted">Nothing found</Command.Empty>
        )}
        {(found.data?.items.length ?? 0) > 0 && (
          <Command.Group heading="Devices" className={heading} forceMount>
            {found.data?.items.map((device) => (
              <Command.Item
                key={device.id}
                value={`device ${device.id}`}
                keywords={[search, device.name]}
                forceMount
                className={item}
                onSelect={then(() => navigate({ to: '/devices/$device', params: { device: device.id } }))}
              >
                <Boxes aria-hidden className="size-4 text-faint" />
                <span className="min-w-0 flex-1 truncate">{deviceName(device)}</span>
                <span className="text-xs text-muted">{deviceStates[device.state].label}</span>
              </Command.Item>
            ))}
          </Command.Group>
        )}
        <Command.Group heading="Go to" className={heading}>
          {allowed.map((place) => (
            <Command.Item
              key={place.label}
              value={`Go to ${place.label}`}
              className={item}
              onSelect={then(() => navigate({ to: place.to }))}
            >
              <place.icon aria-hidden className="size-4 text-faint" />
              <span className="flex-1">{place.label}</span>
              <kbd className="text-xs text-faint">g {place.key}</kbd>
            </Command.Item>
          ))}
        </Command.Group>
        <Command.Group heading="Do" className={heading}>
          {actionsFor(may).map((action) => (
            <Command.Item
              key={action.label}
              value={action.label}
              className={item}
              onSelect={then(() => (action.run === undefined ? navigate({ to: action.to ?? '/' }) : action.run()))}
            >
              <action.icon aria-hidden className="size-4 text-faint" />
              {action.label}
            </Command.Item>
          ))}
        </Command.Group>
      </Command.List>
    </Command>
  )
}

interface PaletteAction {
  readonly label: string
  readonly icon: LucideIcon
  readonly to?:
    | '/deployments/new'
    | '/devices/add'
    | '/releases/new'
    | '/products/new'
    | '/people/invite'
    | '/settings'
    | '/groups/new'
  readonly run?: () => unknown
}

function actionsFor(may: ReturnType<typeof useMay>): PaletteAction[] {
  const actions: (PaletteAction | false)[] = [
    may('deployments.create') && { label: 'Deploy a release', icon: Rocket, to: '/deployments/new' },
    may('releases.upload') && { label: 'Upload a release', icon: FileUp, to: '/releases/new' },
    may('devices.accept') && { label: 'Add devices', icon: Plus, to: '/devices/add' },
    may('devices.manage') && { label: 'New group', icon: Plus, to: '/groups/new' },
    may('products.manage') && { label: 'New product', icon: Plus, to: '/products/new' },
    may('people.manage') && { label: 'Invite somebody', icon: UserPlus, to: '/people/invite' },
    { label: 'Second factor and passkeys', icon: KeyRound, to: '/settings' },
    { label: 'Switch between light and dark', icon: SunMoon, run: toggleTheme },
    {
      label: 'Sign out',
      icon: LogOut,
      run: async () => {
        await client.session.signOut()
        window.location.assign('/sign-in')
      },
    },
  ]
  return actions.filter((action) => action !== false)
}
