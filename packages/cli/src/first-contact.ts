import { X509Certificate } from 'node:crypto'
import { connect, type TLSSocket } from 'node:tls'
import { certificateFingerprint, certificatePem, readCertificates } from '@holdfast/crypto/x509'
import { Fault } from '@holdfast/kernel'
import { connectionFault, type Server } from './transport.ts'

/** SHA-256 of a certificate, in pairs as browsers and OpenSSL show it. */
export function fingerprintOf(pem: string): string {
  const [first] = readCertificates(pem)
  return first === undefined ? '' : inPairs(certificateFingerprint(first.der))
}

export interface FirstContact {
  readonly url: string
  readonly ca: string | undefined
  readonly fingerprint: string | undefined
  /** Asks a person whether this is the right certificate. */
  readonly confirm: (fingerprint: string) => Promise<boolean>
}

/**
 * Decides how a server that is new to us is authenticated: by the authority given, by those of the system, by a
 * fingerprint given, or by a person who compares it. Until then nothing secret is sent.
 */
export async function meetServer({ url, ca, fingerprint, confirm }: FirstContact): Promise<Server> {
  try {
    ;(await handshake(url, { ca, rejectUnauthorized: true })).destroy()
    return { url, ca }
  } catch (thrown) {
    const fault = connectionFault(thrown, url)
    if (ca !== undefined || !(fault instanceof Fault) || fault.code !== 'cli.untrusted_server') throw fault
  }
  const socket = await handshake(url, { ca: undefined, rejectUnauthorized: false })
  const raw = new Uint8Array(socket.getPeerCertificate().raw)
  socket.destroy()
  const seen = certificateFingerprint(raw)
  if (fingerprint !== undefined ? plain(fingerprint) !== seen : !(await confirm(inPairs(seen)))) {
    throw new Fault(
      'refused',
      'cli.untrusted_server',
      `the certificate of ${url} has the fingerprint ${inPairs(seen)}, which is not accepted`,
    )
  }
  return { url, ca: certificatePem(raw), pinned: true }
}

/** The authority that the server names for itself; it must have issued the certificate that was accepted. */
export function acceptAuthority(server: Server, authority: string): string {
  const leaf = new X509Certificate(server.ca ?? '')
  const issuer = new X509Certificate(authority)
  if (leaf.fingerprint256 !== issuer.fingerprint256 && !leaf.verify(issuer.publicKey)) {
    throw new Fault(
      'refused',
      'cli.untrusted_server',
      'the server names an authority that did not issue its certificate',
    )
  }
  return authority
}

function handshake(url: string, how: { ca: string | undefined; rejectUnauthorized: boolean }): Promise<TLSSocket> {
  const { hostname, port } = new URL(url)
  const host = hostname.replace(/^\[|\]$/g, '')
  return new Promise((resolve, reject) => {
    const socket = connect(
      {
        host,
        port: Number(port || 443),
        rejectUnauthorized: how.rejectUnauthorized,
        ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
        ...(how.ca === undefined ? {} : { ca: how.ca }),
      },
      () => resolve(socket),
    )
    socket.once('error', reject)
  })
}

function inPairs(hex: string): string {
  return (hex.match(/../g) ?? []).join(':').toUpperCase()
}

function plain(fingerprint: string): string {
  return fingerprint.replaceAll(/[^0-9a-fA-F]/g, '').toLowerCase()
}
