import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { writeKeyFile } from '@holdfast/crypto/key-file'
import { generateKey, privateKeyPem } from '@holdfast/crypto/keys'
import { certificatePem, createRootCertificate, createServerCertificate } from '@holdfast/crypto/x509'
import { type Clock, day, Fault, messageOf, minute } from '@holdfast/kernel'
import { readOrMake } from './secrets.ts'

export interface ServerTls {
  readonly key: string
  readonly cert: string
  /** PEM of the authority that devices and clients must trust; the certificate itself when it was given. */
  readonly authority: string
  readonly notAfter: number
}

export interface TlsRequest {
  readonly directory: string
  readonly names: readonly string[]
  readonly given: { readonly certificate?: string | undefined; readonly key?: string | undefined }
}

const rootDays = 3_650
const serverDays = 397
const renewDays = 60

/** The TLS identity of the server: the one that was configured, or one made under an authority of our own. */
export async function openTls({ directory, names, given }: TlsRequest, clock: Clock): Promise<ServerTls> {
  if (given.certificate !== undefined || given.key !== undefined) return readGiven(given)
  const rootKeyFile = join(directory, 'tls-authority.key')
  const rootFile = join(directory, 'tls-authority.crt')
  const rootKey = createPrivateKey(await readOrMake(rootKeyFile, newKey))
  const root = await readOrMake(rootFile, async () =>
    certificatePem(
      createRootCertificate({
        subject: { commonName: 'Holdfast TLS authority' },
        key: rootKey,
        notBefore: clock.now() - 5 * minute,
        notAfter: clock.now() + rootDays * day,
      }),
    ),
  )
  const keyFile = join(directory, 'tls-server.key')
  const key = await readOrMake(keyFile, newKey)
  await publish(join(directory, '..', 'ca.crt'), root)
  const file = join(directory, 'tls-server.crt')
  const present = await readFile(file, 'utf8').catch(() => undefined)
  if (present !== undefined && isUsable(present, root, names, clock)) return identity(key, present, root)
  const certificate = createServerCertificate({
    issuer: { certificate: new Uint8Array(new X509Certificate(root).raw), key: rootKey },
    subject: { commonName: names[0] ?? 'localhost' },
    publicKey: createPublicKey(key),
    dnsNames: names.filter((name) => isIP(name) === 0),
    ipAddresses: names.filter((name) => isIP(name) !== 0),
    notBefore: clock.now() - 5 * minute,
    notAfter: clock.now() + serverDays * day,
  })
  const pem = certificatePem(certificate)
  await writeKeyFile(file, pem, { replace: true })
  return identity(key, pem, root)
}

/** What devices must trust, where people look for it; also after a restore, which brings the secrets alone. */
async function publish(path: string, root: string): Promise<void> {
  const present = await readFile(path, 'utf8').catch(() => undefined)
  if (present !== root) await writeFile(path, root, { mode: 0o644 })
}

async function newKey(): Promise<string> {
  return privateKeyPem((await generateKey('p256')).privateKey)
}

async function readGiven(given: TlsRequest['given']): Promise<ServerTls> {
  if (given.certificate === undefined || given.key === undefined) {
    throw new Fault('malformed', 'config.tls', 'tls.certificate and tls.key go together')
  }
  try {
    const [cert, key] = await Promise.all([readFile(given.certificate, 'utf8'), readFile(given.key, 'utf8')])
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
      throw new Error('the key is not the certificate’s')
    return identity(key, cert, cert)
  } catch (thrown) {
    throw new Fault('malformed', 'config.tls', `tls.certificate and tls.key: ${messageOf(thrown)}`, { cause: thrown })
  }
}

function isUsable(pem: string, root: string, names: readonly string[], clock: Clock): boolean {
  const certificate = new X509Certificate(pem)
  return (
    // One that was made while the clock was wrong is made anew.
    Date.parse(certificate.validFrom) <= clock.now() &&
    Date.parse(certificate.validTo) - clock.now() > renewDays * day &&
    certificate.verify(new X509Certificate(root).publicKey) &&
    names.every((name) => (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined)
  )
}

function identity(key: string, cert: string, authority: string): ServerTls {
  return { key, cert, authority, notAfter: Date.parse(new X509Certificate(cert).validTo) }
}
