import { Fault, type Instant } from '@holdfast/kernel'

/** What people decided about a release; whether a draft counts as signed is derived. */
export type StoredState = 'draft' | 'released' | 'withdrawn'
export type ReleaseState = StoredState | 'signed'

export interface SignatureCount {
  readonly required: number
  /** Distinct trusted keys on the artifact that has the fewest; 0 without artifacts. */
  readonly trusted: number
}

export function deriveState(
  stored: StoredState,
  artifacts: number,
  { required, trusted }: SignatureCount,
): ReleaseState {
  return stored === 'draft' && artifacts > 0 && trusted >= required ? 'signed' : stored
}

/** Throws `artifacts.not_draft`: what was released never changes. */
export function requireDraft(stored: StoredState): void {
  if (stored !== 'draft') {
    throw new Fault('conflict', 'artifacts.not_draft', `the release is ${stored}, only a draft can be changed`)
  }
}

/** Decides whether a release may go out. Throws what stands in the way. */
export function requireReleasable(stored: StoredState, artifacts: number, signatures: SignatureCount): void {
  requireDraft(stored)
  if (artifacts === 0) throw new Fault('refused', 'artifacts.empty', 'the release has no artifact')
  if (signatures.trusted < signatures.required) {
    throw new Fault(
      'refused',
      'artifacts.unsigned',
      `each artifact needs ${signatures.required} signature(s) by different trusted keys, one has ${signatures.trusted}`,
    )
  }
}

/** Throws `artifacts.not_released` for what must not reach a device. */
export function requireDeployable(stored: StoredState, signatures: SignatureCount): void {
  if (stored !== 'released')
    throw new Fault('refused', 'artifacts.not_released', `the release is ${stored}, not released`)
  if (signatures.trusted < signatures.required) {
    throw new Fault('refused', 'artifacts.no_longer_trusted', 'the keys that signed the release are no longer trusted')
  }
}

export interface Withdrawal {
  readonly at: Instant
  readonly reason: string
}

/** Throws `artifacts.not_released` unless the release is out. */
export function requireWithdrawable(stored: StoredState): void {
  if (stored !== 'released') {
    throw new Fault(
      'conflict',
      'artifacts.not_released',
      `the release is ${stored}, only a released one can be withdrawn`,
    )
  }
}
