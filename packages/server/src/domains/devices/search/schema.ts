import type { Generated } from 'kysely'
import type { Migration } from '../../../platform/db/index.ts'

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

/** The statements of the search within the devices domain's first migration. */
export const searchTables: Migration['statements'] = ({ engine, int, bytes, serial, clustered }) => {
  // Names sort byte by byte on both engines.
  const text = engine === 'postgres' ? 'text collate "C"' : 'text'
  return [
    `create table attribute (id ${serial}, organisation ${text} not null, scope ${text} not null, name ${text} not null,
      unique (organisation, scope, name))`,
    `create table posting (attribute ${int} not null, value ${bytes} not null, block ${int} not null,
      members ${bytes} not null, primary key (attribute, value, block)) ${clustered}`,
    `create table posting_change (seq ${serial}, number ${int} not null, changes ${bytes} not null)`,
  ]
}
