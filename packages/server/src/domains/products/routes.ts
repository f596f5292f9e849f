import { Fault } from '@holdfast/kernel'
import { operations } from '@holdfast/protocol'
import type { AccessScope } from '../../platform/http/caller.ts'
import { type Route, route } from '../../platform/http/routes.ts'
import type { Product } from './product.ts'
import type { ProductsService } from './service.ts'

export function productRoutes(products: ProductsService): readonly Route[] {
  return [
    route(operations.products.list, async (_, { caller, scope }) => {
      const found = await products.list(caller.organisation)
      return { items: found.filter(({ id }) => isInScope(scope, id)).map(toAnswer) }
    }),
    route(operations.products.get, async ({ params }, { caller, scope }) => {
      requireInScope(scope, params.product)
      return toAnswer(await products.requireProduct(caller.organisation, params.product))
    }),
    route(operations.products.create, async ({ body }, { caller, scope }) => {
      if (scope !== 'everywhere') {
        throw new Fault('forbidden', 'products.scope', 'your role holds on some products only; it cannot make new ones')
      }
      return { id: (await products.create(caller.actor, caller.organisation, body)).id }
    }),
    route(operations.products.change, async ({ params, body }, { caller, scope }) => {
      requireInScope(scope, params.product)
      const { name, description, deviceTypes, signaturesRequired } = body
      await products.change(caller.actor, caller.organisation, params.product, {
        ...(name === undefined ? {} : { name }),
        ...(description === undefined ? {} : { description }),
        ...(deviceTypes === undefined ? {} : { deviceTypes }),
        ...(signaturesRequired === undefined ? {} : { signaturesRequired }),
      })
    }),
    route(operations.products.trustKey, async ({ params, body }, { caller, scope }) => {
      requireInScope(scope, params.product)
      const key = await products.trustKey(caller.actor, caller.organisation, params.product, body)
      return { id: key.id, fingerprint: key.fingerprint }
    }),
    route(operations.products.revokeKey, async ({ params }, { caller, scope }) => {
      requireInScope(scope, params.product)
      await products.revokeKey(caller.actor, caller.organisation, params.product, params.key)
    }),
  ]
}

function isInScope(scope: AccessScope, product: string): boolean {
  return scope === 'everywhere' || scope.products.has(product)
}

/** What lies outside of a caller's scope does not exist for them. */
function requireInScope(scope: AccessScope, product: string): void {
  if (!isInScope(scope, product)) throw new Fault('missing', 'products.missing', 'there is no such product')
}

function toAnswer(product: Product) {
  const { organisation: _, createdAt, deviceTypes, keys, ...rest } = product
  return {
    ...rest,
    deviceTypes: [...deviceTypes],
    createdAt: new Date(createdAt).toISOString(),
    keys: keys.map(({ product: __, addedAt, revokedAt, ...key }) => ({
      ...key,
      addedAt: new Date(addedAt).toISOString(),
      ...(revokedAt === undefined ? {} : { revokedAt: new Date(revokedAt).toISOString() }),
    })),
  }
}
