import { Fault } from '@holdfast/kernel'
import { operations } from '@holdfast/protocol'
import type { AccessScope } from '../../platform/http/caller.ts'
import { type Route, route, type SignedInContext } from '../../platform/http/routes.ts'
import type { DeploymentsService } from './service.ts'
import type { StoredDeployment } from './store.ts'

const { deployments: wire } = operations

export function deploymentRoutes(service: DeploymentsService): Route[] {
  return [...readingRoutes(service), ...changingRoutes(service)]
}

function readingRoutes(service: DeploymentsService): Route[] {
  const readable = async ({ caller, scope }: SignedInContext, id: string) => {
    const stored = await service.require(caller.organisation, id)
    requireWithin(scope, stored)
    return stored
  }
  return [
    route(wire.list, async ({ query }, { caller, scope }) =>
      service.list(caller.organisation, { ...query, within: withinOf(scope) }),
    ),
    route(wire.get, async ({ params }, context) => service.view(await readable(context, params.deployment))),
    route(wire.preview, async ({ body }, { caller, scope }) => {
      await requireMayDeploy(service, caller.organisation, scope, body)
      return service.preview(caller.organisation, body)
    }),
    route(wire.devices, async ({ params, query }, context) =>
      service.listDevices(await readable(context, params.deployment), query),
    ),
    route(wire.timeline, async ({ params }, context) =>
      service.timeline(await readable(context, params.deployment), params.device),
    ),
    route(wire.log, async ({ params }, context) => ({
      messages: await service.readLog(await readable(context, params.deployment), params.device),
    })),
    route(wire.ofDevice, async ({ params, query }, { caller, scope }) => {
      requireVisible(scope, await service.requireDevice(caller.organisation, params.device))
      return service.listOfDevice(params.device, query)
    }),
    route(wire.wouldDo, async ({ params }, { caller, scope }) => {
      const device = await service.requireDevice(caller.organisation, params.device)
      requireVisible(scope, device)
      return service.explain(device)
    }),
  ]
}

function changingRoutes(service: DeploymentsService): Route[] {
  const { control } = service
  const changeable = async ({ caller, scope }: SignedInContext, id: string) => {
    requireWithin(scope, await service.require(caller.organisation, id))
    return { actor: caller.actor, organisation: caller.organisation }
  }
  return [
    route(wire.create, async ({ body }, { caller, scope }) => {
      await requireMayDeploy(service, caller.organisation, scope, body)
      return service.create({ actor: caller.actor, organisation: caller.organisation }, body)
    }),
    route(wire.pause, async ({ params: { deployment } }, context) =>
      control.pause(await changeable(context, deployment), deployment),
    ),
    route(wire.resume, async ({ params: { deployment } }, context) =>
      control.resume(await changeable(context, deployment), deployment),
    ),
    route(wire.abort, async ({ params: { deployment }, body }, context) =>
      control.abort(await changeable(context, deployment), deployment, body.reason),
    ),
    route(wire.abortAll, async ({ body }, { caller, scope }) => {
      if (scope !== 'everywhere') throw denied('your role holds on a part of the organisation only')
      return { aborted: await control.abortAll(caller, body.reason) }
    }),
    route(wire.openPhase, async ({ params: { deployment, phase } }, context) =>
      control.openPhase(await changeable(context, deployment), deployment, phase),
    ),
    route(wire.install, async ({ params: { deployment } }, context) =>
      control.install(await changeable(context, deployment), deployment),
    ),
    route(wire.extend, async ({ params: { deployment }, body }, context) =>
      control.extend(await changeable(context, deployment), deployment, Date.parse(body.expiresAt)),
    ),
    route(wire.continue, async ({ params: { deployment, device } }, context) =>
      control.letContinue(await changeable(context, deployment), deployment, device),
    ),
    route(wire.retry, async ({ params: { deployment, device } }, context) =>
      control.retry(await changeable(context, deployment), deployment, device),
    ),
    route(wire.force, async ({ params: { deployment } }, context) =>
      control.force(await changeable(context, deployment), deployment),
    ),
    route(wire.rollBack, async ({ params: { deployment }, body }, context) =>
      service.rollBack(await changeable(context, deployment), deployment, body.release),
    ),
  ]
}

function withinOf(scope: AccessScope): { products: string[]; groups: string[] } | undefined {
  return scope === 'everywhere' ? undefined : { products: [...scope.products], groups: [...scope.groups] }
}

/** What lies outside of a caller's scope does not exist for them. */
function requireWithin(scope: AccessScope, { product, target }: StoredDeployment): void {
  if (scope === 'everywhere' || scope.products.has(product)) return
  if (target.kind === 'group' && scope.groups.has(target.group)) return
  throw new Fault('missing', 'deployments.missing', 'there is no such deployment')
}

function requireVisible(
  scope: AccessScope,
  device: { readonly product: string | undefined; readonly groups: readonly string[] },
): void {
  if (scope === 'everywhere' || (device.product !== undefined && scope.products.has(device.product))) return
  if (device.groups.some((group) => scope.groups.has(group))) return
  throw new Fault('missing', 'devices.missing', 'there is no such device')
}

/** Who works on some groups only deploys to those; who works on some products deploys what is theirs. */
async function requireMayDeploy(
  service: DeploymentsService,
  organisation: string,
  scope: AccessScope,
  { release, target }: { readonly release: string; readonly target: StoredDeployment['targetInput'] },
): Promise<void> {
  if (scope === 'everywhere') return
  if (target.kind === 'group' && scope.groups.has(target.group)) return
  if (scope.products.has(await service.productOf(organisation, release))) return
  throw denied('this lies outside of what you may deploy to')
}

function denied(message: string): Fault {
  return new Fault('forbidden', 'access.denied', message)
}
