import type { Migration } from '../../platform/db/index.ts'

export interface ProductTable {
  id: string
  organisation: string
  key: string
  name: string
  description: string
  signatures_required: number
  devices: number
  created_at: number
}

/** Which product a `device_type` means; one at most in an organisation. */
export interface ProductDeviceTypeTable {
  organisation: string
  device_type: string
  product: string
  /** Its place in the list that the operator gave. */
  place: number
}

export interface ProductKeyTable {
  id: string
  product: string
  name: string
  kind: 'public_key' | 'certificate'
  algorithm: string
  fingerprint: string
  pem: string
  added_at: number
  revoked_at: number | null
}

declare module '../../platform/db/tables.ts' {
  interface Tables {
    product: ProductTable
    product_device_type: ProductDeviceTypeTable
    product_key: ProductKeyTable
  }
}

export const productMigrations: readonly Migration[] = [
  {
    id: 'products.1',
    statements: ({ int, clustered }) => [
      `create table product (id text primary key, organisation text not null, key text not null, name text not null, description text not null,
        signatures_required ${int} not null, devices ${int} not null, created_at ${int} not null)`,
      'create unique index product_key_name on product (organisation, key)',
      `create table product_device_type (organisation text not null, device_type text not null, product text not null references product (id),
        place ${int} not null, primary key (organisation, device_type)) ${clustered}`,
      'create index product_device_type_product on product_device_type (product)',
      `create table product_key (id text primary key, product text not null references product (id), name text not null, kind text not null,
        algorithm text not null, fingerprint text not null, pem text not null, added_at ${int} not null, revoked_at ${int})`,
      'create index product_key_product on product_key (product)',
    ],
  },
]
