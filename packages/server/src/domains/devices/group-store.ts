import { compileOnce, type Reader, type Tx } from '../../platform/db/index.ts'

export interface Group {
  readonly id: string
  readonly organisation: string
  readonly name: string
  readonly description: string
  /** Undefined: its devices are chosen one by one. */
  readonly filter: string | undefined
  readonly createdAt: number
}

export async function listGroups(db: Reader, organisation: string): Promise<Group[]> {
  const rows = await db
    .selectFrom('device_group')
    .selectAll()
    .where('organisation', '=', organisation)
    .orderBy('name')
    .execute()
  return rows.map(({ created_at, filter, ...rest }) => ({
    ...rest,
    filter: filter ?? undefined,
    createdAt: created_at,
  }))
}

export async function insertGroup(tx: Tx, { createdAt, filter, ...rest }: Group): Promise<void> {
  await tx
    .insertInto('device_group')
    .values({ ...rest, filter: filter ?? null, created_at: createdAt })
    .execute()
}

export async function updateGroup(tx: Tx, { id, name, description, filter }: Group): Promise<void> {
  await tx
    .updateTable('device_group')
    .set({ name, description, filter: filter ?? null })
    .where('id', '=', id)
    .execute()
}

export async function deleteGroup(tx: Tx, id: string): Promise<void> {
  await tx.deleteFrom('device_group').where('id', '=', id).execute()
}

const selectGroupsOf = compileOnce((db, { device }: { device: number }) =>
  db.selectFrom('group_member').select('group_id').where('device', '=', device),
)

/** The static groups of a device. */
export async function listGroupsOf(db: Reader, device: number): Promise<string[]> {
  return (await selectGroupsOf(db, { device })).map((row) => row.group_id)
}

/** The static groups of the devices with numbers from `first` to `last`, of those that are in any. */
export async function listGroupsBetween(db: Reader, first: number, last: number): Promise<Map<number, string[]>> {
  const rows = await db
    .selectFrom('group_member')
    .select(['device', 'group_id'])
    .where('device', '>=', first)
    .where('device', '<=', last)
    .execute()
  const groups = new Map<number, string[]>()
  for (const { device, group_id } of rows) groups.set(device, [...(groups.get(device) ?? []), group_id])
  return groups
}

export async function listMembers(db: Reader, group: string, limit: number): Promise<number[]> {
  const rows = await db
    .selectFrom('group_member')
    .select('device')
    .where('group_id', '=', group)
    .orderBy('device')
    .limit(limit)
    .execute()
  return rows.map((row) => row.device)
}

export async function addMember(tx: Tx, group: string, device: number): Promise<void> {
  await tx.insertInto('group_member').values({ device, group_id: group }).execute()
}

export async function removeMember(tx: Tx, group: string, device: number): Promise<void> {
  await tx.deleteFrom('group_member').where('device', '=', device).where('group_id', '=', group).execute()
}
