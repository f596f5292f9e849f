import { certificateFingerprint, readCertificate } from '@holdfast/crypto/x509'
import { type Clock, Fault, type Json, newId, newSecret } from '@holdfast/kernel'
import type { Actor } from '../../platform/actor.ts'
import type { Database, Tx } from '../../platform/db/index.ts'
import { record } from '../audit/index.ts'
import type { Products } from '../products/index.ts'
import { hashSecret } from './controllers.ts'
import { putGatewayToken } from './key-store.ts'
import { type Operator, requireProductInScope } from './operate.ts'
import {
  type AcceptRule,
  type DeviceAuthority,
  deleteAuthority,
  deleteRule,
  insertAuthority,
  insertRule,
  listAuthorities,
  listRules,
} from './rule-store.ts'

const mostRules = 200
const mostAuthorities = 50

export interface NewRule {
  readonly name: string
  readonly issuer?: string | undefined
  readonly identityPattern?: Readonly<Record<string, string>> | undefined
  readonly product?: string | undefined
  readonly quota: number
  readonly expiresAt: number
}

export interface TrustNeeds {
  readonly db: Database
  readonly clock: Clock
  readonly products: Products
  /** Told after a commit that ended what many devices' proofs rest on. */
  readonly trustChanged: () => void
}

export type Trust = ReturnType<typeof createTrust>

/** Whose word lets devices in: rules, certificate authorities, and the gateway token. */
export function createTrust({ db, clock, products, trustChanged }: TrustNeeds) {
  const note = (
    tx: Tx,
    { actor, organisation }: { actor: Actor; organisation: string },
    type: string,
    subject: { kind: string; id: string },
    detail: Readonly<Record<string, string | number>>,
    states: { before?: Json; after?: Json } = {},
  ) => record(tx, { organisation, type: `device.${type}`, subject, actor, at: clock.now(), detail, ...states })

  return {
    rules: (organisation: string) => listRules(db.read, organisation),
    authorities: (organisation: string) => listAuthorities(db.read, organisation),

    async createRule(operator: Operator, input: NewRule): Promise<string> {
      const { organisation, scope } = operator
      if (input.product !== undefined) await requireProductInScope(products, operator, input.product)
      else if (scope !== 'everywhere') {
        throw new Fault('forbidden', 'devices.scope', 'your role holds on some products only; name one of them')
      }
      const hasPattern = Object.keys(input.identityPattern ?? {}).length > 0
      if (input.issuer === undefined && !hasPattern) {
        throw new Fault('refused', 'devices.rule_too_wide', 'a rule needs an authority or an identity pattern')
      }
      const now = clock.now()
      if (input.expiresAt <= now) {
        throw new Fault('malformed', 'devices.rule_over', 'the rule would be over already', { at: 'expiresAt' })
      }
      const rule: AcceptRule = {
        id: newId(now),
        organisation,
        name: input.name,
        issuer: input.issuer === undefined ? undefined : readAuthority(input.issuer, now),
        identityPattern: hasPattern ? input.identityPattern : undefined,
        product: input.product,
        quotaLeft: input.quota,
        accepted: 0,
        expiresAt: input.expiresAt,
      }
      await db.write(async (tx) => {
        if ((await listRules(tx, organisation)).length >= mostRules) {
          throw new Fault('limited', 'devices.too_many_rules', `an organisation has at most ${mostRules} rules`)
        }
        await insertRule(tx, rule)
        await note(
          tx,
          operator,
          'rule_created',
          { kind: 'rule', id: rule.id },
          { name: rule.name, quota: rule.quotaLeft },
          { after: stateOf(rule) },
        )
      })
      return rule.id
    },

    async removeRule(operator: Operator, id: string): Promise<void> {
      await db.write(async (tx) => {
        const rule = (await listRules(tx, operator.organisation)).find((one) => one.id === id)
        if (rule === undefined || !isRuleInScope(operator, rule)) {
          throw new Fault('missing', 'devices.rule_missing', 'there is no such rule')
        }
        await deleteRule(tx, operator.organisation, id)
        await note(tx, operator, 'rule_removed', { kind: 'rule', id }, { name: rule.name }, { before: stateOf(rule) })
      })
    },

    /** Trusts an authority's word for every device that it certifies. */
    async trustAuthority(operator: Operator, input: { name: string; pem: string }): Promise<DeviceAuthority> {
      const now = clock.now()
      const certificate = readAuthority(input.pem, now)
      const { organisation } = operator
      const fingerprint = certificateFingerprint(certificate)
      const authority: DeviceAuthority = { id: newId(now), organisation, name: input.name, certificate, fingerprint }
      await db.write(async (tx) => {
        const known = await listAuthorities(tx, organisation)
        if (known.some((one) => one.fingerprint === fingerprint)) {
          throw new Fault('conflict', 'devices.authority_trusted', 'this authority is trusted already')
        }
        if (known.length >= mostAuthorities) {
          throw new Fault(
            'limited',
            'devices.too_many_authorities',
            `an organisation trusts at most ${mostAuthorities}`,
          )
        }
        await insertAuthority(tx, authority)
        await note(
          tx,
          operator,
          'authority_trusted',
          { kind: 'authority', id: authority.id },
          { name: input.name, fingerprint },
          { after: { name: input.name, fingerprint } },
        )
      })
      return authority
    },

    async removeAuthority(operator: Operator, id: string): Promise<void> {
      await db.write(async (tx) => {
        const authority = (await listAuthorities(tx, operator.organisation)).find((one) => one.id === id)
        if (authority === undefined) {
          throw new Fault('missing', 'devices.authority_missing', 'there is no such authority')
        }
        await deleteAuthority(tx, operator.organisation, id)
        const { name, fingerprint } = authority
        await note(
          tx,
          operator,
          'authority_removed',
          { kind: 'authority', id },
          { name, fingerprint },
          { before: { name, fingerprint } },
        )
      })
      trustChanged()
    },

    /** A new DDI gateway token; the one before ends. Only its hash is kept. */
    async makeGatewayToken(operator: Operator): Promise<string> {
      const token = newSecret()
      const id = newId(clock.now())
      await db.write(async (tx) => {
        await putGatewayToken(tx, operator.organisation, id, hashSecret(token), clock.now())
        await note(
          tx,
          operator,
          'gateway_token_made',
          { kind: 'organisation', id: operator.organisation },
          { token: id },
        )
      })
      trustChanged()
      return token
    },
  }
}

/** A rule as the audit log hashes it. */
function stateOf({ issuer, identityPattern, product, ...rule }: AcceptRule): Json {
  return {
    ...rule,
    issuer: issuer === undefined ? undefined : certificateFingerprint(issuer),
    identityPattern: identityPattern === undefined ? undefined : { ...identityPattern },
    product,
  }
}

/** Events after which what was verified by these means is verified anew. */
export const trustEvents: readonly string[] = ['device.authority_removed', 'device.gateway_token_made']

export function isRuleInScope({ scope }: Pick<Operator, 'scope'>, rule: Pick<AcceptRule, 'product'>): boolean {
  return scope === 'everywhere' || (rule.product !== undefined && scope.products.has(rule.product))
}

/** DER of one CA certificate that is good now. */
function readAuthority(pem: string, now: number): Uint8Array {
  const certificate = readCertificate(pem)
  if (certificate.extensions.basicConstraints?.ca !== true) {
    throw new Fault('refused', 'devices.not_an_authority', 'the certificate is not one of a certificate authority')
  }
  if (certificate.notAfter <= now) throw new Fault('refused', 'devices.authority_over', 'the certificate has expired')
  return certificate.der
}
