import { z } from 'zod'
import { operation } from './operation.ts'
import { permissions } from './permissions.ts'
import { Id, Name, Time } from './shapes.ts'

export const Password = z.string().min(12, 'at least 12 characters').max(1_024)
export const Email = z.email().max(254).toLowerCase()
const Passkey = z.record(z.string(), z.unknown())

export const Scope = z.object({
  /** Only this product; absent: all. */
  product: Id.optional(),
  /** Only devices of this group; absent: all. */
  group: Id.optional(),
})

export const Me = z.object({
  user: z.object({ id: Id, name: Name, email: z.string() }),
  organisation: z.object({ id: Id, name: Name }),
  organisations: z.array(z.object({ id: Id, name: Name })),
  permissions: z.array(z.object({ permission: z.enum(permissions), ...Scope.shape })),
  secondFactor: z.object({ totp: z.boolean(), passkeys: z.number().int() }),
  via: z.enum(['session', 'token']),
})

export const SignIn = z.object({ email: Email, password: z.string().max(1_024), code: z.string().max(16).optional() })
export const SignedIn = z.union([
  z.object({ done: z.literal(true), me: Me }),
  /** The password was right; the same call again with `code`, or a passkey. */
  z.object({ done: z.literal(false), needs: z.array(z.enum(['totp', 'passkey'])) }),
])

/** Signing in and one's own account. A session is a cookie; operations that change things also need its CSRF header. */
export const session = {
  setupState: operation({
    id: 'session.setupState',
    method: 'GET',
    path: '/session/setup',
    requires: 'public',
    summary: 'Whether this installation still waits for its first owner, and which ways of signing in exist',
    answer: z.object({ waiting: z.boolean(), sso: z.array(z.object({ id: z.string(), name: z.string() })) }),
  }),
  setup: operation({
    id: 'session.setup',
    method: 'POST',
    path: '/session/setup',
    requires: 'public',
    summary: 'Make the first owner with the one-time set-up link',
    body: z.object({ secret: z.string().max(100), organisation: Name, name: Name, email: Email, password: Password }),
    answer: Me,
    status: 201,
  }),
  signIn: operation({
    id: 'session.signIn',
    method: 'POST',
    path: '/session',
    requires: 'public',
    summary: 'Sign in with password, and the second factor where one is set',
    body: SignIn,
    answer: SignedIn,
  }),
  signOut: operation({
    id: 'session.signOut',
    method: 'DELETE',
    path: '/session',
    requires: 'session',
    summary: 'End this session',
    answer: 'nothing',
  }),
  me: operation({
    id: 'session.me',
    method: 'GET',
    path: '/session',
    requires: 'session',
    summary: 'Who is signed in',
    answer: Me,
  }),
  switchOrganisation: operation({
    id: 'session.switchOrganisation',
    method: 'PUT',
    path: '/session/organisation',
    requires: 'session',
    summary: 'Work in another organisation of one’s own',
    body: z.object({ organisation: Id }),
    answer: Me,
  }),
  changePassword: operation({
    id: 'session.changePassword',
    method: 'PUT',
    path: '/session/password',
    requires: 'session',
    summary: 'Change one’s password; other sessions end',
    body: z.object({ current: z.string().max(1_024), next: Password }),
    answer: 'nothing',
  }),
  startTotp: operation({
    id: 'session.startTotp',
    method: 'POST',
    path: '/session/totp',
    requires: 'session',
    summary: 'Begin to set up one-time codes (RFC 6238)',
    answer: z.object({ secret: z.string(), uri: z.string() }),
  }),
  confirmTotp: operation({
    id: 'session.confirmTotp',
    method: 'PUT',
    path: '/session/totp',
    requires: 'session',
    summary: 'Switch one-time codes on by giving one; answers recovery codes, once',
    body: z.object({ code: z.string().max(16) }),
    answer: z.object({ recoveryCodes: z.array(z.string()) }),
  }),
  removeTotp: operation({
    id: 'session.removeTotp',
    method: 'DELETE',
    path: '/session/totp',
    requires: 'session',
    summary: 'Switch one-time codes off',
    body: z.object({ password: z.string().max(1_024) }),
    answer: 'nothing',
  }),
  passkeys: operation({
    id: 'session.passkeys',
    method: 'GET',
    path: '/session/passkeys',
    requires: 'session',
    summary: 'One’s passkeys',
    answer: z.object({ items: z.array(z.object({ id: Id, name: Name, addedAt: Time, usedAt: Time.optional() })) }),
  }),
  startPasskey: operation({
    id: 'session.startPasskey',
    method: 'POST',
    path: '/session/passkeys/challenge',
    requires: 'session',
    summary: 'Begin to add a passkey (WebAuthn creation options)',
    answer: Passkey,
  }),
  addPasskey: operation({
    id: 'session.addPasskey',
    method: 'POST',
    path: '/session/passkeys',
    requires: 'session',
    summary: 'Add a passkey',
    body: z.object({ name: Name, response: Passkey }),
    answer: z.object({ id: Id }),
    status: 201,
  }),
  removePasskey: operation({
    id: 'session.removePasskey',
    method: 'DELETE',
    path: '/session/passkeys/{passkey}',
    requires: 'session',
    summary: 'Remove a passkey',
    params: z.object({ passkey: Id }),
    answer: 'nothing',
  }),
  startPasskeySignIn: operation({
    id: 'session.startPasskeySignIn',
    method: 'POST',
    path: '/session/passkey/challenge',
    requires: 'public',
    summary: 'Begin to sign in with a passkey (WebAuthn request options)',
    answer: Passkey,
  }),
  passkeySignIn: operation({
    id: 'session.passkeySignIn',
    method: 'POST',
    path: '/session/passkey',
    requires: 'public',
    summary: 'Sign in with a passkey',
    body: z.object({ response: Passkey }),
    answer: Me,
  }),
  startSso: operation({
    id: 'session.startSso',
    method: 'POST',
    path: '/session/sso/{provider}',
    requires: 'public',
    summary: 'Begin single sign-on (OpenID Connect, code flow with PKCE)',
    params: z.object({ provider: z.string().max(64) }),
    answer: z.object({ redirect: z.string() }),
  }),
  finishSso: operation({
    id: 'session.finishSso',
    method: 'POST',
    path: '/session/sso/{provider}/finish',
    requires: 'public',
    summary: 'Finish single sign-on with the address that the provider sent the browser back to',
    params: z.object({ provider: z.string().max(64) }),
    body: z.object({ url: z.string().max(8_000) }),
    answer: Me,
  }),
  acceptInvitation: operation({
    id: 'session.acceptInvitation',
    method: 'POST',
    path: '/session/invitation',
    requires: 'public',
    summary: 'Accept an invitation: a new account, or the existing one with its password',
    body: z.object({ secret: z.string().max(100), name: Name.optional(), password: Password }),
    answer: Me,
  }),
}
