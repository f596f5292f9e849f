import type { Clock } from '@holdfast/kernel'
import type { Database } from '../../platform/db/index.ts'
import { productRoutes } from './routes.ts'
import { createProductsService } from './service.ts'

export type { Product, TrustedKey } from './product.ts'
export { productMigrations } from './schema.ts'
export { findProductOfType, requireProduct } from './store.ts'

export type Products = ReturnType<typeof createProducts>

export function createProducts(needs: { db: Database; clock: Clock }) {
  const service = createProductsService(needs)
  return { ...service, routes: productRoutes(service) }
}
