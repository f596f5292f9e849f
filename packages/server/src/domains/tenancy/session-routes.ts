import { operations } from '@holdfast/protocol'
import { type PublicContext, type Route, route, type SignedInContext } from '../../platform/http/routes.ts'
import type { createAccount } from './account.ts'
import type { Callers } from './callers.ts'
import type { createInvitations } from './invitations.ts'
import type { createPasskeys } from './passkeys.ts'
import type { Resolved } from './resolve-credential.ts'
import { type Begun, type Me, requireSession } from './sessions.ts'
import type { createSetUp } from './set-up.ts'
import type { SignInService } from './sign-in.ts'
import type { createSso } from './sso.ts'

export interface SessionServices {
  readonly callers: Callers
  readonly setUp: ReturnType<typeof createSetUp>
  readonly signIn: SignInService
  readonly account: ReturnType<typeof createAccount>
  readonly invitations: ReturnType<typeof createInvitations>
  readonly passkeys: ReturnType<typeof createPasskeys>
  readonly sso: ReturnType<typeof createSso>
  readonly describe: (resolved: Resolved) => Promise<Me>
}

const { session } = operations

/** Signing in: the ways that need nobody signed in yet. */
export function signInRoutes(services: SessionServices): Route[] {
  const { callers, setUp, signIn, invitations, passkeys, sso, describe } = services
  const enter = async (begun: Begun, context: PublicContext): Promise<Me> => {
    context.setSession(begun.token)
    return await describe(await callers.resolveSession(begun.token))
  }
  return [
    route(session.setupState, async () => ({ waiting: await setUp.isWaiting(), sso: sso.list() })),
    route(session.setup, async ({ body: { secret, ...first } }, context) =>
      enter(await setUp.setUp(secret, first, context), context),
    ),
    route(session.signIn, async ({ body }, context) => {
      const outcome = await signIn.signIn(body, context)
      if ('needs' in outcome) return { done: false as const, needs: outcome.needs }
      return { done: true as const, me: await enter(outcome.begun, context) }
    }),
    route(session.startPasskeySignIn, (_, context) => passkeys.startSignIn(context)),
    route(session.passkeySignIn, async ({ body }, context) =>
      enter(await passkeys.signIn(body.response, context), context),
    ),
    route(session.startSso, async ({ params }, context) => {
      const { redirect, browserSecret } = await sso.start(params.provider, context)
      if (browserSecret !== undefined) context.setSession(browserSecret)
      return { redirect }
    }),
    route(session.finishSso, async ({ params, body }, context) =>
      enter(await sso.finish(params.provider, body.url, context), context),
    ),
    route(session.acceptInvitation, async ({ body }, context) =>
      enter(await invitations.accept(body, context), context),
    ),
  ]
}

/** One's own account. */
export function accountRoutes({ callers, account, passkeys, describe }: SessionServices): Route[] {
  /** The session behind a request that changes the account; tokens are refused. */
  const own = (context: SignedInContext): Resolved => {
    requireSession(context.caller)
    return callers.requireResolved(context.caller)
  }
  return [
    route(session.me, (_, context) => describe(callers.requireResolved(context.caller))),
    route(session.signOut, async (_, context) => {
      await account.signOut(own(context), context.caller.actor)
      context.setSession(undefined)
    }),
    route(session.switchOrganisation, async ({ body }, context) => {
      const { tokenHash } = own(context)
      await account.switchOrganisation(own(context), context.caller.actor, body.organisation)
      return await describe(await callers.resolveSessionHash(tokenHash))
    }),
    route(session.changePassword, ({ body }, context) =>
      account.changePassword(own(context), context.caller.actor, body, context),
    ),
    route(session.startTotp, (_, context) => account.startTotp(own(context), context.caller.actor)),
    route(session.confirmTotp, ({ body }, context) =>
      account.confirmTotp(own(context), context.caller.actor, body.code),
    ),
    route(session.removeTotp, ({ body }, context) =>
      account.removeTotp(own(context), context.caller.actor, body.password, context),
    ),
    route(session.passkeys, async (_, context) => ({ items: await passkeys.list(own(context)) })),
    route(session.startPasskey, (_, context) => passkeys.startAdding(own(context), context)),
    route(session.addPasskey, ({ body }, context) => passkeys.add(own(context), context.caller.actor, body, context)),
    route(session.removePasskey, ({ params }, context) =>
      passkeys.remove(own(context), context.caller.actor, params.passkey),
    ),
  ]
}
