import { z } from 'zod'
import { operation } from './operation.ts'
import { permissions } from './permissions.ts'
import { Email, Scope } from './session.ts'
import { Id, Name, PageQuery, page, Slug, Time } from './shapes.ts'

export const Grant = z.object({ role: Slug.or(z.string().regex(/^[a-z_]{1,63}$/)), ...Scope.shape })

export const Person = z.object({
  id: Id,
  name: Name,
  email: z.string(),
  grants: z.array(Grant),
  secondFactor: z.boolean(),
  locked: z.boolean(),
  joinedAt: Time,
  lastSignIn: Time.optional(),
})

export const Role = z.object({
  name: z.string().regex(/^[a-z_]{1,63}$/),
  permissions: z.array(z.enum(permissions)),
  builtIn: z.boolean(),
})

export const ApiToken = z.object({
  id: Id,
  name: Name,
  owner: z.object({ id: Id, name: Name }),
  permissions: z.array(z.enum(permissions)),
  createdAt: Time,
  expiresAt: Time,
  usedAt: Time.optional(),
})

const ByPerson = z.object({ person: Id })

export const people = {
  organisation: operation({
    id: 'people.organisation',
    method: 'GET',
    path: '/organisation',
    requires: 'organisation.read',
    summary: 'The organisation and its settings',
    answer: z.object({
      id: Id,
      name: Name,
      createdAt: Time,
      /** What a Mender client sends as its tenant token, to be found by this organisation. */
      tenantToken: z.string(),
      /** The tenant segment of DDI addresses. */
      ddiTenant: z.string(),
      requireSecondFactor: z.boolean(),
      limits: z.object({ devices: z.number().int() }),
    }),
  }),
  changeOrganisation: operation({
    id: 'people.changeOrganisation',
    method: 'PATCH',
    path: '/organisation',
    requires: 'organisation.manage',
    summary: 'Change the organisation’s settings',
    body: z.object({ name: Name.optional(), requireSecondFactor: z.boolean().optional() }),
    answer: 'nothing',
  }),
  list: operation({
    id: 'people.list',
    method: 'GET',
    path: '/people',
    requires: 'people.read',
    summary: 'The people of the organisation',
    query: PageQuery,
    answer: page(Person),
  }),
  changeGrants: operation({
    id: 'people.changeGrants',
    method: 'PUT',
    path: '/people/{person}/grants',
    requires: 'people.manage',
    summary: 'Set what somebody may do; nobody gives what they do not have, and one owner always remains',
    params: ByPerson,
    body: z.object({ grants: z.array(Grant).max(100) }),
    answer: 'nothing',
  }),
  remove: operation({
    id: 'people.remove',
    method: 'DELETE',
    path: '/people/{person}',
    requires: 'people.manage',
    summary: 'Remove somebody from the organisation; their sessions and tokens end',
    params: ByPerson,
    answer: 'nothing',
  }),
  unlock: operation({
    id: 'people.unlock',
    method: 'POST',
    path: '/people/{person}/unlock',
    requires: 'people.manage',
    summary: 'Lift a lock-out',
    params: ByPerson,
    answer: 'nothing',
  }),
  invitations: operation({
    id: 'people.invitations',
    method: 'GET',
    path: '/invitations',
    requires: 'people.read',
    summary: 'Open invitations',
    answer: z.object({
      items: z.array(
        z.object({ id: Id, email: z.string(), grants: z.array(Grant), expiresAt: Time, invitedBy: z.string() }),
      ),
    }),
  }),
  invite: operation({
    id: 'people.invite',
    method: 'POST',
    path: '/invitations',
    requires: 'people.manage',
    summary: 'Invite somebody; answers the link, once',
    body: z.object({
      email: Email,
      grants: z.array(Grant).min(1).max(100),
      days: z.number().int().min(1).max(30).default(7),
    }),
    answer: z.object({ id: Id, link: z.string(), expiresAt: Time }),
    status: 201,
  }),
  revokeInvitation: operation({
    id: 'people.revokeInvitation',
    method: 'DELETE',
    path: '/invitations/{invitation}',
    requires: 'people.manage',
    summary: 'Withdraw an invitation',
    params: z.object({ invitation: Id }),
    answer: 'nothing',
  }),
  roles: operation({
    id: 'people.roles',
    method: 'GET',
    path: '/roles',
    requires: 'people.read',
    summary: 'The roles and what each may do',
    answer: z.object({ items: z.array(Role) }),
  }),
  putRole: operation({
    id: 'people.putRole',
    method: 'PUT',
    path: '/roles/{role}',
    requires: 'people.manage',
    summary: 'Make or change a role of one’s own',
    params: z.object({ role: z.string().regex(/^[a-z_]{1,63}$/) }),
    body: z.object({ permissions: z.array(z.enum(permissions)).max(permissions.length) }),
    answer: 'nothing',
  }),
  removeRole: operation({
    id: 'people.removeRole',
    method: 'DELETE',
    path: '/roles/{role}',
    requires: 'people.manage',
    summary: 'Remove a role that nobody holds',
    params: z.object({ role: z.string().regex(/^[a-z_]{1,63}$/) }),
    answer: 'nothing',
  }),
  tokens: operation({
    id: 'people.tokens',
    method: 'GET',
    path: '/tokens',
    requires: 'session',
    summary: 'One’s API tokens; with people.read everybody’s',
    answer: z.object({ items: z.array(ApiToken) }),
  }),
  createToken: operation({
    id: 'people.createToken',
    method: 'POST',
    path: '/tokens',
    requires: 'session',
    summary: 'Make an API token with some of one’s own permissions; answers it, once',
    body: z.object({
      name: Name,
      permissions: z.array(z.enum(permissions)).min(1).max(permissions.length),
      days: z.number().int().min(1).max(366).default(90),
    }),
    answer: z.object({ id: Id, token: z.string(), expiresAt: Time }),
    status: 201,
  }),
  revokeToken: operation({
    id: 'people.revokeToken',
    method: 'DELETE',
    path: '/tokens/{token}',
    requires: 'session',
    summary: 'Revoke a token: one’s own, or anybody’s with people.manage',
    params: z.object({ token: Id }),
    answer: 'nothing',
  }),
  supportAccess: operation({
    id: 'people.supportAccess',
    method: 'GET',
    path: '/support-access',
    requires: 'organisation.read',
    summary: 'Who of support may look in, and until when',
    answer: z.object({
      items: z.array(
        z.object({ id: Id, email: z.string(), reason: z.string(), expiresAt: Time, grantedBy: z.string() }),
      ),
    }),
  }),
  grantSupport: operation({
    id: 'people.grantSupport',
    method: 'POST',
    path: '/support-access',
    requires: 'support.grant',
    summary: 'Let somebody of support look in for a while; every act of theirs is audited',
    body: z.object({
      email: Email,
      reason: z.string().min(1).max(500),
      hours: z.number().int().min(1).max(168).default(24),
    }),
    answer: z.object({ id: Id, expiresAt: Time }),
    status: 201,
  }),
  revokeSupport: operation({
    id: 'people.revokeSupport',
    method: 'DELETE',
    path: '/support-access/{access}',
    requires: 'support.grant',
    summary: 'End support access at once',
    params: z.object({ access: Id }),
    answer: 'nothing',
  }),
}
