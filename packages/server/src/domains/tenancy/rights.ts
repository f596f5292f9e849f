import { Fault } from '@holdfast/kernel'
import { builtInRoles, type Permission } from '@holdfast/protocol'
import type { AccessScope } from '../../platform/http/caller.ts'

/** A role within a scope: everywhere, one product, or one device group. */
export interface Grant {
  readonly role: string
  readonly product?: string | undefined
  readonly group?: string | undefined
}

/** Where each permission holds; absent: nowhere. */
export type Rights = ReadonlyMap<Permission, AccessScope>

/** An organisation's own roles by name. */
export type CustomRoles = ReadonlyMap<string, readonly Permission[]>

export const noRights: Rights = new Map()

export function permissionsOf(role: string, custom: CustomRoles): readonly Permission[] | undefined {
  return Object.hasOwn(builtInRoles, role) ? builtInRoles[role as keyof typeof builtInRoles] : custom.get(role)
}

/** Merges grants; a role that does not exist gives nothing. */
export function deriveRights(grants: readonly Grant[], custom: CustomRoles): Rights {
  const rights = new Map<Permission, 'everywhere' | { products: Set<string>; groups: Set<string> }>()
  for (const grant of grants) {
    for (const permission of permissionsOf(grant.role, custom) ?? []) {
      const held = rights.get(permission)
      if (held === 'everywhere') continue
      if (isUnlimited(grant)) {
        rights.set(permission, 'everywhere')
        continue
      }
      const scope = held ?? { products: new Set<string>(), groups: new Set<string>() }
      if (grant.product !== undefined) scope.products.add(grant.product)
      if (grant.group !== undefined) scope.groups.add(grant.group)
      rights.set(permission, scope)
    }
  }
  return rights
}

/** What remains of `rights` for a token that was given only some permissions. */
export function narrow(rights: Rights, permissions: readonly Permission[]): Rights {
  const wanted = new Set(permissions)
  return new Map([...rights].filter(([permission]) => wanted.has(permission)))
}

/** Throws unless the one who acts holds everything that `grants` would give, in their scopes: nobody gives what they lack. */
export function verifyMayGive(rights: Rights, grants: readonly Grant[], custom: CustomRoles): void {
  for (const grant of grants) {
    for (const permission of permissionsOf(grant.role, custom) ?? []) {
      if (!covers(rights.get(permission), grant)) {
        throw new Fault('forbidden', 'people.beyond_own', `you do not have ${permission} yourself in that scope`)
      }
    }
  }
}

/** Throws for roles that do not exist and scopes that cannot be held. */
export function verifyGrants(grants: readonly Grant[], custom: CustomRoles): void {
  for (const [index, grant] of grants.entries()) {
    const at = { at: `grants[${index}]` }
    if (permissionsOf(grant.role, custom) === undefined) {
      throw new Fault('refused', 'people.no_such_role', `there is no role ${grant.role}`, at)
    }
    if (grant.product !== undefined && grant.group !== undefined) {
      throw new Fault('refused', 'people.two_scopes', 'a grant is for a product or for a group, not for both', at)
    }
  }
}

/** The grants that are in one list only: what a change gives and takes. */
export function changedGrants(before: readonly Grant[], after: readonly Grant[]): Grant[] {
  const had = new Set(before.map(grantKey))
  const has = new Set(after.map(grantKey))
  return [...after.filter((grant) => !had.has(grantKey(grant))), ...before.filter((grant) => !has.has(grantKey(grant)))]
}

export function uniqueGrants(grants: readonly Grant[]): Grant[] {
  return [...new Map(grants.map((grant) => [grantKey(grant), grant])).values()]
}

export function isOwner(grants: readonly Grant[]): boolean {
  return grants.some((grant) => grant.role === 'owner' && isUnlimited(grant))
}

/** The permissions as a list of single scopes, as the wire says it. */
export function listRights(rights: Rights): { permission: Permission; product?: string; group?: string }[] {
  return [...rights].flatMap(([permission, scope]) =>
    scope === 'everywhere'
      ? [{ permission }]
      : [
          ...[...scope.products].map((product) => ({ permission, product })),
          ...[...scope.groups].map((group) => ({ permission, group })),
        ],
  )
}

function covers(scope: AccessScope | undefined, grant: Grant): boolean {
  if (scope === undefined || scope === 'everywhere') return scope === 'everywhere'
  if (isUnlimited(grant)) return false
  return (
    (grant.product === undefined || scope.products.has(grant.product)) &&
    (grant.group === undefined || scope.groups.has(grant.group))
  )
}

function isUnlimited(grant: Grant): boolean {
  return grant.product === undefined && grant.group === undefined
}

function grantKey(grant: Grant): string {
  return `${grant.role} ${grant.product ?? ''} ${grant.group ?? ''}`
}
