import type { Artifact, Release } from '../../api/client.ts'
import { Badge } from '../../ui/badge.tsx'
import { StateBadge } from '../../ui/state-badge.tsx'
import { signatureVerdicts } from '../../ui/states.ts'

/** How many trusted signatures a release has of how many it needs. */
export function SignatureCount({ of: { signatures } }: { of: Release }) {
  const { trusted, required } = signatures
  if (required === 0 && trusted === 0) return <Badge tone="unproven">None required</Badge>
  return (
    <Badge tone={trusted >= required ? 'holds' : 'unproven'}>
      <span className="numbers">
        {trusted} of {required}
      </span>
    </Badge>
  )
}

export function SignatureVerdict({ of: artifact }: { of: Artifact }) {
  return (
    <span className="inline-flex flex-wrap items-center gap-2">
      <StateBadge look={signatureVerdicts[artifact.signature.verdict]} />
      {artifact.signature.key && <span className="text-muted">by {artifact.signature.key.name}</span>}
    </span>
  )
}
