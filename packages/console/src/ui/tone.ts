/** What a colour means. The first five are verdicts, worst first; colour never stands without its word. */
export type Tone = 'failing' | 'unproven' | 'stale' | 'waived' | 'holds' | 'live' | 'idle'

export const toneText: Readonly<Record<Tone, string>> = {
  failing: 'text-failing',
  unproven: 'text-unproven',
  stale: 'text-stale',
  waived: 'text-waived',
  holds: 'text-holds',
  live: 'text-live',
  idle: 'text-idle',
}

export const toneSoft: Readonly<Record<Tone, string>> = {
  failing: 'bg-failing-soft text-failing',
  unproven: 'bg-unproven-soft text-unproven',
  stale: 'bg-stale-soft text-stale',
  waived: 'bg-waived-soft text-waived',
  holds: 'bg-holds-soft text-holds',
  live: 'bg-live-soft text-live',
  idle: 'bg-idle-soft text-idle',
}

export const toneFill: Readonly<Record<Tone, string>> = {
  failing: 'bg-failing-fill',
  unproven: 'bg-unproven-fill',
  stale: 'bg-stale-fill',
  waived: 'bg-waived-fill',
  holds: 'bg-holds-fill',
  live: 'bg-live-fill',
  idle: 'bg-idle-fill',
}
