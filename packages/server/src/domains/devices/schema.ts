import type { Generated } from 'kysely'
import type { Migration } from '../../platform/db/index.ts'
import { searchTables } from './search/schema.ts'

export interface DeviceTable {
  /** Dense and ascending over all organisations; what bitmaps hold. Never given twice. */
  number: Generated<number>
  id: string
  organisation: string
  /** Empty: it has none. */
  name: string
}

declare module '../../platform/db/tables.ts' {
  interface Tables {
    device: DeviceTable
  }
}

export const deviceMigrations: readonly Migration[] = [
  {
    id: 'devices.1',
    statements: (words) => [
      `create table device (number ${words.serial}, id ${words.engine === 'postgres' ? 'text collate "C"' : 'text'} not null unique,
        organisation text not null, name text not null)`,
      ...searchTables(words),
    ],
  },
]
