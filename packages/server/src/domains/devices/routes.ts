import { certificateFingerprint, readCertificate } from '@holdfast/crypto/x509'
import { operations } from '@holdfast/protocol'
import { requireEverywhere } from '../../platform/http/caller.ts'
import { type Route, route, type SignedInContext } from '../../platform/http/routes.ts'
import type { Filters } from './filters.ts'
import type { Group } from './group-store.ts'
import { type Groups, missingGroup } from './groups.ts'
import type { History } from './history.ts'
import type { createImport } from './import-file.ts'
import { kindOf, type Lists, time } from './lists.ts'
import type { Operate, Operator } from './operate.ts'
import type { Preauthorise } from './preauthorise.ts'
import type { AcceptRule } from './rule-store.ts'
import { isRuleInScope, type Trust } from './trust.ts'

const paths = operations.devices

export interface DeviceRoutesNeeds {
  readonly lists: Lists
  readonly history: History
  readonly operate: Operate
  readonly preauthorise: Preauthorise
  readonly importFile: ReturnType<typeof createImport>
}

export function operatorOf({ caller, scope }: SignedInContext): Operator {
  return { actor: caller.actor, organisation: caller.organisation, scope }
}

export function deviceRoutes({
  lists,
  history,
  operate,
  preauthorise,
  importFile,
}: DeviceRoutesNeeds): readonly Route[] {
  return [
    route(paths.list, async ({ query }, context) => lists.list(operatorOf(context), query)),
    route(paths.count, async ({ query }, context) => lists.count(operatorOf(context), query.filter)),
    route(paths.facets, async ({ query }, context) => lists.facets(operatorOf(context), query)),
    route(paths.attributes, async (_, { caller }) => lists.attributes(caller.organisation)),
    route(paths.get, async ({ params }, context) => lists.get(operatorOf(context), params.device)),
    route(paths.inventoryHistory, async ({ params, query }, context) =>
      history.list(operatorOf(context), params.device, query),
    ),
    route(paths.change, async ({ params, body }, context) => operate.change(operatorOf(context), params.device, body)),
    route(paths.decideKey, async ({ params, body }, context) =>
      operate.decideKey(operatorOf(context), params.device, params.key, body.state),
    ),
    route(paths.accept, async ({ body }, context) => ({
      accepted: await operate.accept(operatorOf(context), body.devices, body.product),
    })),
    route(paths.reject, async ({ params }, context) => operate.reject(operatorOf(context), params.device)),
    route(paths.quarantine, async ({ params, body }, context) =>
      operate.quarantine(operatorOf(context), params.device, body.reason),
    ),
    route(paths.release, async ({ params }, context) => operate.release(operatorOf(context), params.device)),
    route(paths.retire, async ({ params, body }, context) =>
      operate.retire(operatorOf(context), params.device, body.reason),
    ),
    route(paths.revokeTokens, async ({ params }, context) => operate.revokeTokens(operatorOf(context), params.device)),
    route(paths.targetToken, async ({ params }, context) => ({
      token: await operate.makeTargetToken(operatorOf(context), params.device),
    })),
    route(paths.preauthorise, async ({ body }, context) => preauthorise.preauthorise(operatorOf(context), body)),
    route(paths.importPreauthorised, async ({ query, body }, context) =>
      importFile(operatorOf(context), body, { format: query.format, product: query.product, dryRun: query.dryRun }),
    ),
  ]
}

export interface GroupRoutesNeeds {
  readonly groups: Groups
  readonly filters: Filters
  readonly lists: Lists
}

export function groupRoutes({ groups, filters, lists }: GroupRoutesNeeds): readonly Route[] {
  const toAnswer = async (operator: Operator, group: Group) => {
    const devices = await lists.countGroup(operator, group.id)
    return {
      id: group.id,
      name: group.name,
      description: group.description,
      kind: kindOf(group),
      ...(group.filter === undefined ? {} : { filter: group.filter }),
      ...(devices === undefined ? {} : { devices }),
      createdAt: time(group.createdAt),
    }
  }
  const visible = async ({ organisation, scope }: Operator) => {
    const all = await filters.groups(organisation)
    return scope === 'everywhere' ? all : all.filter(({ id }) => scope.groups.has(id))
  }
  return [
    route(paths.groups, async (_, context) => {
      const operator = operatorOf(context)
      const items = []
      for (const group of await visible(operator)) items.push(await toAnswer(operator, group))
      return { items }
    }),
    route(paths.getGroup, async ({ params }, context) => {
      const operator = operatorOf(context)
      const group = (await visible(operator)).find(({ id }) => id === params.group)
      if (group === undefined) throw missingGroup()
      return toAnswer(operator, group)
    }),
    route(paths.createGroup, async ({ body }, context) => ({
      id: (await groups.create(operatorOf(context), body)).id,
    })),
    route(paths.changeGroup, async ({ params, body }, context) =>
      groups.change(operatorOf(context), params.group, body),
    ),
    route(paths.removeGroup, async ({ params }, context) => groups.remove(operatorOf(context), params.group)),
    route(paths.changeMembers, async ({ params, body }, context) =>
      groups.changeMembers(operatorOf(context), params.group, body.add, body.remove),
    ),
  ]
}

export function trustRoutes(trust: Trust): readonly Route[] {
  // A gateway token and an authority let in devices of whatever product and group.
  const whole = (context: SignedInContext) => {
    requireEverywhere(context)
    return operatorOf(context)
  }
  return [
    route(paths.acceptRules, async (_, context) => {
      const rules = await trust.rules(context.caller.organisation)
      return { items: rules.filter((rule) => isRuleInScope(context, rule)).map(ruleAnswer) }
    }),
    route(paths.createAcceptRule, async ({ body }, context) => {
      const rule = { ...body, expiresAt: Date.parse(body.expiresAt) }
      return { id: await trust.createRule(operatorOf(context), rule) }
    }),
    route(paths.removeAcceptRule, async ({ params }, context) => trust.removeRule(operatorOf(context), params.rule)),
    route(paths.gatewayToken, async (_, context) => ({ token: await trust.makeGatewayToken(whole(context)) })),
    route(paths.trustAuthority, async ({ body }, context) => {
      const { id, fingerprint } = await trust.trustAuthority(whole(context), body)
      return { id, fingerprint }
    }),
    route(paths.authorities, async (_, { caller }) => {
      const authorities = await trust.authorities(caller.organisation)
      return {
        items: authorities.map(({ id, name, fingerprint, certificate }) => {
          const { subject, notAfter } = readCertificate(certificate)
          return { id, name, fingerprint, subject: subject.text, notAfter: time(notAfter) }
        }),
      }
    }),
    route(paths.removeAuthority, async ({ params }, context) =>
      trust.removeAuthority(whole(context), params.authority),
    ),
  ]
}

function ruleAnswer(rule: AcceptRule) {
  return {
    id: rule.id,
    name: rule.name,
    ...(rule.issuer === undefined ? {} : { issuerFingerprint: certificateFingerprint(rule.issuer) }),
    ...(rule.identityPattern === undefined ? {} : { identityPattern: { ...rule.identityPattern } }),
    ...(rule.product === undefined ? {} : { product: rule.product }),
    quotaLeft: rule.quotaLeft,
    accepted: rule.accepted,
    expiresAt: time(rule.expiresAt),
  }
}
