import type { Generated } from 'kysely'

/** A field that some device of an organisation has had a value for; its `id` shortens every posting. */
export interface AttributeTable {
  id: Generated<number>
  organisation: string
  scope: string
  name: string
}

/** The devices of one block (`number >> 16`) that have one value; keyed by attribute, value and block. */
export interface PostingTable {
  attribute: number
  /** `encodeValue`; empty for "has any value". */
  value: Uint8Array
  block: number
  /** `encodeContainer`. */
  members: Uint8Array
}

/** What changed for one device and is not in the postings yet, in the order of the changes. */
export interface PostingChangeTable {
  seq: Generated<number>
  number: number
  /** `encodeChanges`. */
  changes: Uint8Array
}

declare module '../../../platform/db/tables.ts' {
  interface Tables {
    attribute: AttributeTable
    posting: PostingTable
    posting_change: PostingChangeTable
  }
}
