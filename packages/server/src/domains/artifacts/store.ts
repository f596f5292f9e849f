import type { Selectable } from 'kysely'
import { compileOnce, type Reader, type Tx } from '../../platform/db/index.ts'
import type { ArtifactFile, ArtifactFormat, Inspected } from './inspect.ts'
import type { StoredState } from './release.ts'
import type { ArtifactTable, ReleaseTable } from './schema.ts'

export interface StoredArtifact {
  readonly id: string
  readonly format: ArtifactFormat
  readonly fileName: string
  readonly name: string
  readonly size: number
  readonly sha256: string
  readonly sha1: string | null
  readonly md5: string | null
  readonly payloadType: string
  readonly deviceTypes: readonly string[]
  readonly provides: Readonly<Record<string, string>>
  readonly depends: Readonly<Record<string, string | readonly string[]>>
  readonly clears: readonly string[]
  readonly files: readonly ArtifactFile[]
  readonly scripts: readonly string[]
  readonly settings: Readonly<Record<string, string>> | null
  readonly signed: Uint8Array
  readonly signatures: readonly Uint8Array[]
  readonly uploadedAt: number
}

export interface StoredRelease {
  readonly id: string
  readonly organisation: string
  readonly product: string
  readonly version: string
  readonly state: StoredState
  readonly notes: string
  readonly tags: readonly string[]
  readonly createdAt: number
  readonly releasedAt: number | null
  readonly withdrawnAt: number | null
  readonly withdrawnReason: string | null
  readonly artifacts: readonly StoredArtifact[]
}

export interface ReleaseQuery {
  readonly organisation: string
  /** Undefined: of every product. */
  readonly products?: readonly string[] | undefined
  readonly state?: StoredState | undefined
  readonly tag?: string | undefined
  readonly version?: string | undefined
  readonly search?: string | undefined
  /** Releases older than this one. */
  readonly before?: string | undefined
  readonly limit: number
}

const selectRelease = compileOnce((db, { id, organisation }: { id: string; organisation: string }) =>
  db.selectFrom('release').selectAll().where('id', '=', id).where('organisation', '=', organisation),
)

export async function findRelease(db: Reader, organisation: string, id: string): Promise<StoredRelease | undefined> {
  const [row] = await selectRelease(db, { id, organisation })
  return row === undefined ? undefined : (await withArtifacts(db, [row]))[0]
}

export async function listReleases(db: Reader, query: ReleaseQuery): Promise<StoredRelease[]> {
  let select = db.selectFrom('release').selectAll().where('organisation', '=', query.organisation)
  if (query.products !== undefined) {
    if (query.products.length === 0) return []
    select = select.where('product', 'in', query.products)
  }
  if (query.state !== undefined) select = select.where('state', '=', query.state)
  if (query.version !== undefined) select = select.where('version', '=', query.version)
  if (query.search !== undefined) select = select.where('version', 'like', `%${escapeLike(query.search)}%`)
  if (query.tag !== undefined) select = select.where('tags', 'like', `%${escapeLike(JSON.stringify(query.tag))}%`)
  if (query.before !== undefined) select = select.where('id', '<', query.before)
  return withArtifacts(db, await select.orderBy('id', 'desc').limit(query.limit).execute())
}

export async function countReleases(db: Reader, organisation: string): Promise<{ total: number; released: number }> {
  const rows = await db
    .selectFrom('release')
    .select(['state', (count) => count.fn.countAll<number>().as('n')])
    .where('organisation', '=', organisation)
    .groupBy('state')
    .execute()
  const of = (state: string) => rows.filter((row) => row.state === state).reduce((sum, row) => sum + Number(row.n), 0)
  return { total: rows.reduce((sum, row) => sum + Number(row.n), 0), released: of('released') }
}

export async function insertRelease(tx: Tx, release: StoredRelease): Promise<void> {
  await tx
    .insertInto('release')
    .values({
      id: release.id,
      organisation: release.organisation,
      product: release.product,
      version: release.version,
      state: release.state,
      notes: release.notes,
      tags: JSON.stringify(release.tags),
      created_at: release.createdAt,
      released_at: null,
      withdrawn_at: null,
      withdrawn_reason: null,
    })
    .execute()
}

export async function updateRelease(tx: Tx, id: string, change: Partial<ReleaseTable>): Promise<void> {
  await tx.updateTable('release').set(change).where('id', '=', id).execute()
}

export async function deleteRelease(tx: Tx, id: string): Promise<void> {
  for (const artifact of await artifactsOf(tx, [id])) await deleteArtifact(tx, artifact.id)
  await tx.deleteFrom('release').where('id', '=', id).execute()
}

export interface NewArtifact {
  readonly id: string
  readonly organisation: string
  readonly release: string
  readonly fileName: string
  readonly inspected: Inspected
  readonly uploadedAt: number
}

export async function insertArtifact(tx: Tx, { inspected, ...artifact }: NewArtifact): Promise<void> {
  const { deviceTypes, provides, depends, clears, files, scripts, settings } = inspected
  await tx
    .insertInto('artifact')
    .values({
      id: artifact.id,
      organisation: artifact.organisation,
      release: artifact.release,
      format: inspected.format,
      file_name: artifact.fileName,
      name: inspected.name,
      size: inspected.size,
      sha256: inspected.sha256,
      sha1: inspected.sha1,
      md5: inspected.md5,
      payload_type: inspected.payloadType,
      description: JSON.stringify({ deviceTypes, provides, depends, clears, files, scripts }),
      settings: settings === null ? null : JSON.stringify(settings),
      signed: inspected.signed,
      uploaded_at: artifact.uploadedAt,
    })
    .execute()
  if (inspected.signature !== null) await insertSignature(tx, artifact.id, 0, inspected.signature)
}

export async function insertSignature(tx: Tx, artifact: string, ordinal: number, signature: Uint8Array): Promise<void> {
  await tx.insertInto('artifact_signature').values({ artifact, ordinal, signature }).execute()
}

/** The signature inside of the file, in place of the one that was there. */
export async function putFirstSignature(tx: Tx, artifact: string, signature: Uint8Array): Promise<void> {
  await tx.deleteFrom('artifact_signature').where('artifact', '=', artifact).where('ordinal', '=', 0).execute()
  await insertSignature(tx, artifact, 0, signature)
}

/** The same content with its first signature now inside of the file. */
export async function replaceArtifactBytes(tx: Tx, id: string, inspected: Inspected): Promise<void> {
  await tx
    .updateTable('artifact')
    .set({ size: inspected.size, sha256: inspected.sha256, sha1: inspected.sha1, md5: inspected.md5 })
    .where('id', '=', id)
    .execute()
}

export async function deleteArtifact(tx: Tx, id: string): Promise<void> {
  await tx.deleteFrom('artifact_signature').where('artifact', '=', id).execute()
  await tx.deleteFrom('artifact').where('id', '=', id).execute()
}

const blobIsUsed = compileOnce((db, { sha256 }: { sha256: string }) =>
  db.selectFrom('artifact').select('id').where('sha256', '=', sha256).limit(1),
)

export async function isBlobUsed(db: Reader, sha256: string): Promise<boolean> {
  return (await blobIsUsed(db, { sha256 })).length > 0
}

async function withArtifacts(db: Reader, rows: readonly Selectable<ReleaseTable>[]): Promise<StoredRelease[]> {
  const ids = rows.map((row) => row.id)
  const artifacts = ids.length === 0 ? [] : await artifactsOf(db, ids)
  const signatures = await signaturesOf(
    db,
    artifacts.map((artifact) => artifact.id),
  )
  return rows.map((row) => ({
    id: row.id,
    organisation: row.organisation,
    product: row.product,
    version: row.version,
    state: row.state,
    notes: row.notes,
    tags: JSON.parse(row.tags),
    createdAt: row.created_at,
    releasedAt: row.released_at,
    withdrawnAt: row.withdrawn_at,
    withdrawnReason: row.withdrawn_reason,
    artifacts: artifacts
      .filter(({ release }) => release === row.id)
      .map((artifact) => fromRow(artifact, signatures.get(artifact.id) ?? [])),
  }))
}

function artifactsOf(db: Reader, releases: readonly string[]): Promise<Selectable<ArtifactTable>[]> {
  return db.selectFrom('artifact').selectAll().where('release', 'in', releases).orderBy('file_name').execute()
}

async function signaturesOf(db: Reader, artifacts: readonly string[]): Promise<Map<string, Uint8Array[]>> {
  const found = new Map<string, Uint8Array[]>()
  if (artifacts.length === 0) return found
  const rows = await db
    .selectFrom('artifact_signature')
    .selectAll()
    .where('artifact', 'in', artifacts)
    .orderBy('ordinal')
    .execute()
  for (const row of rows) found.set(row.artifact, [...(found.get(row.artifact) ?? []), row.signature])
  return found
}

function fromRow(row: Selectable<ArtifactTable>, signatures: readonly Uint8Array[]): StoredArtifact {
  return {
    id: row.id,
    format: row.format,
    fileName: row.file_name,
    name: row.name,
    size: row.size,
    sha256: row.sha256,
    sha1: row.sha1,
    md5: row.md5,
    payloadType: row.payload_type,
    ...(JSON.parse(row.description) as Pick<
      StoredArtifact,
      'deviceTypes' | 'provides' | 'depends' | 'clears' | 'files' | 'scripts'
    >),
    settings: row.settings === null ? null : JSON.parse(row.settings),
    signed: row.signed,
    signatures,
    uploadedAt: row.uploaded_at,
  }
}

function escapeLike(text: string): string {
  return text.replaceAll(/[%_]/g, '')
}
