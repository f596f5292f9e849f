import { useSyncExternalStore } from 'react'
import { liveState, watchLive } from '../api/live.ts'
import { classes } from '../ui/class-names.ts'
import { Tip } from '../ui/tooltip.tsx'

/** Whether what is on the screen follows the server, or is asked again every ten seconds. */
export function LiveIndicator() {
  const live = useSyncExternalStore(watchLive, liveState) === 'live'
  return (
    <Tip text={live ? 'Changes appear by themselves' : 'The live stream is broken; asking again every 10 seconds'}>
      <button
        type="button"
        className="flex min-h-7 cursor-default items-center gap-1.5 rounded px-1.5 text-xs text-muted"
      >
        <span
          aria-hidden
          className={classes('size-1.5 rounded-full', live ? 'bg-holds-fill' : 'animate-pulse bg-unproven-fill')}
        />
        <span role="status">{live ? 'Live' : 'Reconnecting'}</span>
      </button>
    </Tip>
  )
}
