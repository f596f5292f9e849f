import { createAuthority } from '@holdfast/lab/peers/authority'
import { type Factory, newPem, type Objects, type Place, tomorrow } from './tenant.ts'

export interface ExampleCall {
  readonly params?: Readonly<Record<string, string | number>>
  readonly query?: Readonly<Record<string, string | number>>
  readonly body?: unknown
}

/**
 * How to call an operation so that it works. `objects` makes what it acts on, new for each call; every one of those ids is
 * tried with somebody else's in its place.
 */
export interface Example {
  readonly objects: (make: Factory, place: Place) => Promise<Objects> | Objects
  readonly call: (objects: Objects, place: Place) => ExampleCall | Promise<ExampleCall>
  /** What the owner is answered, where that is not the operation's status of success. */
  readonly answers?: number
  /** It changes what other examples rest on. */
  readonly alone?: true
  /** The answer never ends. */
  readonly stream?: true
  /** Needs a session: a token of whatever rights is refused. */
  readonly sessionOnly?: true
}

const nothing = () => ({})
const params = (objects: Objects) => ({ params: objects })
const plain = (call: ExampleCall = {}): Example => ({ objects: nothing, call: () => call })
const file = { fileName: 'image.mender' }
let count = 0
const fresh = ({ canary }: Place) => {
  count += 1
  return `${canary}-new-${count}`
}
const control = (policy: object = {}): Example => ({
  objects: async (make, place) => ({ deployment: (await make.deployment(place, policy)).deployment }),
  call: params,
})
const ofFailed: Example = { objects: (make, place) => make.failed(place), call: params }
const ofDevice: Example = {
  objects: async (make, place) => ({ device: (await make.device(place)).device }),
  call: params,
}
const asSession = (call: ExampleCall, answers: number): Example => ({ ...plain(call), answers, sessionOnly: true })
const withReason = { reason: 'because' }

const session: Record<string, Example> = {
  'session.setupState': plain(),
  'session.setup': {
    ...plain({
      body: { secret: 'none', organisation: 'x', name: 'x', email: 'x@example.com', password: 'x'.repeat(12) },
    }),
    answers: 403,
  },
  'session.signIn': { ...plain({ body: { email: 'nobody@example.com', password: 'x' } }), answers: 401 },
  'session.signOut': { ...plain(), sessionOnly: true },
  'session.me': plain(),
  'session.switchOrganisation': {
    objects: nothing,
    call: () => ({ body: { organisation: '019abcde-0000-7000-8000-000000000000' } }),
    answers: 404,
    sessionOnly: true,
  },
  'session.changePassword': asSession({ body: { current: 'wrong', next: 'x'.repeat(12) } }, 401),
  'session.startTotp': { ...asSession({}, 200), alone: true },
  'session.confirmTotp': asSession({ body: { code: '000000' } }, 409),
  'session.removeTotp': asSession({ body: { password: 'wrong' } }, 401),
  'session.passkeys': asSession({}, 200),
  'session.startPasskey': asSession({}, 200),
  'session.addPasskey': asSession({ body: { name: 'x', response: {} } }, 400),
  'session.removePasskey': asSession({ params: { passkey: '019abcde-0000-7000-8000-000000000000' } }, 404),
  'session.startPasskeySignIn': plain(),
  'session.passkeySignIn': { ...plain({ body: { response: {} } }), answers: 400 },
  'session.startSso': { ...plain({ params: { provider: 'none' } }), answers: 404 },
  'session.finishSso': {
    ...plain({ params: { provider: 'none' }, body: { url: 'https://x.example/' } }),
    answers: 404,
  },
  'session.acceptInvitation': { ...plain({ body: { secret: 'none', password: 'x'.repeat(12) } }), answers: 403 },
}

const people: Record<string, Example> = {
  'people.organisation': plain(),
  'people.changeOrganisation': { objects: nothing, call: (_, { canary }) => ({ body: { name: canary } }) },
  'people.list': plain({ query: { limit: 500 } }),
  'people.changeGrants': {
    objects: (make, place) => make.person(place),
    call: (objects) => ({ params: objects, body: { grants: [{ role: 'operator' }] } }),
  },
  'people.remove': { objects: (make, place) => make.person(place), call: params },
  'people.unlock': { objects: (make, place) => make.person(place), call: params },
  'people.invitations': plain(),
  'people.invite': {
    objects: nothing,
    call: (_, place) => ({ body: { email: `${fresh(place)}@example.com`, grants: [{ role: 'auditor' }] } }),
  },
  'people.revokeInvitation': { objects: (make, place) => make.invitation(place), call: params },
  'people.roles': plain(),
  'people.putRole': plain({ params: { role: 'own_role' }, body: { permissions: ['devices.read'] } }),
  'people.removeRole': { objects: (make, place) => make.role(place), call: params },
  'people.tokens': plain(),
  'people.createToken': {
    objects: nothing,
    call: (_, place) => ({ body: { name: fresh(place), permissions: ['devices.read'] } }),
    sessionOnly: true,
  },
  'people.revokeToken': { ...plain({ params: { token: '019abcde-0000-7000-8000-000000000000' } }), answers: 404 },
  'people.supportAccess': plain(),
  'people.grantSupport': {
    objects: nothing,
    call: (_, place) => ({ body: { email: `${fresh(place)}@support.example`, reason: place.canary } }),
  },
  'people.revokeSupport': { objects: (make, place) => make.support(place), call: params },
}

const products: Record<string, Example> = {
  'products.list': plain(),
  'products.get': { objects: (_, { product }) => ({ product }), call: params },
  'products.create': {
    objects: nothing,
    call: (_, place) => {
      const name = fresh(place)
      return { body: { key: name, name, deviceTypes: [name] } }
    },
  },
  'products.change': {
    objects: (_, { product }) => ({ product }),
    call: (objects, { canary }) => ({ params: objects, body: { description: canary } }),
  },
  'products.trustKey': {
    objects: (_, { product }) => ({ product }),
    call: async (objects, { canary }) => ({ params: objects, body: { name: canary, pem: await newPem() } }),
  },
  'products.revokeKey': { objects: (make, place) => make.trustedKey(place), call: params },
}

const devices: Record<string, Example> = {
  'devices.list': plain({ query: { limit: 500 } }),
  'devices.count': plain(),
  'devices.facets': plain({ query: { attribute: 'identity.serial', limit: 200 } }),
  'devices.attributes': plain(),
  'devices.get': ofDevice,
  'devices.inventoryHistory': ofDevice,
  'devices.change': {
    objects: async (make, place) => ({ device: (await make.device(place)).device, product: place.product }),
    call: ({ device = '', product }, place) => ({ params: { device }, body: { name: fresh(place), product } }),
  },
  'devices.decideKey': {
    objects: (make, place) => make.device(place),
    call: (objects) => ({ params: objects, body: { state: 'rejected' } }),
  },
  'devices.accept': {
    objects: async (make, place) => ({
      first: (await make.device(place)).device,
      second: (await make.device(place)).device,
      product: place.product,
    }),
    call: ({ first, second, product }) => ({ body: { devices: [first, second], product } }),
  },
  'devices.reject': ofDevice,
  'devices.quarantine': {
    objects: (make, place) => make.accepted(place),
    call: (objects) => ({ params: objects, body: withReason }),
  },
  'devices.release': { objects: (make, place) => make.quarantined(place), call: params },
  'devices.retire': { ...ofDevice, call: (objects) => ({ params: objects, body: withReason }) },
  'devices.revokeTokens': ofDevice,
  'devices.targetToken': ofDevice,
  'devices.preauthorise': {
    objects: (_, { product }) => ({ product }),
    call: ({ product }, place) => ({ body: { identity: { serial: fresh(place) }, name: place.canary, product } }),
  },
  'devices.importPreauthorised': {
    objects: (_, { product }) => ({ product }),
    call: ({ product = '' }, place) => ({
      query: { format: 'jsonl', product },
      body: Buffer.from(`${JSON.stringify({ identity: { serial: fresh(place) } })}\n`),
    }),
  },
}

const groups: Record<string, Example> = {
  'devices.groups': plain(),
  'devices.getGroup': { objects: (_, { group }) => ({ group }), call: params },
  'devices.createGroup': {
    objects: nothing,
    call: (_, place) => ({ body: { name: fresh(place), description: place.canary } }),
  },
  'devices.changeGroup': {
    objects: (_, { group }) => ({ group }),
    call: (objects, { canary }) => ({ params: objects, body: { description: canary } }),
  },
  'devices.removeGroup': { objects: (make, place) => make.group(place), call: params },
  'devices.changeMembers': {
    objects: (make, place) => make.member(place),
    call: ({ group = '', device }) => ({ params: { group }, body: { remove: [device], add: [device] } }),
  },
  'devices.acceptRules': plain(),
  'devices.createAcceptRule': {
    objects: (_, { product }) => ({ product }),
    call: ({ product }, place) => ({
      body: { name: fresh(place), identityPattern: { serial: 'x' }, product, quota: 1, expiresAt: tomorrow() },
    }),
  },
  'devices.removeAcceptRule': { objects: (make, place) => make.rule(place), call: params },
  'devices.gatewayToken': plain(),
  'devices.trustAuthority': {
    objects: nothing,
    call: async (_, { canary }) => ({ body: { name: canary, pem: (await createAuthority(canary)).pem } }),
  },
  'devices.authorities': plain(),
  'devices.removeAuthority': { objects: (make, place) => make.authority(place), call: params },
}

const ofDraft: Example = {
  objects: (make, place) => make.draft(place),
  call: (objects) => ({ params: { ...objects, ...file } }),
}

const releases: Record<string, Example> = {
  'releases.list': plain({ query: { limit: 500 } }),
  'releases.get': { objects: (make, place) => make.draft(place), call: params },
  'releases.create': {
    objects: (_, { product }) => ({ product }),
    call: ({ product }, place) => ({ body: { product, version: fresh(place), notes: place.canary } }),
  },
  'releases.change': {
    objects: (make, place) => make.draft(place),
    call: (objects, { canary }) => ({ params: objects, body: { notes: canary } }),
  },
  'releases.remove': { objects: (make, place) => make.draft(place), call: params },
  'releases.uploadArtifact': {
    objects: (make, place) => make.draft(place),
    call: (objects) => ({ params: { ...objects, fileName: 'other.mender' }, body: Buffer.from('no artifact') }),
    answers: 400,
  },
  'releases.downloadArtifact': ofDraft,
  'releases.removeArtifact': ofDraft,
  'releases.attachSignature': {
    objects: ofDraft.objects,
    call: (objects) => ({ params: { ...objects, ...file }, body: { signature: 'AAAA' } }),
    answers: 422,
  },
  'releases.manifest': ofDraft,
  'releases.release': { objects: (make, place) => make.draft(place), call: params },
  'releases.withdraw': {
    objects: (make, place) => make.released(place),
    call: (objects) => ({ params: objects, body: withReason }),
  },
}

const toGroup = ({ release, group }: Objects) => ({ release, target: { kind: 'group', group } })
const deployable: Example['objects'] = async (make, place) => ({ ...(await make.released(place)), group: place.group })

const deployments: Record<string, Example> = {
  'deployments.list': plain({ query: { limit: 500 } }),
  'deployments.get': control(),
  'deployments.preview': { objects: deployable, call: (objects) => ({ body: toGroup(objects) }) },
  'deployments.create': {
    objects: async (make, place) => ({ ...(await make.released(place)), ...(await make.accepted(place)) }),
    call: ({ release, device }, { canary }) => ({
      body: { name: canary, release, target: { kind: 'devices', devices: [device] } },
    }),
  },
  'deployments.devices': control(),
  'deployments.timeline': ofFailed,
  'deployments.log': ofFailed,
  'deployments.ofDevice': ofDevice,
  'deployments.wouldDo': ofDevice,
  'deployments.pause': control(),
  'deployments.resume': { ...control(), answers: 409 },
  'deployments.abort': { ...control(), call: (objects) => ({ params: objects, body: withReason }) },
  'deployments.abortAll': { ...plain({ body: withReason }), alone: true },
  'deployments.openPhase': {
    ...control({ phases: [{ percent: 50 }, { gate: true }] }),
    call: (objects) => ({ params: { ...objects, phase: 2 } }),
  },
  'deployments.install': control({ downloadOnly: true }),
  'deployments.continue': { ...ofFailed, answers: 409 },
  'deployments.retry': ofFailed,
  'deployments.force': control(),
  'deployments.extend': {
    ...control({ expiresAt: tomorrow() }),
    call: (objects) => ({ params: objects, body: { expiresAt: tomorrow() } }),
  },
  'deployments.rollBack': {
    objects: async (make, place) => {
      const { deployment } = await make.deployment(place)
      return { deployment, ...(await make.released(place)) }
    },
    call: ({ deployment = '', release }) => ({ params: { deployment }, body: { release } }),
    answers: 409,
  },
}

const others: Record<string, Example> = {
  'configuration.get': ofDevice,
  'configuration.history': ofDevice,
  'audit.list': plain({ query: { limit: 500 } }),
  'audit.get': { objects: (make) => make.record(), call: params },
  'audit.export': plain(),
  'audit.file': plain({ params: { path: 'checkpoint' } }),
  'audit.state': plain(),
  'system.overview': plain(),
  'system.events': { ...plain(), stream: true },
  'system.server': plain(),
}

/** Every operation of the REST interface by its id. */
export const examples: Readonly<Record<string, Example>> = {
  ...session,
  ...people,
  ...products,
  ...devices,
  ...groups,
  ...releases,
  ...deployments,
  ...others,
}
