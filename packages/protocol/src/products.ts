import { z } from 'zod'
import { operation } from './operation.ts'
import { Id, Name, Pem, Slug, Text, Time } from './shapes.ts'

export const TrustedKey = z.object({
  id: Id,
  name: Name,
  /** `public_key`: SPKI, for Mender artifacts. `certificate`: X.509, trusted as signer or issuer of CMS signatures on .swu. */
  kind: z.enum(['public_key', 'certificate']),
  algorithm: z.string(),
  /** SHA-256 of the SubjectPublicKeyInfo, hex. */
  fingerprint: z.string(),
  pem: Pem,
  addedAt: Time,
  revokedAt: Time.optional(),
})

export const Product = z.object({
  id: Id,
  key: Slug,
  name: Name,
  description: Text,
  /** What its devices report as `device_type`; a device is of the product that names its type. */
  deviceTypes: z.array(z.string().min(1).max(128)),
  /** Distinct trusted keys that must have signed a release before it may be released; 0: unsigned is allowed. */
  signaturesRequired: z.number().int().min(0).max(8),
  keys: z.array(TrustedKey),
  devices: z.number().int(),
  createdAt: Time,
})

const ByProduct = z.object({ product: Id })

export const products = {
  list: operation({
    id: 'products.list',
    method: 'GET',
    path: '/products',
    requires: 'products.read',
    summary: 'The products',
    answer: z.object({ items: z.array(Product) }),
  }),
  get: operation({
    id: 'products.get',
    method: 'GET',
    path: '/products/{product}',
    requires: 'products.read',
    summary: 'One product',
    params: ByProduct,
    answer: Product,
  }),
  create: operation({
    id: 'products.create',
    method: 'POST',
    path: '/products',
    requires: 'products.manage',
    summary: 'Make a product',
    body: z.object({
      key: Slug,
      name: Name,
      description: Text.default(''),
      deviceTypes: z.array(z.string().min(1).max(128)).min(1).max(100),
      signaturesRequired: z.number().int().min(0).max(8).default(1),
    }),
    answer: z.object({ id: Id }),
    status: 201,
  }),
  change: operation({
    id: 'products.change',
    method: 'PATCH',
    path: '/products/{product}',
    requires: 'products.manage',
    summary: 'Change a product',
    params: ByProduct,
    body: z.object({
      name: Name.optional(),
      description: Text.optional(),
      deviceTypes: z.array(z.string().min(1).max(128)).min(1).max(100).optional(),
      signaturesRequired: z.number().int().min(0).max(8).optional(),
    }),
    answer: 'nothing',
  }),
  trustKey: operation({
    id: 'products.trustKey',
    method: 'POST',
    path: '/products/{product}/keys',
    requires: 'products.manage',
    summary: 'Trust a key that signs this product’s releases',
    params: ByProduct,
    body: z.object({ name: Name, pem: Pem }),
    answer: z.object({ id: Id, fingerprint: z.string() }),
    status: 201,
  }),
  revokeKey: operation({
    id: 'products.revokeKey',
    method: 'DELETE',
    path: '/products/{product}/keys/{key}',
    requires: 'products.manage',
    summary: 'Stop trusting a key; releases signed only by it can no longer be deployed',
    params: z.object({ product: Id, key: Id }),
    answer: 'nothing',
  }),
}
