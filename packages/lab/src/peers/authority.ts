import type { KeyObject } from 'node:crypto'
import { generateKey, type KeyPair, privateKeyPem } from '@holdfast/crypto/keys'
import {
  certificatePem,
  createClientCertificate,
  createRootCertificate,
  createSigningCertificate,
} from '@holdfast/crypto/x509'
import { day } from '@holdfast/kernel'

/** A certificate with its private key. */
export interface Credential {
  readonly certificate: Uint8Array
  /** The certificate. */
  readonly pem: string
  readonly key: KeyObject
  readonly keyPem: string
}

/** A certificate authority for tests. */
export interface Authority extends Credential {
  issueClient(commonName: string): Promise<Credential>
  /** For signing images: extended key usage emailProtection, as SWUpdate demands. */
  issueSigner(commonName: string): Promise<Credential>
}

export async function createAuthority(name: string): Promise<Authority> {
  const { privateKey } = await generateKey('p256')
  const now = Math.floor(Date.now() / 1_000) * 1_000
  const validity = { notBefore: now - day, notAfter: now + day }
  const certificate = createRootCertificate({ subject: { commonName: name }, key: privateKey, ...validity })
  const issuer = { certificate, key: privateKey }
  const issue = async (make: typeof createClientCertificate, commonName: string) => {
    const pair = await generateKey('p256')
    const issued = make({ issuer, subject: { commonName }, publicKey: pair.publicKey, ...validity })
    return credential(issued, pair)
  }
  return {
    ...credential(certificate, { privateKey }),
    issueClient: (commonName) => issue(createClientCertificate, commonName),
    issueSigner: (commonName) => issue(createSigningCertificate, commonName),
  }
}

function credential(certificate: Uint8Array, { privateKey }: Pick<KeyPair, 'privateKey'>): Credential {
  return { certificate, pem: certificatePem(certificate), key: privateKey, keyPem: privateKeyPem(privateKey) }
}
