import { signMenderArtifact } from '@holdfast/formats/mender/sign'
import { type Clock, Fault, newId } from '@holdfast/kernel'
import type { Actor } from '../../platform/actor.ts'
import type { Blobs, ByteRange } from '../../platform/blobs/index.ts'
import type { Database, Reader, Tx } from '../../platform/db/index.ts'
import { record } from '../audit/index.ts'
import { type Product, requireProduct } from '../products/index.ts'
import { type Inspected, inspect } from './inspect.ts'
import {
  deriveState,
  type ReleaseState,
  requireDeployable,
  requireDraft,
  requireReleasable,
  requireWithdrawable,
  type SignatureCount,
} from './release.ts'
import { countTrusted, judgeSignatures, type SignatureVerdict } from './signatures.ts'
import type { StoredArtifact, StoredRelease } from './store.ts'
import * as store from './store.ts'

export interface ArtifactsNeeds {
  readonly db: Database
  readonly blobs: Blobs
  readonly clock: Clock
  /** Bytes of one artifact. */
  readonly maxBytes: number
}

/** A release with what its product's keys say about it at this moment. */
export interface JudgedRelease extends StoredRelease {
  readonly currentState: ReleaseState
  readonly of: Product
  readonly signatures: SignatureCount
  readonly verdicts: ReadonlyMap<string, readonly SignatureVerdict[]>
}

const maxSignatures = 16

export type Artifacts = ReturnType<typeof createArtifacts>

export function createArtifacts({ db, blobs, clock, maxBytes }: ArtifactsNeeds) {
  const judge = async (reader: Reader, release: StoredRelease): Promise<JudgedRelease> => {
    const of = await requireProduct(reader, release.organisation, release.product)
    const verdicts = new Map(
      release.artifacts.map((artifact) => [artifact.id, judgeSignatures(artifact, of.keys, clock.now())]),
    )
    const counts = [...verdicts.values()].map(countTrusted)
    const signatures = { required: of.signaturesRequired, trusted: counts.length === 0 ? 0 : Math.min(...counts) }
    return {
      ...release,
      of,
      verdicts,
      signatures,
      currentState: deriveState(release.state, release.artifacts.length, signatures),
    }
  }
  const require_ = async (reader: Reader, organisation: string, id: string): Promise<StoredRelease> => {
    const release = await store.findRelease(reader, organisation, id)
    if (release === undefined) throw new Fault('missing', 'artifacts.no_release', 'there is no such release')
    return release
  }
  const note = (
    tx: Tx,
    actor: Actor,
    release: StoredRelease,
    type: string,
    more: { detail?: Record<string, string | number>; before?: object; after?: object } = {},
  ) =>
    record(tx, {
      organisation: release.organisation,
      type,
      subject: { kind: 'release', id: release.id },
      actor,
      at: clock.now(),
      detail: { version: release.version, product: release.product, ...more.detail },
      ...(more.before === undefined ? {} : { before: { ...more.before } }),
      ...(more.after === undefined ? {} : { after: { ...more.after } }),
    })

  return {
    async find(organisation: string, id: string): Promise<JudgedRelease | undefined> {
      const release = await store.findRelease(db.read, organisation, id)
      return release === undefined ? undefined : judge(db.read, release)
    },

    async require(organisation: string, id: string): Promise<JudgedRelease> {
      return judge(db.read, await require_(db.read, organisation, id))
    },

    /** The release if it may reach devices now; reads with `reader`, so that a transaction can rely on it. */
    async requireDeployable(reader: Reader, organisation: string, id: string): Promise<JudgedRelease> {
      const release = await judge(reader, await require_(reader, organisation, id))
      requireDeployable(release.state, release.signatures)
      return release
    },

    async list(query: store.ReleaseQuery): Promise<JudgedRelease[]> {
      return Promise.all((await store.listReleases(db.read, query)).map((release) => judge(db.read, release)))
    },

    count: (organisation: string) => store.countReleases(db.read, organisation),

    async create(
      actor: Actor,
      organisation: string,
      input: { product: string; version: string; notes: string; tags: readonly string[] },
    ): Promise<string> {
      const now = clock.now()
      const release: StoredRelease = {
        id: newId(now),
        organisation,
        ...input,
        state: 'draft',
        createdAt: now,
        releasedAt: null,
        withdrawnAt: null,
        withdrawnReason: null,
        artifacts: [],
      }
      await db.write(async (tx) => {
        await requireProduct(tx, organisation, input.product)
        const [same] = await store.listReleases(tx, {
          organisation,
          products: [input.product],
          version: input.version,
          limit: 1,
        })
        if (same !== undefined)
          throw new Fault('conflict', 'artifacts.version_taken', `the product has a release ${input.version} already`, {
            at: 'version',
          })
        await store.insertRelease(tx, release)
        await note(tx, actor, release, 'release.created', {
          after: { version: release.version, notes: release.notes, tags: release.tags },
        })
      })
      return release.id
    },

    async change(
      actor: Actor,
      organisation: string,
      id: string,
      change: { notes?: string | undefined; tags?: readonly string[] | undefined },
    ): Promise<void> {
      await db.write(async (tx) => {
        const release = await require_(tx, organisation, id)
        const after = { notes: change.notes ?? release.notes, tags: change.tags ?? release.tags }
        await store.updateRelease(tx, id, { notes: after.notes, tags: JSON.stringify(after.tags) })
        await note(tx, actor, release, 'release.changed', {
          before: { notes: release.notes, tags: release.tags },
          after,
        })
      })
    },

    async remove(actor: Actor, organisation: string, id: string): Promise<void> {
      await db.write(async (tx) => {
        const release = await require_(tx, organisation, id)
        requireDraft(release.state)
        await store.deleteRelease(tx, id)
        await note(tx, actor, release, 'release.removed')
      })
    },

    /** Stores an upload if it is a whole and well-formed artifact; nothing of it stays otherwise. */
    async upload(
      actor: Actor,
      organisation: string,
      id: string,
      fileName: string,
      bytes: AsyncIterable<Uint8Array>,
    ): Promise<JudgedRelease> {
      requireRoom(await require_(db.read, organisation, id), fileName)
      const { checked } = await blobs.put(bytes, { limit: maxBytes, check: inspect, measured: asFound })
      const inspected = checked as Inspected
      await db.write(async (tx) => {
        const release = await require_(tx, organisation, id)
        requireRoom(release, fileName)
        requireFitting(release, inspected)
        const now = clock.now()
        await store.insertArtifact(tx, {
          id: newId(now),
          organisation,
          release: id,
          fileName,
          inspected,
          uploadedAt: now,
        })
        const detail = {
          file: fileName,
          sha256: inspected.sha256,
          size: inspected.size,
          signed: inspected.signature === null ? 0 : 1,
        }
        await note(tx, actor, release, 'release.artifact_uploaded', { detail, after: detail })
      })
      return judge(db.read, await require_(db.read, organisation, id))
    },

    async removeArtifact(actor: Actor, organisation: string, id: string, fileName: string): Promise<void> {
      await db.write(async (tx) => {
        const release = await require_(tx, organisation, id)
        requireDraft(release.state)
        const artifact = requireArtifact(release, fileName)
        await store.deleteArtifact(tx, artifact.id)
        await note(tx, actor, release, 'release.artifact_removed', {
          detail: { file: fileName, sha256: artifact.sha256 },
        })
      })
    },

    /**
     * Adds a signature that was made elsewhere over the artifact's signed bytes. It must be by a key that the product trusts. A
     * Mender artifact whose own signature is none of theirs gets it inside, because devices look for it there.
     */
    async attachSignature(
      actor: Actor,
      organisation: string,
      id: string,
      fileName: string,
      signature: Uint8Array,
    ): Promise<JudgedRelease> {
      const before = await judge(db.read, await require_(db.read, organisation, id))
      requireDraft(before.state)
      const artifact = requireArtifact(before, fileName)
      const [verdict] = judgeSignatures({ ...artifact, signatures: [signature] }, before.of.keys, clock.now())
      if (verdict?.verdict !== 'trusted') {
        throw new Fault(
          'refused',
          'artifacts.untrusted_signature',
          'the signature is by none of the product’s trusted keys',
        )
      }
      const isInside = before.verdicts.get(artifact.id)?.[0]?.verdict === 'trusted'
      const embedded = artifact.format === 'mender' && !isInside ? await embed(artifact, signature) : undefined
      await db.write(async (tx) => {
        const release = await require_(tx, organisation, id)
        requireDraft(release.state)
        const current = requireArtifact(release, fileName)
        if (current.sha256 !== artifact.sha256)
          throw new Fault('conflict', 'artifacts.changed', 'the artifact has changed in the meantime')
        if (current.signatures.length >= maxSignatures)
          throw new Fault('limited', 'artifacts.signatures', `an artifact holds at most ${maxSignatures} signatures`)
        if (embedded === undefined) {
          await store.insertSignature(tx, current.id, current.signatures.length, signature)
        } else {
          await store.putFirstSignature(tx, current.id, signature)
          await store.replaceArtifactBytes(tx, current.id, embedded)
        }
        await note(tx, actor, release, 'release.signed', {
          detail: { file: fileName, key: verdict.key.fingerprint, by: verdict.key.name },
        })
      })
      return judge(db.read, await require_(db.read, organisation, id))
    },

    async release(actor: Actor, organisation: string, id: string): Promise<void> {
      await db.write(async (tx) => {
        const release = await judge(tx, await require_(tx, organisation, id))
        requireReleasable(release.state, release.artifacts.length, release.signatures)
        await store.updateRelease(tx, id, { state: 'released', released_at: clock.now() })
        const detail = { artifacts: release.artifacts.length, signatures: release.signatures.trusted }
        await note(tx, actor, release, 'release.released', {
          detail,
          before: { state: 'draft' },
          after: { state: 'released' },
        })
      })
    },

    async withdraw(actor: Actor, organisation: string, id: string, reason: string): Promise<void> {
      await db.write(async (tx) => {
        const release = await require_(tx, organisation, id)
        requireWithdrawable(release.state)
        await store.updateRelease(tx, id, { state: 'withdrawn', withdrawn_at: clock.now(), withdrawn_reason: reason })
        await note(tx, actor, release, 'release.withdrawn', {
          detail: { reason },
          before: { state: 'released' },
          after: { state: 'withdrawn' },
        })
      })
    },

    openBytes: (artifact: Pick<StoredArtifact, 'sha256'>, range?: ByteRange) => blobs.read(artifact.sha256, range),
  }

  async function embed(artifact: StoredArtifact, signature: Uint8Array): Promise<Inspected> {
    const signed = signMenderArtifact(await blobs.read(artifact.sha256), () => signature)
    const { checked } = await blobs.put(signed, { limit: maxBytes, check: inspect, measured: asFound })
    return checked as Inspected
  }
}

export function requireArtifact(release: StoredRelease, fileName: string): StoredArtifact {
  const artifact = release.artifacts.find((candidate) => candidate.fileName === fileName)
  if (artifact === undefined)
    throw new Fault('missing', 'artifacts.no_artifact', `the release has no artifact ${fileName}`)
  return artifact
}

function requireRoom(release: StoredRelease, fileName: string): void {
  requireDraft(release.state)
  if (release.artifacts.some((artifact) => artifact.fileName === fileName)) {
    throw new Fault('conflict', 'artifacts.file_taken', `the release has an artifact ${fileName} already`)
  }
}

/** All Mender artifacts of a release bear one name, because that name is how a device says that it runs the release. */
function requireFitting(release: StoredRelease, inspected: Inspected): void {
  if (inspected.format !== 'mender') return
  const other = release.artifacts.find((artifact) => artifact.format === 'mender' && artifact.name !== inspected.name)
  if (other !== undefined) {
    throw new Fault(
      'conflict',
      'artifacts.name_differs',
      `the artifact is named ${inspected.name}, the release’s others ${other.name}`,
    )
  }
}

/** Both formats' readers hash the whole artifact. */
function asFound({ sha256, size }: Inspected): { sha256: string; size: number } {
  return { sha256, size }
}
