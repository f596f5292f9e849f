import { Fault, type Instant } from '@holdfast/kernel'
import { type Permission, permissions } from '@holdfast/protocol'
import { compileOnce, type Reader, type Tx } from '../../platform/db/index.ts'
import type { CustomRoles, Grant } from './rights.ts'

export interface Organisation {
  readonly id: string
  readonly name: string
  readonly createdAt: Instant
  /** What Mender clients send to be found; it is in every device image, so it is no secret. */
  readonly tenantToken: string
  /** The tenant segment of DDI addresses. */
  readonly ddiTenant: string
  readonly requireSecondFactor: boolean
}

interface OrganisationRow {
  id: string
  name: string
  created_at: number
  tenant_token: string
  ddi_tenant: string
  require_second_factor: number
}

export async function insertOrganisation(tx: Tx, organisation: Organisation): Promise<void> {
  await tx
    .insertInto('organisation')
    .values({
      id: organisation.id,
      name: organisation.name,
      created_at: organisation.createdAt,
      tenant_token: organisation.tenantToken,
      ddi_tenant: organisation.ddiTenant,
      require_second_factor: organisation.requireSecondFactor ? 1 : 0,
    })
    .execute()
}

export async function requireOrganisation(db: Reader, id: string): Promise<Organisation> {
  const row = await db.selectFrom('organisation').selectAll().where('id', '=', id).executeTakeFirst()
  if (row === undefined) throw new Fault('missing', 'people.no_such_organisation', 'there is no such organisation')
  return toOrganisation(row)
}

const byTenantToken = compileOnce((db, given: { token: string }) =>
  db.selectFrom('organisation').selectAll().where('tenant_token', '=', given.token),
)
const byDdiTenant = compileOnce((db, given: { name: string }) =>
  db.selectFrom('organisation').selectAll().where('ddi_tenant', '=', given.name),
)

export async function findByTenantToken(db: Reader, token: string): Promise<Organisation | undefined> {
  const [row] = await byTenantToken(db, { token })
  return row === undefined ? undefined : toOrganisation(row)
}

export async function findByDdiTenant(db: Reader, name: string): Promise<Organisation | undefined> {
  const [row] = await byDdiTenant(db, { name })
  return row === undefined ? undefined : toOrganisation(row)
}

export async function listOrganisationIds(db: Reader): Promise<string[]> {
  const rows = await db.selectFrom('organisation').select('id').orderBy('id').execute()
  return rows.map((row) => row.id)
}

export async function changeOrganisation(
  tx: Tx,
  id: string,
  change: { name?: string | undefined; requireSecondFactor?: boolean | undefined },
): Promise<void> {
  await tx
    .updateTable('organisation')
    .set({
      ...(change.name === undefined ? {} : { name: change.name }),
      ...(change.requireSecondFactor === undefined
        ? {}
        : { require_second_factor: change.requireSecondFactor ? 1 : 0 }),
    })
    .where('id', '=', id)
    .execute()
}

const grantsOf = compileOnce((db, given: { organisation: string; person: string }) =>
  db
    .selectFrom('role_grant')
    .select(['role', 'product', 'group_id'])
    .where('organisation', '=', given.organisation)
    .where('person', '=', given.person)
    .orderBy('role'),
)

export async function findGrants(db: Reader, organisation: string, person: string): Promise<Grant[]> {
  return (await grantsOf(db, { organisation, person })).map(toGrant)
}

export async function findGrantsOfMany(db: Reader, organisation: string, people: readonly string[]) {
  const grants = new Map<string, Grant[]>(people.map((person) => [person, []]))
  if (people.length === 0) return grants
  const rows = await db
    .selectFrom('role_grant')
    .select(['person', 'role', 'product', 'group_id'])
    .where('organisation', '=', organisation)
    .where('person', 'in', people)
    .orderBy('role')
    .execute()
  for (const row of rows) grants.get(row.person)?.push(toGrant(row))
  return grants
}

export async function replaceGrants(tx: Tx, organisation: string, person: string, grants: readonly Grant[]) {
  await tx.deleteFrom('role_grant').where('organisation', '=', organisation).where('person', '=', person).execute()
  if (grants.length === 0) return
  const rows = grants.map(({ role, product = '', group = '' }) => ({
    organisation,
    person,
    role,
    product,
    group_id: group,
  }))
  await tx.insertInto('role_grant').values(rows).execute()
}

export async function countOtherOwners(db: Reader, organisation: string, person: string): Promise<number> {
  const rows = await db
    .selectFrom('role_grant')
    .select('person')
    .where('organisation', '=', organisation)
    .where('role', '=', 'owner')
    .where('product', '=', '')
    .where('group_id', '=', '')
    .where('person', '!=', person)
    .execute()
  return rows.length
}

const rolesOf = compileOnce((db, given: { organisation: string }) =>
  db
    .selectFrom('custom_role')
    .select(['name', 'permissions'])
    .where('organisation', '=', given.organisation)
    .orderBy('name'),
)

export async function findCustomRoles(db: Reader, organisation: string): Promise<CustomRoles> {
  const rows = await rolesOf(db, { organisation })
  return new Map(rows.map((row) => [row.name, readPermissions(row.permissions)]))
}

export async function putCustomRole(tx: Tx, organisation: string, name: string, granted: readonly Permission[]) {
  const text = JSON.stringify(granted)
  await tx
    .insertInto('custom_role')
    .values({ organisation, name, permissions: text })
    .onConflict((conflict) => conflict.columns(['organisation', 'name']).doUpdateSet({ permissions: text }))
    .execute()
}

export async function deleteCustomRole(tx: Tx, organisation: string, name: string): Promise<void> {
  await tx.deleteFrom('custom_role').where('organisation', '=', organisation).where('name', '=', name).execute()
}

export async function isRoleHeld(db: Reader, organisation: string, role: string): Promise<boolean> {
  const held = await db
    .selectFrom('role_grant')
    .select('person')
    .where('organisation', '=', organisation)
    .where('role', '=', role)
    .limit(1)
    .executeTakeFirst()
  return held !== undefined
}

const known: ReadonlySet<string> = new Set(permissions)

/** Permissions that a later or earlier version knew are passed over. */
export function readPermissions(text: string): Permission[] {
  return (JSON.parse(text) as string[]).filter((permission): permission is Permission => known.has(permission))
}

function toGrant(row: { role: string; product: string; group_id: string }): Grant {
  return {
    role: row.role,
    ...(row.product === '' ? {} : { product: row.product }),
    ...(row.group_id === '' ? {} : { group: row.group_id }),
  }
}

function toOrganisation(row: OrganisationRow): Organisation {
  return {
    id: row.id,
    name: row.name,
    createdAt: row.created_at,
    tenantToken: row.tenant_token,
    ddiTenant: row.ddi_tenant,
    requireSecondFactor: row.require_second_factor === 1,
  }
}
