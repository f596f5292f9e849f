import { useSyncExternalStore } from 'react'

export type Theme = 'system' | 'light' | 'dark'

const place = 'holdfast.theme'
const watchers = new Set<() => void>()

function stored(): Theme {
  const theme = document.documentElement.dataset.theme
  return theme === 'light' || theme === 'dark' ? theme : 'system'
}

/** `public/theme.js` applies the stored choice before the first paint. */
export function chooseTheme(theme: Theme): void {
  if (theme === 'system') {
    delete document.documentElement.dataset.theme
    localStorage.removeItem(place)
  } else {
    document.documentElement.dataset.theme = theme
    localStorage.setItem(place, theme)
  }
  for (const watcher of watchers) watcher()
}

export function useTheme(): Theme {
  return useSyncExternalStore((onChange) => {
    watchers.add(onChange)
    return () => watchers.delete(onChange)
  }, stored)
}

/** Light where it is dark now, and the other way round. */
export function toggleTheme(): void {
  const dark =
    stored() === 'dark' || (stored() === 'system' && window.matchMedia('(prefers-color-scheme: dark)').matches)
  chooseTheme(dark ? 'light' : 'dark')
}
