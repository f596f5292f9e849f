import type { Client } from '@holdfast/client'
import { generateKey, publicKeyPem } from '@holdfast/crypto/keys'
import { writeMenderArtifact } from '@holdfast/formats/mender/write'
import { newId } from '@holdfast/kernel'
import { createAuthority } from '@holdfast/lab/peers/authority'
import { createWire, menderAuthRequest } from '@holdfast/lab/peers/wire'
import type { World } from '@holdfast/lab/world'
import { type BuiltInRole, builtInRoles, type Permission } from '@holdfast/protocol'

export interface Login {
  readonly token: string
  readonly cookie: string
  readonly person: string
}

/** A part of an organisation: a product and a device group. Everything in it bears its canary in every text. */
export interface Place {
  readonly canary: string
  readonly product: string
  readonly deviceType: string
  readonly group: string
}

export type Objects = Readonly<Record<string, string>>

export interface Tenant {
  readonly organisation: string
  readonly client: Client
  readonly owner: Login
  readonly place: Place
  /** Makes new objects of each kind, in a place of this organisation. */
  readonly make: Factory
  addPlace(canary: string): Promise<Place>
  invite(name: string, grant: { role: BuiltInRole; product?: string; group?: string }): Promise<Login>
}

const password = 'a password of some length'
let serial = 0

export async function makeTenant(world: World, canary: string): Promise<Tenant> {
  const email = `${canary}-owner@example.com`
  const actor = { kind: 'system', id: 'test', name: 'test' } as const
  const { organisation } = await world.app.tenancy.createOrganisation(actor, {
    ...{ organisation: canary, name: canary, email, password },
  })
  const owner = await logIn(world, '/api/v1/session', { email, password }, [...builtInRoles.owner])
  const client = world.clientFor(owner.token)
  const addPlace = (name: string) => makePlace(client, name)
  const place = await addPlace(canary)
  return {
    organisation: organisation.id,
    client,
    owner,
    place,
    make: createFactory(world, client, organisation.tenantToken),
    addPlace,
    async invite(name, grant) {
      const made = await client.people.invite({ body: { email: `${name}-${canary}@example.com`, grants: [grant] } })
      const body = { secret: made.link.split('#')[1], name: `${name} ${canary}`, password }
      return logIn(world, '/api/v1/session/invitation', body, [...builtInRoles[grant.role]])
    },
  }
}

async function logIn(world: World, path: string, body: object, permissions: Permission[]): Promise<Login> {
  const json = { 'content-type': 'application/json' }
  const answer = await world.fetch(path, { method: 'POST', headers: json, body: JSON.stringify(body) })
  const text = await answer.text()
  if (answer.status >= 300) throw new Error(`nobody was signed in: ${text}`)
  const signedIn = JSON.parse(text) as { user?: { id: string }; me?: { user: { id: string } } }
  const cookie = String(answer.headers['set-cookie'] ?? '').split(';')[0] ?? ''
  const made = await world.fetch('/api/v1/tokens', {
    method: 'POST',
    headers: { ...json, cookie, 'x-holdfast-csrf': '1' },
    body: JSON.stringify({ name: 'matrix', permissions }),
  })
  const { token } = JSON.parse(await made.text()) as { token: string }
  return { token, cookie, person: signedIn.user?.id ?? signedIn.me?.user.id ?? '' }
}

async function makePlace(client: Client, canary: string): Promise<Place> {
  const product = await makeProduct(client, canary)
  const { id: group } = await client.devices.createGroup({ body: { name: canary, description: canary } })
  return { canary, group, ...product }
}

async function makeProduct(client: Client, canary: string) {
  serial += 1
  const deviceType = `${canary}-${serial}`
  const body = { key: deviceType, name: deviceType, description: canary, deviceTypes: [deviceType] }
  const { id: product } = await client.products.create({ body: { ...body, signaturesRequired: 0 } })
  return { product, deviceType }
}

export type Factory = ReturnType<typeof createFactory>

/** Each method makes something new, so that what one call does to it concerns no other. */
function createFactory(world: World, client: Client, tenantToken: string) {
  const wire = createWire(world)
  const make = {
    product: async ({ canary }: Place) => ({ product: (await makeProduct(client, canary)).product }),

    async trustedKey({ canary, product }: Place) {
      const pem = await newPem()
      return { product, key: (await client.products.trustKey({ params: { product }, body: { name: canary, pem } })).id }
    },

    async device({ canary, product, group }: Place) {
      serial += 1
      const body = { name: `${canary}-${serial}`, identity: { serial: `${canary}-${serial}` }, tags: [canary], product }
      const { id: device } = await client.devices.preauthorise({ body: { ...body, publicKey: await newPem() } })
      await client.devices.changeMembers({ params: { group }, body: { add: [device] } })
      const key = (await client.devices.get({ params: { device } })).keys[0]?.id ?? ''
      return { device, key }
    },

    accepted: async (place: Place) => ({ device: (await enrol(place)).id }),

    async quarantined(place: Place) {
      const { id: device } = await enrol(place)
      await client.devices.quarantine({ params: { device }, body: { reason: place.canary } })
      return { device }
    },

    async group({ canary }: Place) {
      serial += 1
      return { group: (await client.devices.createGroup({ body: { name: `${canary}-${serial}` } })).id }
    },

    async member(place: Place) {
      const { device } = await make.device(place)
      return { group: place.group, device }
    },

    async rule({ canary, product }: Place) {
      const body = { name: canary, identityPattern: { serial: canary }, product, quota: 1, expiresAt: tomorrow() }
      return { rule: (await client.devices.createAcceptRule({ body })).id }
    },

    async authority({ canary }: Place) {
      const { pem } = await createAuthority(canary)
      return { authority: (await client.devices.trustAuthority({ body: { name: canary, pem } })).id }
    },

    async draft({ canary, product, deviceType }: Place) {
      serial += 1
      const version = `${canary}-${serial}`
      const { id: release } = await client.releases.create({
        body: { product, version, notes: canary, tags: [canary] },
      })
      const body = writeMenderArtifact({
        name: version,
        depends: { deviceTypes: [deviceType] },
        payloadType: 'single-file',
        files: [{ name: 'content', content: Buffer.from(canary) }],
      })
      await client.releases.uploadArtifact({ params: { release, fileName: 'image.mender' }, body })
      return { release }
    },

    async released(place: Place) {
      const { release } = await make.draft(place)
      await client.releases.release({ params: { release } })
      return { release }
    },

    async deployment(place: Place, policy: object = {}) {
      const { release } = await make.released(place)
      const { device } = await make.device(place)
      const target = { kind: 'group', group: place.group } as const
      const { id: deployment } = await client.deployments.create({
        body: { name: place.canary, release, target, policy },
      })
      return { deployment, release, device }
    },

    /** A deployment in which one device has failed and said why. */
    async failed(place: Place) {
      const { release } = await make.released(place)
      const device = await enrol(place)
      const target = { kind: 'devices' as const, devices: [device.id] }
      // Before what other examples deploy to the whole group.
      const body = { name: place.canary, release, target, policy: { priority: 1_000 } }
      const { id: deployment } = await client.deployments.create({ body })
      const provides = { artifact_name: 'before', device_type: place.deviceType }
      const base = '/api/devices/v1/deployments/device/deployments'
      const asked = await wire('/api/devices/v2/deployments/device/deployments/next', {
        ...{ method: 'POST', headers: device.bearer, body: { device_provides: provides } },
      })
      if (asked.status !== 200) throw new Error(`the device was given nothing: ${asked.status} ${asked.body}`)
      const log = [{ level: 'error', message: place.canary, timestamp: new Date().toISOString() }]
      await wire(`${base}/${deployment}/log`, { method: 'PUT', headers: device.bearer, body: { messages: log } })
      await wire(`${base}/${deployment}/status`, { method: 'PUT', headers: device.bearer, body: { status: 'failure' } })
      return { deployment, device: device.id }
    },

    async person({ canary }: Place) {
      serial += 1
      const name = `${canary} ${serial}`
      const email = `somebody-${serial}-${canary}@example.com`
      const { link } = await client.people.invite({ body: { email, grants: [{ role: 'auditor' }] } })
      const answer = await world.fetch('/api/v1/session/invitation', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ secret: link.split('#')[1], name, password }),
      })
      return { person: (JSON.parse(await answer.text()) as { user: { id: string } }).user.id }
    },

    async invitation({ canary }: Place) {
      serial += 1
      const body = { email: `${canary}-${serial}@example.com`, grants: [{ role: 'auditor' }] }
      return { invitation: (await client.people.invite({ body })).id }
    },

    async support({ canary }: Place) {
      const body = { email: `${canary}@support.example`, reason: canary }
      return { access: (await client.people.grantSupport({ body })).id }
    },

    async role({ canary }: Place) {
      const role = canary.replaceAll(/[^a-z]/g, '_')
      await client.people.putRole({ params: { role }, body: { permissions: ['devices.read'] } })
      return { role }
    },

    async record() {
      const { items } = await client.audit.list({ query: { limit: 1 } })
      return { record: items[0]?.id ?? '' }
    },
  }

  async function enrol({ canary, product, group }: Place) {
    serial += 1
    const identity = { serial: `${canary}-${serial}` }
    const pair = await generateKey('ed25519')
    const body = { identity, publicKey: publicKeyPem(pair.publicKey), product, name: identity.serial }
    const { id } = await client.devices.preauthorise({ body })
    const asked = menderAuthRequest(pair, identity, tenantToken)
    const answer = await wire('/api/devices/v1/authentication/auth_requests', asked)
    await client.devices.changeMembers({ params: { group }, body: { add: [id] } })
    return { id, bearer: { authorization: `Bearer ${answer.body.toString()}` } }
  }

  return make
}

export async function newPem(): Promise<string> {
  return publicKeyPem((await generateKey('p256')).publicKey)
}

export function tomorrow(): string {
  return new Date(Date.now() + 86_400_000).toISOString()
}

export function randomId(): string {
  return newId(Date.now())
}
