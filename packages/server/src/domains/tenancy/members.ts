import { type Clock, Fault, isId, type Json } from '@holdfast/kernel'
import { builtInRoles, type Permission } from '@holdfast/protocol'
import type { Actor } from '../../platform/actor.ts'
import type { Database, Tx } from '../../platform/db/index.ts'
import { record } from '../audit/index.ts'
import { accountKey, findLocked, forgetAttempts } from './attempts-store.ts'
import type { Callers } from './callers.ts'
import {
  changeOrganisation,
  countOtherOwners,
  deleteCustomRole,
  findCustomRoles,
  findGrantsOfMany,
  isRoleHeld,
  putCustomRole,
  replaceGrants,
  requireOrganisation,
} from './organisation-store.ts'
import { deleteMembership, listMembers, requireMemberGrants, requirePerson } from './person-store.ts'
import type { Resolved } from './resolve-credential.ts'
import { changedGrants, type Grant, isOwner, uniqueGrants, verifyGrants, verifyMayGive } from './rights.ts'
import { findFactors } from './session-store.ts'

const maxRoles = 100

export interface MembersNeeds {
  readonly db: Database
  readonly clock: Clock
  readonly callers: Callers
}

/** The people of an organisation, what each may do, and its settings. */
export function createMembers({ db, clock, callers }: MembersNeeds) {
  /** One change about `person` with its record; whoever is concerned is resolved anew from then on. */
  const change = async (
    { own, actor, person }: { own: Resolved; actor: Actor; person: string },
    work: (tx: Tx) => Promise<{ type: string; detail?: { readonly [key: string]: Json }; before?: Json; after?: Json }>,
  ): Promise<void> => {
    await db.write(async (tx) => {
      const happened = await work(tx)
      const subject = { kind: 'person', id: person }
      await record(tx, { organisation: own.organisation, subject, actor, at: clock.now(), ...happened })
    })
    callers.forget(own.organisation, person)
  }

  return {
    async list(organisation: string, { cursor, limit }: { cursor?: string | undefined; limit: number }) {
      if (cursor !== undefined && !isId(cursor)) {
        throw new Fault('malformed', 'people.bad_cursor', 'this cursor was not made here', { at: 'cursor' })
      }
      const rows = await listMembers(db.read, organisation, cursor ?? '', limit + 1)
      const page = rows.slice(0, limit)
      const locked = await findLocked(
        db.read,
        page.map((row) => accountKey(row.emailKey)),
        clock.now(),
      )
      const grants = await findGrantsOfMany(
        db.read,
        organisation,
        page.map((row) => row.id),
      )
      const items = page.map((row) => ({
        id: row.id,
        name: row.name,
        email: row.email,
        grants: (grants.get(row.id) ?? []).map(wireGrant),
        secondFactor: row.secondFactor,
        locked: locked.has(accountKey(row.emailKey)),
        joinedAt: new Date(row.joinedAt).toISOString(),
        ...(row.lastSignIn === null ? {} : { lastSignIn: new Date(row.lastSignIn).toISOString() }),
      }))
      const last = page.at(-1)
      return { items, ...(rows.length > limit && last !== undefined ? { next: last.id } : {}) }
    },

    /** Nobody gives or takes what they do not have, and one owner always remains. */
    async changeGrants(own: Resolved, actor: Actor, person: string, wanted: readonly Grant[]): Promise<void> {
      const after = uniqueGrants(wanted)
      await change({ own, actor, person }, async (tx) => {
        const before = await requireMemberGrants(tx, own.organisation, person)
        const roles = await findCustomRoles(tx, own.organisation)
        verifyGrants(after, roles)
        verifyMayGive(own.rights, changedGrants(before, after), roles)
        if (isOwner(before) && !isOwner(after)) await verifyNotLastOwner(tx, own.organisation, person)
        await replaceGrants(tx, own.organisation, person, after)
        return {
          type: 'people.grants_changed',
          detail: { grants: after.map(wireGrant) },
          before: before.map(wireGrant),
          after: after.map(wireGrant),
        }
      })
    },

    async remove(own: Resolved, actor: Actor, person: string): Promise<void> {
      await change({ own, actor, person }, async (tx) => {
        const grants = await requireMemberGrants(tx, own.organisation, person)
        const { name } = await requirePerson(tx, person)
        if (person !== own.person) verifyMayGive(own.rights, grants, await findCustomRoles(tx, own.organisation))
        if (isOwner(grants)) await verifyNotLastOwner(tx, own.organisation, person)
        await deleteMembership(tx, own.organisation, person)
        return { type: 'people.removed', detail: { name }, before: grants.map(wireGrant) }
      })
    },

    async unlock(own: Resolved, actor: Actor, person: string): Promise<void> {
      await change({ own, actor, person }, async (tx) => {
        await requireMemberGrants(tx, own.organisation, person)
        await forgetAttempts(tx, accountKey((await requirePerson(tx, person)).email_key))
        return { type: 'people.unlocked' }
      })
    },

    async listRoles(organisation: string) {
      const custom = await findCustomRoles(db.read, organisation)
      return [
        ...Object.entries(builtInRoles).map(([name, permissions]) => ({
          name,
          permissions: [...permissions],
          builtIn: true,
        })),
        ...[...custom].map(([name, permissions]) => ({ name, permissions: [...permissions], builtIn: false })),
      ]
    },

    /** A role changes for everybody who holds it, so whoever changes it must have all that it gives and gave. */
    async putRole(own: Resolved, actor: Actor, role: string, permissions: readonly Permission[]): Promise<void> {
      verifyNotBuiltIn(role)
      await changeRole(own, actor, role, async (tx) => {
        const roles = await findCustomRoles(tx, own.organisation)
        const before = roles.get(role)
        if (before === undefined && roles.size >= maxRoles) {
          throw new Fault(
            'limited',
            'people.too_many_roles',
            `an organisation has at most ${maxRoles} roles of its own`,
          )
        }
        verifyMayGive(own.rights, [{ role }], new Map([[role, [...permissions, ...(before ?? [])]]]))
        const after = [...new Set(permissions)].sort()
        await putCustomRole(tx, own.organisation, role, after)
        return { type: 'people.role_changed', ...(before === undefined ? {} : { before: [...before] }), after }
      })
    },

    async removeRole(own: Resolved, actor: Actor, role: string): Promise<void> {
      verifyNotBuiltIn(role)
      await changeRole(own, actor, role, async (tx) => {
        const before = (await findCustomRoles(tx, own.organisation)).get(role)
        if (before === undefined) throw new Fault('missing', 'people.no_such_role', `there is no role ${role}`)
        if (await isRoleHeld(tx, own.organisation, role)) {
          throw new Fault('conflict', 'people.role_held', `somebody holds the role ${role}`)
        }
        await deleteCustomRole(tx, own.organisation, role)
        return { type: 'people.role_removed', before: [...before] }
      })
    },

    async changeOrganisation(
      own: Resolved,
      actor: Actor,
      wanted: { name?: string | undefined; requireSecondFactor?: boolean | undefined },
    ): Promise<void> {
      await db.write(async (tx) => {
        const { name, requireSecondFactor } = await requireOrganisation(tx, own.organisation)
        const factors = await findFactors(tx, own.person)
        if (
          wanted.requireSecondFactor === true &&
          !factors.totp &&
          factors.passkeys === 0 &&
          factors.identities === 0
        ) {
          throw new Fault('refused', 'people.second_factor_first', 'set up a second factor of your own first')
        }
        await changeOrganisation(tx, own.organisation, wanted)
        const after = {
          name: wanted.name ?? name,
          requireSecondFactor: wanted.requireSecondFactor ?? requireSecondFactor,
        }
        await record(tx, {
          organisation: own.organisation,
          type: 'people.organisation_changed',
          subject: { kind: 'organisation', id: own.organisation },
          actor,
          at: clock.now(),
          detail: after,
          before: { name, requireSecondFactor },
          after,
        })
      })
      callers.forget(own.organisation, '')
    },
  }

  async function changeRole(
    own: Resolved,
    actor: Actor,
    role: string,
    work: (tx: Tx) => Promise<{ type: string; before?: Json; after?: Json }>,
  ): Promise<void> {
    await db.write(async (tx) => {
      const happened = await work(tx)
      const subject = { kind: 'role', id: role }
      await record(tx, { organisation: own.organisation, subject, actor, at: clock.now(), ...happened })
    })
    callers.forget(own.organisation, '')
  }
}

/** A grant without members that are undefined, as the wire and the log have it. */
export function wireGrant({ role, product, group }: Grant) {
  return { role, ...(product === undefined ? {} : { product }), ...(group === undefined ? {} : { group }) }
}

async function verifyNotLastOwner(tx: Tx, organisation: string, person: string): Promise<void> {
  if ((await countOtherOwners(tx, organisation, person)) === 0) {
    throw new Fault('conflict', 'people.last_owner', 'the organisation would have no owner left')
  }
}

function verifyNotBuiltIn(role: string): void {
  if (Object.hasOwn(builtInRoles, role)) {
    throw new Fault('conflict', 'people.built_in_role', `the role ${role} is built in and does not change`)
  }
}
