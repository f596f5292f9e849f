import { useQueryClient } from '@tanstack/react-query'
import { Link, Outlet, useLocation } from '@tanstack/react-router'
import { CircleHelp, LogOut, Menu as MenuIcon, Search, SunMoon, X } from 'lucide-react'
import { Suspense, useEffect, useRef, useState } from 'react'
import { client } from '../api/client.ts'
import { followEvents } from '../api/live.ts'
import { Button, IconButton } from '../ui/button.tsx'
import { classes } from '../ui/class-names.ts'
import { Menu } from '../ui/menu.tsx'
import { Loading } from '../ui/skeleton.tsx'
import { LiveIndicator } from './live-indicator.tsx'
import { Mark } from './mark.tsx'
import { Palette } from './palette.tsx'
import { type Place, places } from './places.ts'
import { useMay, useMe } from './session.ts'
import { ShortcutHelp, useShortcuts } from './shortcuts.tsx'
import { toggleTheme } from './theme.ts'

/** Everything around a page: navigation, palette, keys, the live stream. */
export function Shell() {
  const may = useMay()
  const queries = useQueryClient()
  const [palette, setPalette] = useState(false)
  const [help, setHelp] = useState(false)
  const [drawer, setDrawer] = useState(false)
  const allowed = places.filter((place) => place.needs === undefined || may(place.needs))
  const { pathname } = useLocation()
  const main = useRef<HTMLElement>(null)
  useShortcuts({ palette: () => setPalette(true), help: () => setHelp(true) })
  useEffect(() => followEvents(queries), [queries])
  // A new page begins at its top, and the drawer that led there closes.
  const shown = useRef(pathname)
  useEffect(() => {
    if (shown.current === pathname) return
    shown.current = pathname
    setDrawer(false)
    main.current?.scrollTo({ top: 0 })
  }, [pathname])
  return (
    <div className="grid h-dvh grid-rows-[auto_minmax(0,1fr)] md:grid-cols-[var(--sidebar)_minmax(0,1fr)] md:grid-rows-1">
      <a
        href="#main"
        className="sr-only z-50 rounded-md bg-accent px-3 py-2 text-accent-ink focus:not-sr-only focus:fixed focus:top-2 focus:left-2"
      >
        Skip to content
      </a>
      <header className="flex items-center gap-2 border-b border-line bg-surface px-3 py-1.5 md:hidden">
        <IconButton
          name={drawer ? 'Close navigation' : 'Open navigation'}
          icon={drawer ? X : MenuIcon}
          onClick={() => setDrawer(!drawer)}
          aria-expanded={drawer}
          aria-controls="navigation"
        />
        <Mark />
        <div className="ml-auto flex items-center">
          <LiveIndicator />
          <IconButton name="Search and commands" icon={Search} onClick={() => setPalette(true)} />
        </div>
      </header>
      <aside
        id="navigation"
        className={classes(
          'flex-col border-r border-line bg-surface max-md:fixed max-md:inset-x-0 max-md:top-[45px] max-md:bottom-0 max-md:z-30 md:flex',
          drawer ? 'flex' : 'hidden',
        )}
      >
        <Sidebar allowed={allowed} onPalette={() => setPalette(true)} onHelp={() => setHelp(true)} />
      </aside>
      <main id="main" ref={main} tabIndex={-1} className="min-h-0 min-w-0 overflow-y-auto outline-none">
        <Suspense fallback={<Loading />}>
          <Outlet />
        </Suspense>
      </main>
      <Palette open={palette} onClose={() => setPalette(false)} allowed={allowed} />
      <ShortcutHelp open={help} onClose={() => setHelp(false)} allowed={allowed} />
    </div>
  )
}

function Sidebar({
  allowed,
  onPalette,
  onHelp,
}: {
  allowed: readonly Place[]
  onPalette: () => void
  onHelp: () => void
}) {
  return (
    <>
      <div className="flex items-center justify-between px-3 pt-3 pb-2 max-md:hidden">
        <Link to="/" className="rounded" aria-label="Holdfast, to the overview">
          <Mark />
        </Link>
        <LiveIndicator />
      </div>
      <div className="px-3 py-1.5 max-md:hidden">
        <button
          type="button"
          onClick={onPalette}
          className="flex min-h-8 w-full items-center gap-2 rounded-md border border-line bg-canvas px-2.5 text-sm text-muted hover:border-line-strong"
        >
          <Search aria-hidden className="size-4" />
          <span className="flex-1 text-left">Search or do…</span>
          <kbd className="text-xs">Ctrl K</kbd>
        </button>
      </div>
      <nav aria-label="Main" className="flex-1 overflow-y-auto px-2 py-2">
        <ul className="grid gap-px">
          {allowed.map((place) => (
            <li key={place.label}>
              <Link
                to={place.to}
                activeOptions={{ exact: place.to === '/', includeSearch: false }}
                className="flex min-h-8 items-center gap-2.5 rounded-md px-2.5 text-sm text-muted hover:bg-raised hover:text-ink aria-[current=page]:bg-raised aria-[current=page]:font-medium aria-[current=page]:text-ink"
              >
                <place.icon aria-hidden className="size-4" strokeWidth={1.75} />
                {place.label}
              </Link>
            </li>
          ))}
        </ul>
      </nav>
      <Account onHelp={onHelp} />
    </>
  )
}

async function signOut(): Promise<void> {
  await client.session.signOut()
  window.location.assign('/sign-in')
}

function Account({ onHelp }: { onHelp: () => void }) {
  const me = useMe()
  const others = me.organisations.filter((organisation) => organisation.id !== me.organisation.id)
  async function switchTo(organisation: string): Promise<void> {
    await client.session.switchOrganisation({ body: { organisation } })
    window.location.assign('/')
  }
  return (
    <div className="flex items-center gap-1 border-t border-line p-2">
      <Menu
        label="Account"
        trigger={
          <Button look="quiet" className="min-w-0 flex-1 justify-start px-1.5 text-left max-md:py-1.5">
            <span className="grid min-w-0">
              <span className="truncate font-medium text-ink">{me.user.name}</span>
              <span className="truncate text-xs font-normal text-muted">{me.organisation.name}</span>
            </span>
          </Button>
        }
        items={[
          ...others.map((organisation) => ({
            label: `Work in ${organisation.name}`,
            onSelect: () => void switchTo(organisation.id),
          })),
          ...(others.length > 0 ? (['line'] as const) : []),
          { label: 'Switch light and dark', icon: SunMoon, onSelect: toggleTheme },
          { label: 'Keys', icon: CircleHelp, onSelect: onHelp },
          'line',
          { label: 'Sign out', icon: LogOut, onSelect: () => void signOut() },
        ]}
      />
    </div>
  )
}
