import { Fault } from '@holdfast/kernel'
import { sql } from 'kysely'
import { compileOnce, type Reader, type Tx } from '../../platform/db/index.ts'
import type { Product, TrustedKey } from './product.ts'
import type { ProductKeyTable, ProductTable } from './schema.ts'

export async function insertProduct(tx: Tx, product: Product): Promise<void> {
  await tx
    .insertInto('product')
    .values({
      id: product.id,
      organisation: product.organisation,
      key: product.key,
      name: product.name,
      description: product.description,
      signatures_required: product.signaturesRequired,
      devices: 0,
      created_at: product.createdAt,
    })
    .execute()
  await replaceDeviceTypes(tx, product, product.deviceTypes)
}

export interface ProductChange {
  readonly name?: string
  readonly description?: string
  readonly signaturesRequired?: number
}

export async function updateProduct(tx: Tx, id: string, change: ProductChange): Promise<void> {
  const { name, description, signaturesRequired } = change
  const values = {
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    ...(signaturesRequired === undefined ? {} : { signatures_required: signaturesRequired }),
  }
  if (Object.keys(values).length > 0) await tx.updateTable('product').set(values).where('id', '=', id).execute()
}

export async function replaceDeviceTypes(
  tx: Tx,
  { id, organisation }: Pick<Product, 'id' | 'organisation'>,
  deviceTypes: readonly string[],
): Promise<void> {
  await tx.deleteFrom('product_device_type').where('product', '=', id).execute()
  const rows = deviceTypes.map((device_type, place) => ({ organisation, device_type, product: id, place }))
  if (rows.length > 0) await tx.insertInto('product_device_type').values(rows).execute()
}

export async function listProducts(db: Reader, organisation: string): Promise<Product[]> {
  const rows = await db
    .selectFrom('product')
    .selectAll()
    .where('organisation', '=', organisation)
    .orderBy('name')
    .orderBy('id')
    .execute()
  const types = await db
    .selectFrom('product_device_type')
    .select(['product', 'device_type'])
    .where('organisation', '=', organisation)
    .orderBy('place')
    .execute()
  const keys = await listKeysOf(
    db,
    rows.map((row) => row.id),
  )
  const typesOf = Map.groupBy(types, (type) => type.product)
  const keysOf = Map.groupBy(keys, (key) => key.product)
  return rows.map((row) => toProduct(row, typesOf.get(row.id) ?? [], keysOf.get(row.id) ?? []))
}

export async function findProduct(db: Reader, organisation: string, id: string): Promise<Product | undefined> {
  return findBy(db, organisation, 'id', id)
}

export async function findProductByKey(db: Reader, organisation: string, key: string): Promise<Product | undefined> {
  return findBy(db, organisation, 'key', key)
}

async function findBy(db: Reader, organisation: string, column: 'id' | 'key', value: string) {
  const row = await db
    .selectFrom('product')
    .selectAll()
    .where('organisation', '=', organisation)
    .where(column, '=', value)
    .executeTakeFirst()
  if (row === undefined) return undefined
  const types = await db
    .selectFrom('product_device_type')
    .select('device_type')
    .where('product', '=', row.id)
    .orderBy('place')
    .execute()
  return toProduct(row, types, await listKeysOf(db, [row.id]))
}

/** Throws `products.missing`, for a product of another organisation too. */
export async function requireProduct(db: Reader, organisation: string, id: string): Promise<Product> {
  const product = await findProduct(db, organisation, id)
  if (product === undefined) throw new Fault('missing', 'products.missing', 'there is no such product')
  return product
}

const selectByDeviceType = compileOnce((db, values: { organisation: string; deviceType: string }) =>
  db
    .selectFrom('product_device_type')
    .select('product')
    .where('organisation', '=', values.organisation)
    .where('device_type', '=', values.deviceType),
)

export async function findProductOfType(db: Reader, organisation: string, deviceType: string) {
  return (await selectByDeviceType(db, { organisation, deviceType }))[0]?.product
}

const addToCount = compileOnce((db, { id, more }: { id: string; more: number }) =>
  db
    .updateTable('product')
    .set({ devices: sql<number>`devices + ${more}` })
    .where('id', '=', id),
)

export async function addDevices(tx: Tx, id: string, more: number): Promise<void> {
  await addToCount(tx, { id, more })
}

export async function insertKey(tx: Tx, key: TrustedKey): Promise<void> {
  const { addedAt, revokedAt, ...rest } = key
  await tx
    .insertInto('product_key')
    .values({ ...rest, added_at: addedAt, revoked_at: revokedAt ?? null })
    .execute()
}

export async function markKeyRevoked(tx: Tx, id: string, at: number): Promise<void> {
  await tx.updateTable('product_key').set({ revoked_at: at }).where('id', '=', id).execute()
}

async function listKeysOf(db: Reader, products: readonly string[]): Promise<TrustedKey[]> {
  if (products.length === 0) return []
  const rows = await db.selectFrom('product_key').selectAll().where('product', 'in', products).orderBy('id').execute()
  return rows.map(toKey)
}

function toProduct(row: ProductTable, types: readonly { device_type: string }[], keys: readonly TrustedKey[]): Product {
  return {
    id: row.id,
    organisation: row.organisation,
    key: row.key,
    name: row.name,
    description: row.description,
    deviceTypes: types.map((type) => type.device_type),
    signaturesRequired: row.signatures_required,
    keys,
    devices: row.devices,
    createdAt: row.created_at,
  }
}

function toKey({ added_at, revoked_at, ...rest }: ProductKeyTable): TrustedKey {
  return { ...rest, addedAt: added_at, revokedAt: revoked_at ?? undefined }
}
