import { Fault } from '@holdfast/kernel'
import { type Answer, operations } from '@holdfast/protocol'
import type { AccessScope } from '../../platform/http/caller.ts'
import { type Route, route, type SignedInContext } from '../../platform/http/routes.ts'
import { type Artifacts, type JudgedRelease, requireArtifact } from './service.ts'
import type { StoredArtifact } from './store.ts'

const { releases } = operations

export function artifactRoutes(artifacts: Artifacts): Route[] {
  const readable = async ({ caller, scope }: SignedInContext, id: string) => {
    const release = await artifacts.require(caller.organisation, id)
    if (!mayRead(scope, release.product)) throw new Fault('missing', 'artifacts.no_release', 'there is no such release')
    return release
  }
  const changeable = async (context: SignedInContext, id: string) => {
    const release = await readable(context, id)
    requireWithin(context.scope, release.product)
    return release
  }
  return [
    route(releases.list, async ({ query }, { caller, scope }) => {
      const { product, state, limit } = query
      const items = await artifacts.list({
        organisation: caller.organisation,
        products: product === undefined ? readableProducts(scope) : mayRead(scope, product) ? [product] : [],
        state: state === 'signed' ? 'draft' : state,
        tag: query.tag,
        version: query.version,
        search: query.search,
        before: query.cursor,
        limit: limit + 1,
      })
      const page = items.slice(0, limit)
      const last = page.at(-1)
      const wanted = page.filter((release) => state === undefined || release.currentState === state)
      return {
        items: wanted.map(releaseView),
        ...(items.length > limit && last !== undefined ? { next: last.id } : {}),
      }
    }),
    route(releases.get, async ({ params }, context) => releaseView(await readable(context, params.release))),
    route(releases.create, async ({ body }, { caller, scope }) => {
      requireWithin(scope, body.product)
      return { id: await artifacts.create(caller.actor, caller.organisation, body) }
    }),
    route(releases.change, async ({ params, body }, context) => {
      await changeable(context, params.release)
      await artifacts.change(context.caller.actor, context.caller.organisation, params.release, body)
    }),
    route(releases.remove, async ({ params }, context) => {
      await changeable(context, params.release)
      await artifacts.remove(context.caller.actor, context.caller.organisation, params.release)
    }),
    route(releases.uploadArtifact, async ({ params, body }, context) => {
      await changeable(context, params.release)
      const { actor, organisation } = context.caller
      const release = await artifacts.upload(actor, organisation, params.release, params.fileName, body)
      return artifactView(release, requireArtifact(release, params.fileName))
    }),
    route(releases.downloadArtifact, async ({ params }, context) => {
      const artifact = requireArtifact(await readable(context, params.release), params.fileName)
      const content = await artifacts.openBytes(artifact)
      return { content, size: artifact.size, type: 'application/octet-stream', fileName: artifact.fileName }
    }),
    route(releases.manifest, async ({ params }, context) => {
      const { signed } = requireArtifact(await readable(context, params.release), params.fileName)
      return { content: once(signed), size: signed.length, type: 'application/octet-stream' }
    }),
    route(releases.removeArtifact, async ({ params }, context) => {
      await changeable(context, params.release)
      await artifacts.removeArtifact(context.caller.actor, context.caller.organisation, params.release, params.fileName)
    }),
    route(releases.attachSignature, async ({ params, body }, context) => {
      await changeable(context, params.release)
      const { actor, organisation } = context.caller
      const signature = Buffer.from(body.signature, 'base64')
      const release = await artifacts.attachSignature(actor, organisation, params.release, params.fileName, signature)
      return artifactView(release, requireArtifact(release, params.fileName))
    }),
    route(releases.release, async ({ params }, context) => {
      await changeable(context, params.release)
      await artifacts.release(context.caller.actor, context.caller.organisation, params.release)
    }),
    route(releases.withdraw, async ({ params, body }, context) => {
      await changeable(context, params.release)
      await artifacts.withdraw(context.caller.actor, context.caller.organisation, params.release, body.reason)
    }),
  ]
}

/** Who works on some device groups only still chooses among all releases; who works on some products sees theirs. */
function readableProducts(scope: AccessScope): string[] | undefined {
  return scope === 'everywhere' || scope.groups.size > 0 ? undefined : [...scope.products]
}

function mayRead(scope: AccessScope, product: string): boolean {
  return readableProducts(scope)?.includes(product) ?? true
}

function requireWithin(scope: AccessScope, product: string): void {
  if (scope !== 'everywhere' && !scope.products.has(product)) {
    throw new Fault('forbidden', 'access.denied', 'this product is outside of what you may change')
  }
}

function releaseView(release: JudgedRelease): Answer<typeof releases.get> {
  return {
    id: release.id,
    product: { id: release.of.id, name: release.of.name },
    version: release.version,
    state: release.currentState,
    notes: release.notes,
    tags: [...release.tags],
    artifacts: release.artifacts.map((artifact) => artifactView(release, artifact)),
    signatures: release.signatures,
    createdAt: time(release.createdAt),
    ...(release.releasedAt === null ? {} : { releasedAt: time(release.releasedAt) }),
    ...(release.withdrawnAt === null ? {} : { withdrawnAt: time(release.withdrawnAt) }),
    ...(release.withdrawnReason === null ? {} : { withdrawnReason: release.withdrawnReason }),
  }
}

function artifactView(release: JudgedRelease, artifact: StoredArtifact): Answer<typeof releases.uploadArtifact> {
  const verdicts = release.verdicts.get(artifact.id) ?? []
  const shown = verdicts.find(({ verdict }) => verdict === 'trusted') ?? verdicts[0] ?? { verdict: 'none' as const }
  return {
    id: artifact.id,
    format: artifact.format,
    fileName: artifact.fileName,
    name: artifact.name,
    size: artifact.size,
    sha256: artifact.sha256,
    payloadType: artifact.payloadType,
    deviceTypes: [...artifact.deviceTypes],
    provides: { ...artifact.provides },
    depends: Object.fromEntries(
      Object.entries(artifact.depends).map(([key, value]) => [key, typeof value === 'string' ? value : [...value]]),
    ),
    clears: [...artifact.clears],
    files: artifact.files.map((file) => ({ ...file })),
    scripts: [...artifact.scripts],
    signature: {
      verdict: shown.verdict,
      ...('key' in shown ? { key: { id: shown.key.id, name: shown.key.name } } : {}),
    },
    uploadedAt: time(artifact.uploadedAt),
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

function time(at: number): string {
  return new Date(at).toISOString()
}
