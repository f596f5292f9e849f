import { Fault, type Instant } from '@holdfast/kernel'
import { sameBytes } from './bytes.ts'
import { type Certificate, readCertificate } from './certificate.ts'
import { requireUnderstood } from './extensions.ts'
import { oids } from './oids.ts'
import { verifyByAlgorithm } from './signature-algorithm.ts'

/** What the leaf's key is used for; `any` asks for no purpose (the key usage still must allow signing). */
export type ChainUsage = 'serverAuth' | 'clientAuth' | 'emailProtection' | 'codeSigning' | 'any'

export interface ChainToVerify {
  readonly leaf: Certificate | Uint8Array
  /** Certificates that came along; trusted for nothing. */
  readonly intermediates: readonly (Certificate | Uint8Array)[]
  /** The trust anchors. A leaf that is byte for byte one of them is trusted itself. */
  readonly roots: readonly (Certificate | Uint8Array)[]
  readonly at: Instant
  readonly usage: ChainUsage
}

const maxIntermediates = 16
const maxLength = 8
const maxSignatureChecks = 64

/**
 * Finds and verifies a path from the leaf to a trust anchor (RFC 5280 section 6, the strict subset without policies,
 * name constraints and revocation): signatures, validity of every certificate at one instant, CA flags, path lengths,
 * key usages, purposes on every certificate that states some. Answers the path, leaf first; throws otherwise.
 */
export function verifyChain(input: ChainToVerify): readonly Certificate[] {
  if (input.intermediates.length > maxIntermediates) throw untrusted(`more than ${maxIntermediates} intermediates`)
  const leaf = asCertificate(input.leaf)
  const search: Search = {
    at: input.at,
    usage: input.usage,
    roots: input.roots.map(asCertificate),
    intermediates: input.intermediates.map(asCertificate),
    checksLeft: maxSignatureChecks,
    fault: undefined,
  }
  requireValid(leaf, search)
  requireLeafUsage(leaf, search)
  if (search.roots.some((root) => sameBytes(root.der, leaf.der))) return [leaf]
  if (leaf.extensions.basicConstraints?.ca === true) throw wrongUsage(leaf, 'it is a CA')
  const path = extend([leaf], search)
  if (path !== undefined) return path
  throw search.fault ?? untrusted(`no trusted CA issued ${leaf.subject.text} (issuer ${leaf.issuer.text})`)
}

interface Search {
  readonly at: Instant
  readonly usage: ChainUsage
  readonly roots: readonly Certificate[]
  readonly intermediates: readonly Certificate[]
  checksLeft: number
  /** Why the most recent candidate failed: a better message than "no path". */
  fault: Fault | undefined
}

function asCertificate(input: Certificate | Uint8Array): Certificate {
  return input instanceof Uint8Array ? readCertificate(input) : input
}

function extend(path: readonly Certificate[], search: Search): readonly Certificate[] | undefined {
  const child = path[path.length - 1]
  if (child === undefined || path.length > maxLength) return undefined
  for (const root of search.roots) {
    if (isNamedIssuer(root, child) && issued(root, child, path, search)) return [...path, root]
  }
  for (const candidate of search.intermediates) {
    if (!isNamedIssuer(candidate, child) || path.some((used) => sameBytes(used.der, candidate.der))) continue
    if (!issued(candidate, child, path, search)) continue
    const found = extend([...path, candidate], search)
    if (found !== undefined) return found
  }
  return undefined
}

function isNamedIssuer(issuer: Certificate, child: Certificate): boolean {
  if (!sameBytes(issuer.subject.der, child.issuer.der)) return false
  const wanted = child.extensions.authorityKeyId
  const own = issuer.extensions.subjectKeyId
  return wanted === undefined || own === undefined || wanted === own
}

/** Whether `issuer` may stand above the path and signed its last certificate; the reason why not is kept. */
function issued(issuer: Certificate, child: Certificate, path: readonly Certificate[], search: Search): boolean {
  try {
    requireValid(issuer, search)
    requireAuthority(issuer, path, search)
    search.checksLeft -= 1
    if (search.checksLeft < 0) throw untrusted('the chain needs too many signature checks')
    verifyByAlgorithm(child.signatureAlgorithm, issuer.publicKey, child.tbs, child.signature)
    return true
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown
    search.fault = thrown
    return false
  }
}

function requireValid(certificate: Certificate, { at }: Search): void {
  const { subject, notBefore, notAfter } = certificate
  if (at < notBefore) {
    throw refused('crypto.certificate_not_yet_valid', `${subject.text} is valid from ${isoTime(notBefore)}`)
  }
  // Times are whole seconds and the last one belongs to the validity (RFC 5280 4.1.2.5).
  if (at >= notAfter + 1000)
    throw refused('crypto.certificate_expired', `${subject.text} expired at ${isoTime(notAfter)}`)
  requireUnderstood(certificate.extensions, subject.text)
}

function requireAuthority(issuer: Certificate, path: readonly Certificate[], search: Search): void {
  const { basicConstraints, keyUsage } = issuer.extensions
  const name = issuer.subject.text
  if (issuer.version !== 3 || basicConstraints?.ca !== true) throw refused('crypto.not_a_ca', `${name} is not a CA`)
  if (keyUsage !== undefined && !keyUsage.has('keyCertSign')) {
    throw refused('crypto.not_a_ca', `${name} may not sign certificates`)
  }
  // Self-issued CAs (key rollover) do not count towards the length (RFC 5280 6.1.4 (l)).
  const below = path.slice(1).filter((ca) => !sameBytes(ca.subject.der, ca.issuer.der)).length
  if (basicConstraints.pathLength !== undefined && below > basicConstraints.pathLength) {
    throw refused(
      'crypto.path_too_long',
      `${name} allows ${basicConstraints.pathLength} CAs below it, there are ${below}`,
    )
  }
  requirePurpose(issuer, search)
}

function requireLeafUsage(leaf: Certificate, search: Search): void {
  const { keyUsage } = leaf.extensions
  const message = search.usage === 'emailProtection' || search.usage === 'codeSigning' || search.usage === 'any'
  const allowed = keyUsage?.has('digitalSignature') === true || (message && keyUsage?.has('nonRepudiation') === true)
  if (keyUsage !== undefined && !allowed) throw wrongUsage(leaf, 'its key may not sign')
  requirePurpose(leaf, search)
}

/** A certificate without purposes may serve all (RFC 5280 4.2.1.12); anyExtendedKeyUsage is not taken for one. */
function requirePurpose(certificate: Certificate, { usage }: Search): void {
  const purposes = certificate.extensions.extendedKeyUsage
  if (usage === 'any' || purposes === undefined || purposes.includes(oids[usage])) return
  throw wrongUsage(certificate, `it is not for ${usage}`)
}

function wrongUsage(certificate: Certificate, why: string): Fault {
  return refused('crypto.wrong_usage', `${certificate.subject.text} cannot be used here: ${why}`)
}

function untrusted(message: string): Fault {
  return refused('crypto.chain_untrusted', message)
}

function refused(code: string, message: string): Fault {
  return new Fault('refused', code, message)
}

function isoTime(at: Instant): string {
  return new Date(at).toISOString()
}
