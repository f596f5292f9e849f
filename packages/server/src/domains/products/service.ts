import { type Clock, Fault, type Json, newId } from '@holdfast/kernel'
import type { Actor } from '../../platform/actor.ts'
import type { Database, Reader, Tx } from '../../platform/db/index.ts'
import { record } from '../audit/index.ts'
import { mostTrustedKeys, normaliseDeviceTypes, type Product, readKeyMaterial, type TrustedKey } from './product.ts'
import {
  addDevices,
  findProduct,
  findProductByKey,
  findProductOfType,
  insertKey,
  insertProduct,
  listProducts,
  markKeyRevoked,
  type ProductChange,
  replaceDeviceTypes,
  requireProduct,
  updateProduct,
} from './store.ts'

export interface NewProduct {
  readonly key: string
  readonly name: string
  readonly description: string
  readonly deviceTypes: readonly string[]
  readonly signaturesRequired: number
}

export type ProductsService = ReturnType<typeof createProductsService>

export function createProductsService({ db, clock }: { db: Database; clock: Clock }) {
  const note = (
    tx: Tx,
    actor: Actor,
    product: Pick<Product, 'id' | 'organisation'>,
    type: string,
    detail: Detail,
    states: { before?: Product; after?: Product },
  ) =>
    record(tx, {
      organisation: product.organisation,
      type: `product.${type}`,
      subject: { kind: 'product', id: product.id },
      actor,
      at: clock.now(),
      detail,
      ...(states.before === undefined ? {} : { before: stateOf(states.before) }),
      ...(states.after === undefined ? {} : { after: stateOf(states.after) }),
    })

  return {
    async create(actor: Actor, organisation: string, input: NewProduct): Promise<Product> {
      const deviceTypes = normaliseDeviceTypes(input.deviceTypes)
      const now = clock.now()
      const product: Product = {
        ...input,
        deviceTypes,
        id: newId(now),
        organisation,
        keys: [],
        devices: 0,
        createdAt: now,
      }
      await db.write(async (tx) => {
        if ((await findProductByKey(tx, organisation, input.key)) !== undefined) {
          throw new Fault('conflict', 'products.key_taken', `there is a product ${input.key} already`, { at: 'key' })
        }
        await requireFreeTypes(tx, product, deviceTypes)
        await insertProduct(tx, product)
        await note(tx, actor, product, 'created', { key: input.key, name: input.name }, { after: product })
      })
      return product
    },

    async change(
      actor: Actor,
      organisation: string,
      id: string,
      change: ProductChange & { readonly deviceTypes?: readonly string[] },
    ): Promise<void> {
      await db.write(async (tx) => {
        const product = await requireProduct(tx, organisation, id)
        if (change.deviceTypes !== undefined) {
          const deviceTypes = normaliseDeviceTypes(change.deviceTypes)
          await requireFreeTypes(tx, product, deviceTypes)
          await replaceDeviceTypes(tx, product, deviceTypes)
        }
        await updateProduct(tx, id, change)
        const after = await requireProduct(tx, organisation, id)
        await note(tx, actor, product, 'changed', { changed: Object.keys(change).sort() }, { before: product, after })
      })
    },

    /** Throws `products.key_trusted` when the same key is trusted already; a revoked key cannot come back. */
    async trustKey(actor: Actor, organisation: string, id: string, input: { name: string; pem: string }) {
      const material = readKeyMaterial(input.pem)
      const now = clock.now()
      const key: TrustedKey = {
        ...material,
        id: newId(now),
        product: id,
        name: input.name,
        addedAt: now,
        revokedAt: undefined,
      }
      await db.write(async (tx) => {
        const product = await requireProduct(tx, organisation, id)
        verifyRoom(product.keys, key)
        await insertKey(tx, key)
        const detail = { key: key.id, fingerprint: key.fingerprint, kind: key.kind }
        const after = { ...product, keys: [...product.keys, key] }
        await note(tx, actor, product, 'key_trusted', detail, { before: product, after })
      })
      return key
    },

    async revokeKey(actor: Actor, organisation: string, id: string, keyId: string): Promise<void> {
      await db.write(async (tx) => {
        const product = await requireProduct(tx, organisation, id)
        const key = product.keys.find((one) => one.id === keyId)
        if (key === undefined) throw new Fault('missing', 'products.key_missing', 'the product has no such key')
        if (key.revokedAt !== undefined) return
        await markKeyRevoked(tx, keyId, clock.now())
        const after = await requireProduct(tx, organisation, id)
        const detail = { key: keyId, fingerprint: key.fingerprint }
        await note(tx, actor, product, 'key_revoked', detail, { before: product, after })
      })
    },

    list: (organisation: string) => listProducts(db.read, organisation),

    findProduct: (organisation: string, id: string) => findProduct(db.read, organisation, id),

    findProductByKey: (organisation: string, key: string) => findProductByKey(db.read, organisation, key),

    requireProduct: (organisation: string, id: string) => requireProduct(db.read, organisation, id),

    /** The id of the product whose devices say that they are of this type. */
    findProductByDeviceType: (organisation: string, deviceType: string, within: Reader = db.read) =>
      findProductOfType(within, organisation, deviceType),

    /** Keeps the number of devices of a product; the registry calls it whenever that changes. */
    adjustDeviceCount: (tx: Tx, product: string, more: number) => addDevices(tx, product, more),
  }
}

/** A product as the audit log hashes it: what people decided, not how many devices it has by now. */
function stateOf({ key, name, description, deviceTypes, signaturesRequired, keys }: Product): Json {
  const trusted = keys.filter(({ revokedAt }) => revokedAt === undefined).map(({ fingerprint }) => fingerprint)
  return { key, name, description, deviceTypes: [...deviceTypes], signaturesRequired, trusted: trusted.sort() }
}

type Detail = Readonly<Record<string, string | readonly string[]>>

async function requireFreeTypes(tx: Tx, product: Product, deviceTypes: readonly string[]): Promise<void> {
  for (const type of deviceTypes) {
    const holder = await findProductOfType(tx, product.organisation, type)
    if (holder !== undefined && holder !== product.id) {
      throw new Fault('conflict', 'products.type_taken', `devices of type ${type} belong to another product`, {
        at: 'deviceTypes',
      })
    }
  }
}

function verifyRoom(keys: readonly TrustedKey[], key: TrustedKey): void {
  const same = keys.find((one) => one.kind === key.kind && one.pem === key.pem)
  if (same?.revokedAt !== undefined) {
    throw new Fault('refused', 'products.key_revoked', 'this key was revoked; make a new one')
  }
  if (same !== undefined) throw new Fault('conflict', 'products.key_trusted', 'this key is trusted already')
  if (keys.length >= mostTrustedKeys) {
    throw new Fault('limited', 'products.too_many_keys', `a product has at most ${mostTrustedKeys} keys`)
  }
}
