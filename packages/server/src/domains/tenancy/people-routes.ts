import { operations } from '@holdfast/protocol'
import type { Database } from '../../platform/db/index.ts'
import { requireEverywhere } from '../../platform/http/caller.ts'
import { type Route, route, type SignedInContext } from '../../platform/http/routes.ts'
import type { Callers } from './callers.ts'
import type { createInvitations } from './invitations.ts'
import type { createMembers } from './members.ts'
import { requireOrganisation } from './organisation-store.ts'
import type { Resolved } from './resolve-credential.ts'
import { requireSession } from './sessions.ts'
import type { createSupport } from './support.ts'
import type { createTokens } from './tokens.ts'

export interface PeopleServices {
  readonly db: Database
  readonly callers: Callers
  readonly members: ReturnType<typeof createMembers>
  readonly invitations: ReturnType<typeof createInvitations>
  readonly tokens: ReturnType<typeof createTokens>
  readonly support: ReturnType<typeof createSupport>
  readonly maxDevices: number
}

const { people } = operations

export function organisationRoutes({ db, callers, members, maxDevices }: PeopleServices): Route[] {
  const own = whole(callers)
  return [
    route(people.organisation, async (_, context) => {
      const organisation = await requireOrganisation(db.read, context.caller.organisation)
      return {
        id: organisation.id,
        name: organisation.name,
        createdAt: new Date(organisation.createdAt).toISOString(),
        tenantToken: organisation.tenantToken,
        ddiTenant: organisation.ddiTenant,
        requireSecondFactor: organisation.requireSecondFactor,
        limits: { devices: maxDevices },
      }
    }),
    route(people.changeOrganisation, ({ body }, context) =>
      members.changeOrganisation(own(context), context.caller.actor, body),
    ),
    route(people.list, ({ query }, context) => members.list(own(context).organisation, query)),
    route(people.changeGrants, ({ params, body }, context) =>
      members.changeGrants(own(context), context.caller.actor, params.person, body.grants),
    ),
    route(people.remove, ({ params }, context) => members.remove(own(context), context.caller.actor, params.person)),
    route(people.unlock, ({ params }, context) => members.unlock(own(context), context.caller.actor, params.person)),
    route(people.roles, async (_, context) => ({ items: await members.listRoles(own(context).organisation) })),
    route(people.putRole, ({ params, body }, context) =>
      members.putRole(own(context), context.caller.actor, params.role, body.permissions),
    ),
    route(people.removeRole, ({ params }, context) =>
      members.removeRole(own(context), context.caller.actor, params.role),
    ),
  ]
}

export function accessRoutes({ callers, invitations, tokens, support }: PeopleServices): Route[] {
  const own = whole(callers)
  return [
    route(people.invitations, async (_, context) => ({ items: await invitations.list(own(context).organisation) })),
    route(people.invite, async ({ body }, context) => {
      const made = await invitations.invite(own(context), context.caller.actor, body, context.ownUrl)
      return { id: made.id, link: made.link, expiresAt: new Date(made.expiresAt).toISOString() }
    }),
    route(people.revokeInvitation, ({ params }, context) =>
      invitations.revoke(own(context), context.caller.actor, params.invitation),
    ),
    route(people.tokens, async (_, context) => ({ items: await tokens.list(callers.requireResolved(context.caller)) })),
    route(people.createToken, async ({ body }, context) => {
      // Else a token could outlive its own end by making another.
      requireSession(context.caller)
      const made = await tokens.create(callers.requireResolved(context.caller), context.caller.actor, body)
      return { id: made.id, token: made.token, expiresAt: new Date(made.expiresAt).toISOString() }
    }),
    route(people.revokeToken, ({ params }, context) =>
      tokens.revoke(callers.requireResolved(context.caller), context.caller.actor, params.token),
    ),
    route(people.supportAccess, async (_, context) => ({ items: await support.list(own(context).organisation) })),
    route(people.grantSupport, async ({ body }, context) => {
      const made = await support.grant(own(context), context.caller.actor, body)
      return { id: made.id, expiresAt: new Date(made.expiresAt).toISOString() }
    }),
    route(people.revokeSupport, ({ params }, context) =>
      support.revoke(own(context), context.caller.actor, params.access),
    ),
  ]
}

/** Who acts, where the permission must hold on the whole organisation. */
function whole(callers: Callers) {
  return (context: SignedInContext): Resolved => {
    requireEverywhere(context)
    return callers.requireResolved(context.caller)
  }
}
