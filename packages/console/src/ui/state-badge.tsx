import { Badge } from './badge.tsx'
import type { Look } from './states.ts'

export function StateBadge({ look }: { look: Look }) {
  return (
    <Badge tone={look.tone} pulse={look.moving === true}>
      {look.label}
    </Badge>
  )
}
