import { type Certificate, readCertificate, verifyChain } from '@holdfast/crypto/x509'
import { Fault, type Instant } from '@holdfast/kernel'
import type { Identity } from './device.ts'
import { fitsPattern } from './identity.ts'
import type { AcceptRule, DeviceAuthority } from './rule-store.ts'

/** The certificate of a connection and what the device sent along. */
export interface PresentedCertificate {
  readonly leaf: Certificate
  readonly intermediates: readonly Uint8Array[]
}

const mostIntermediates = 8

export function readPresented(
  certificate: Uint8Array,
  intermediates: readonly Uint8Array[] = [],
): PresentedCertificate {
  return { leaf: readCertificate(certificate), intermediates: intermediates.slice(0, mostIntermediates) }
}

/** Whether one of `roots` vouches for it now. Any fault of the chain means that none does. */
export function isVouchedFor(
  presented: PresentedCertificate | undefined,
  roots: readonly Uint8Array[],
  now: Instant,
): boolean {
  if (presented === undefined || roots.length === 0) return false
  const { leaf, intermediates } = presented
  try {
    verifyChain({ leaf, intermediates, roots, at: now, usage: 'clientAuth' })
    return true
  } catch (thrown) {
    if (thrown instanceof Fault) return false
    throw thrown
  }
}

export function isCertified(
  presented: PresentedCertificate | undefined,
  authorities: readonly DeviceAuthority[],
  now: Instant,
): boolean {
  return isVouchedFor(
    presented,
    authorities.map(({ certificate }) => certificate),
    now,
  )
}

/** Whether the certificate's common name is one of the values by which the device calls itself. */
export function isNamedBy(presented: PresentedCertificate | undefined, identity: Identity): boolean {
  const name = presented?.leaf.subject.commonName
  if (name === undefined || name === '') return false
  return Object.values(identity).some((value) => value === name)
}

/** The first rule whose every condition holds; one that is used up or over is none. */
export function findRule(
  rules: readonly AcceptRule[],
  identity: Identity,
  presented: PresentedCertificate | undefined,
  now: Instant,
): AcceptRule | undefined {
  return rules.find((rule) => {
    if (rule.quotaLeft <= 0 || rule.expiresAt <= now) return false
    if (rule.identityPattern !== undefined && !fitsPattern(rule.identityPattern, identity)) return false
    return rule.issuer === undefined || isVouchedFor(presented, [rule.issuer], now)
  })
}
