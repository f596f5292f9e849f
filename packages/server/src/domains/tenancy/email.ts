import { domainToASCII } from 'node:url'

/**
 * What identifies an account, whichever way its address is typed: compatibility forms, case, outer spaces and the two
 * spellings of an international domain all fall together. Dots and plus signs stay: they are other mailboxes.
 */
export function emailKey(email: string): string {
  const folded = email.normalize('NFKC').trim().toLowerCase().normalize('NFKC')
  const at = folded.lastIndexOf('@')
  if (at < 0) return folded
  const domain = folded.slice(at + 1)
  return `${folded.slice(0, at)}@${domainToASCII(domain) || domain}`
}
