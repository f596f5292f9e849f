import { z } from 'zod'
import { operation } from './operation.ts'
import { Digest, Id, Name, PageQuery, page, Tag, Text, Time } from './shapes.ts'

export const ReleaseState = z.enum(['draft', 'signed', 'released', 'withdrawn'])
export const ArtifactFormat = z.enum(['mender', 'swu'])

export const Signature = z.object({
  /** The product's trusted key that verified it; absent when none did. */
  key: z.object({ id: Id, name: Name }).optional(),
  verdict: z.enum(['trusted', 'untrusted_signer', 'revoked_signer', 'none']),
})

export const Artifact = z.object({
  id: Id,
  format: ArtifactFormat,
  fileName: z.string(),
  /** What the devices will report once installed. */
  name: z.string(),
  size: z.number().int(),
  sha256: Digest,
  /** Payload kind: a Mender update module, or `swu`; `mender-configure` marks a configuration. */
  payloadType: z.string(),
  deviceTypes: z.array(z.string()),
  provides: z.record(z.string(), z.string()),
  depends: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
  clears: z.array(z.string()),
  files: z.array(
    z.object({
      name: z.string(),
      size: z.number().int(),
      sha256: Digest.optional(),
      encrypted: z.boolean().optional(),
    }),
  ),
  scripts: z.array(z.string()),
  signature: Signature,
  uploadedAt: Time,
})

export const Release = z.object({
  id: Id,
  product: z.object({ id: Id, name: Name }),
  version: z.string(),
  state: ReleaseState,
  notes: Text,
  tags: z.array(Tag),
  artifacts: z.array(Artifact),
  signatures: z.object({ required: z.number().int(), trusted: z.number().int() }),
  createdAt: Time,
  releasedAt: Time.optional(),
  withdrawnAt: Time.optional(),
  withdrawnReason: z.string().optional(),
})

const ByRelease = z.object({ release: Id })
const Version = z.string().regex(/^[\w.+~:-]{1,128}$/, 'letters, digits and . + ~ : - _, at most 128')

export const releases = {
  list: operation({
    id: 'releases.list',
    method: 'GET',
    path: '/releases',
    requires: 'releases.read',
    summary: 'Releases, newest first',
    query: PageQuery.extend({
      product: Id.optional(),
      state: ReleaseState.optional(),
      tag: Tag.optional(),
      version: z.string().max(128).optional(),
      search: z.string().max(200).optional(),
    }),
    answer: page(Release),
  }),
  get: operation({
    id: 'releases.get',
    method: 'GET',
    path: '/releases/{release}',
    requires: 'releases.read',
    summary: 'One release',
    params: ByRelease,
    answer: Release,
  }),
  create: operation({
    id: 'releases.create',
    method: 'POST',
    path: '/releases',
    requires: 'releases.upload',
    summary: 'Begin a release',
    body: z.object({ product: Id, version: Version, notes: Text.default(''), tags: z.array(Tag).max(20).default([]) }),
    answer: z.object({ id: Id }),
    status: 201,
  }),
  change: operation({
    id: 'releases.change',
    method: 'PATCH',
    path: '/releases/{release}',
    requires: 'releases.upload',
    summary: 'Notes and tags',
    params: ByRelease,
    body: z.object({ notes: Text.optional(), tags: z.array(Tag).max(20).optional() }),
    answer: 'nothing',
  }),
  remove: operation({
    id: 'releases.remove',
    method: 'DELETE',
    path: '/releases/{release}',
    requires: 'releases.upload',
    summary: 'Remove a release that was never released',
    params: ByRelease,
    answer: 'nothing',
  }),
  uploadArtifact: operation({
    id: 'releases.uploadArtifact',
    method: 'PUT',
    path: '/releases/{release}/artifacts/{fileName}',
    requires: 'releases.upload',
    summary: 'Upload an artifact; it is streamed, checked whole and stored, or refused with the reason',
    params: z.object({ release: Id, fileName: z.string().regex(/^[\w.+~@-]{1,200}$/) }),
    body: 'bytes',
    answer: Artifact,
    status: 201,
  }),
  downloadArtifact: operation({
    id: 'releases.downloadArtifact',
    method: 'GET',
    path: '/releases/{release}/artifacts/{fileName}',
    requires: 'releases.read',
    summary: 'The artifact’s bytes',
    params: z.object({ release: Id, fileName: z.string().max(200) }),
    answer: 'bytes',
  }),
  removeArtifact: operation({
    id: 'releases.removeArtifact',
    method: 'DELETE',
    path: '/releases/{release}/artifacts/{fileName}',
    requires: 'releases.upload',
    summary: 'Take an artifact out of a draft',
    params: z.object({ release: Id, fileName: z.string().max(200) }),
    answer: 'nothing',
  }),
  attachSignature: operation({
    id: 'releases.attachSignature',
    method: 'POST',
    path: '/releases/{release}/artifacts/{fileName}/signature',
    requires: 'releases.sign',
    summary: 'Add a signature that was made elsewhere over the artifact’s manifest',
    params: z.object({ release: Id, fileName: z.string().max(200) }),
    /** Base64 of the raw signature (Mender: over the manifest bytes). The artifact is rewritten with it. */
    body: z.object({ signature: z.string().max(20_000) }),
    answer: Artifact,
  }),
  manifest: operation({
    id: 'releases.manifest',
    method: 'GET',
    path: '/releases/{release}/artifacts/{fileName}/manifest',
    requires: 'releases.read',
    summary: 'The bytes that a signature covers: the Mender manifest or sw-description',
    params: z.object({ release: Id, fileName: z.string().max(200) }),
    answer: 'bytes',
  }),
  release: operation({
    id: 'releases.release',
    method: 'POST',
    path: '/releases/{release}/release',
    requires: 'releases.release',
    summary: 'Release it: from now on it can be deployed and no longer changes',
    params: ByRelease,
    answer: 'nothing',
  }),
  withdraw: operation({
    id: 'releases.withdraw',
    method: 'POST',
    path: '/releases/{release}/withdraw',
    requires: 'releases.withdraw',
    summary: 'Withdraw it: deployments of it halt, no device gets it any more',
    params: ByRelease,
    body: z.object({ reason: z.string().min(1).max(500) }),
    answer: 'nothing',
  }),
}
