export {
  type Certificate,
  certificateFingerprint,
  certificatePem,
  readCertificate,
  readCertificates,
} from './certificate.ts'
export { type ChainToVerify, type ChainUsage, verifyChain } from './chain.ts'
export {
  createClientCertificate,
  createIntermediateCertificate,
  createRootCertificate,
  createServerCertificate,
  createSigningCertificate,
  type Issuer,
  type LeafRequest,
  type RootRequest,
} from './issue.ts'
export type { DistinguishedName, SubjectName } from './names.ts'
