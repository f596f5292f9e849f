import assert from 'node:assert/strict'
import { test } from 'node:test'
import { builtInRoles, type Permission, permissions } from '@holdfast/protocol'
import fc from 'fast-check'
import { changedGrants, deriveRights, type Grant, narrow, permissionsOf, verifyMayGive } from './rights.ts'
import { faultOf } from './testing.ts'

const custom = new Map<string, readonly Permission[]>([['looker', ['devices.read']]])
const role = fc.constantFrom(...Object.keys(builtInRoles), 'looker', 'nothing')
const place = fc.constantFrom('p1', 'p2', 'p3')
const grant: fc.Arbitrary<Grant> = fc.oneof(
  fc.record({ role }),
  fc.record({ role, product: place }),
  fc.record({ role, group: place }),
)
const grants = fc.array(grant, { maxLength: 6 })

function holds(list: readonly Grant[], permission: Permission, at: { product?: string; group?: string }): boolean {
  return list.some(
    (one) =>
      (permissionsOf(one.role, custom) ?? []).includes(permission) &&
      ((one.product === undefined && one.group === undefined) ||
        (one.product !== undefined && one.product === at.product) ||
        (one.group !== undefined && one.group === at.group)),
  )
}

test('a permission holds exactly where one of the grants gives it', () => {
  fc.assert(
    fc.property(grants, fc.constantFrom(...permissions), place, fc.boolean(), (list, permission, where, isProduct) => {
      const scope = deriveRights(list, custom).get(permission)
      const at = isProduct ? { product: where } : { group: where }
      const held =
        scope !== undefined && (scope === 'everywhere' || (isProduct ? scope.products : scope.groups).has(where))
      assert.equal(held, holds(list, permission, at))
    }),
  )
})

test('whoever may give grants holds, in each scope, every permission that they give', () => {
  fc.assert(
    fc.property(grants, grants, (own, given) => {
      try {
        verifyMayGive(deriveRights(own, custom), given, custom)
      } catch {
        return
      }
      const after = deriveRights([...own, ...given], custom)
      assert.deepEqual(after, deriveRights(own, custom))
    }),
  )
})

test('a role within a product is not enough to give it on everything or elsewhere', () => {
  const rights = deriveRights([{ role: 'operator', product: 'p1' }], custom)
  verifyMayGive(
    rights,
    [
      { role: 'operator', product: 'p1' },
      { role: 'looker', product: 'p1' },
    ],
    custom,
  )
  for (const beyond of [{ role: 'operator' }, { role: 'operator', product: 'p2' }, { role: 'operator', group: 'p1' }]) {
    assert.throws(() => verifyMayGive(rights, [beyond], custom), faultOf('people.beyond_own'))
  }
  assert.throws(() => verifyMayGive(rights, [{ role: 'owner', product: 'p1' }], custom), faultOf('people.beyond_own'))
})

test('a narrowed token never holds more than its owner', () => {
  const rights = deriveRights([{ role: 'operator', product: 'p1' }], custom)
  const narrowed = narrow(rights, ['devices.read', 'people.manage'])
  assert.deepEqual([...narrowed.keys()], ['devices.read'])
  assert.deepEqual(narrowed.get('devices.read'), rights.get('devices.read'))
})

test('what a change gives and what it takes both count', () => {
  const changed = changedGrants([{ role: 'owner' }, { role: 'signer' }], [{ role: 'signer' }, { role: 'auditor' }])
  assert.deepEqual(changed, [{ role: 'auditor' }, { role: 'owner' }])
})
