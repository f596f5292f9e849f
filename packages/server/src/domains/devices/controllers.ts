import { createHash, timingSafeEqual } from 'node:crypto'
import { readCertificate } from '@holdfast/crypto/x509'
import { type Clock, hour } from '@holdfast/kernel'
import type { Database, Tx } from '../../platform/db/index.ts'
import { isCertified, readPresented } from './certificates.ts'
import type { DevicePrincipal, Identity } from './device.ts'
import { type DeviceRecord, newDevice } from './device-record.ts'
import { findByIdentity, tallyOf } from './device-store.ts'
import type { ControllerProof, ControllerRequest } from './devices.ts'
import { type Gatekeeper, notAuthorised, speakingKey } from './gatekeeper.ts'
import { controllerAttribute, identityHash, verifyIdentity } from './identity.ts'
import { findCredential, findGatewayToken } from './key-store.ts'
import type { PrincipalCache } from './principal-cache.ts'
import { listAuthorities } from './rule-store.ts'
import { principalOf } from './sessions.ts'
import { deviceAfter, takesPlace } from './state.ts'
import type { DeviceWriter } from './writer.ts'

/** A proof is verified anew at least this often. */
const longestTrust = hour
const longestProof = 4_096

export interface ControllersNeeds {
  readonly db: Database
  readonly clock: Clock
  readonly cache: PrincipalCache
  readonly gatekeeper: Gatekeeper
  readonly writer: DeviceWriter
  readonly maxDevices: number
  /** Told after a commit that let a device in. */
  readonly admitted: (device: DeviceRecord) => void
}

/** Devices that speak DDI: each request brings its proof, so recognising one again must cost nothing. */
export function createControllers(needs: ControllersNeeds) {
  const { db, clock, cache, gatekeeper, writer, maxDevices } = needs

  async function load(request: ControllerRequest, key: string): Promise<DevicePrincipal> {
    const begun = cache.begin()
    const principal = await verify(request)
    // One that was only now let in was dropped meanwhile; it is remembered from its next request on.
    cache.keep(key, principal, begun)
    return principal
  }

  async function verify(request: ControllerRequest): Promise<DevicePrincipal> {
    const identity: Identity = { [controllerAttribute]: request.controllerId }
    verifyIdentity(identity)
    const { proof } = request
    switch (proof.kind) {
      case 'target_token':
        return byTargetToken(request, identity, proof.token)
      case 'gateway_token':
        return byGatewayToken(request, identity, proof.token)
      case 'certificate':
        return byCertificate(request, identity, proof)
      case 'proxy':
        return byProxy(request, identity, proof)
    }
  }

  async function byTargetToken(request: ControllerRequest, identity: Identity, token: string) {
    const device = await findByIdentity(db.read, identityHash(request.organisation, identity))
    const credential = device === undefined ? undefined : await findCredential(db.read, device.number)
    // Compared in any case, so that time does not tell a known controller from an unknown one.
    const isRight = sameBytes(hashSecret(token), credential?.hash ?? new Uint8Array(32))
    if (device === undefined || credential === undefined || !isRight) throw notAuthorised()
    return enter(request, identity, device, credential.id, 'target_token')
  }

  async function byGatewayToken(request: ControllerRequest, identity: Identity, token: string) {
    const known = await findGatewayToken(db.read, request.organisation)
    if (!sameBytes(hashSecret(token), known?.hash ?? new Uint8Array(32)) || known === undefined) throw notAuthorised()
    const device = await findByIdentity(db.read, identityHash(request.organisation, identity))
    return enter(request, identity, device, known.id, 'gateway_token')
  }

  async function byCertificate(
    request: ControllerRequest,
    identity: Identity,
    proof: Extract<ControllerProof, { kind: 'certificate' }>,
  ) {
    const now = clock.now()
    const { organisation, controllerId, origin } = request
    const certificate = readPresented(proof.certificate, proof.intermediates)
    const authorities = await listAuthorities(db.read, organisation)
    const isNamed = certificate.leaf.subject.commonName === controllerId
    // The certificate is the proof here, so even a key that was accepted before needs it to be good now.
    if (!isNamed || !isCertified(certificate, authorities, now)) throw notAuthorised()
    const spki = speakingKey(undefined, certificate)
    const { device, key } = await gatekeeper.admit({
      organisation,
      identity,
      spki,
      certificate,
      gateway: 'hawkbit',
      origin,
    })
    return principalOf(device, key, Math.min(now + longestTrust, certificate.leaf.notAfter))
  }

  async function byProxy(
    request: ControllerRequest,
    identity: Identity,
    proof: Extract<ControllerProof, { kind: 'proxy' }>,
  ) {
    const named = new Set(proof.authorities.map((authority) => authority.trim().toLowerCase().replaceAll(':', '')))
    const authority = (await listAuthorities(db.read, request.organisation)).find(
      ({ fingerprint, name, certificate }) =>
        (named.has(fingerprint) || named.has(name.toLowerCase())) &&
        readCertificate(certificate).notAfter > clock.now(),
    )
    if (authority === undefined || proof.controllerId !== request.controllerId) throw notAuthorised()
    const device = await findByIdentity(db.read, identityHash(request.organisation, identity))
    return enter(request, identity, device, authority.id, 'certificate')
  }

  /** Lets a proven controller in, and registers one that is new. */
  async function enter(
    request: ControllerRequest,
    identity: Identity,
    known: DeviceRecord | undefined,
    key: string,
    by: string,
  ): Promise<DevicePrincipal> {
    const settled = known !== undefined && known.state !== 'pending' && known.state !== 'preauthorised'
    const device = settled ? known : await db.write((tx) => admit(tx, request, identity, key, by))
    if (!settled) needs.admitted(device)
    return principalOf(device, key, clock.now() + longestTrust)
  }

  async function admit(tx: Tx, request: ControllerRequest, identity: Identity, key: string, by: string) {
    const { organisation, origin } = request
    const known = await findByIdentity(tx, identityHash(organisation, identity))
    if (known === undefined || !takesPlace(known.state)) {
      const tally = await tallyOf(tx, organisation)
      const taken = [...tally].reduce((sum, [state, count]) => (takesPlace(state) ? sum + count : sum), 0)
      if (taken >= maxDevices) throw notAuthorised()
    }
    if (known !== undefined && known.state !== 'pending' && known.state !== 'preauthorised') return known
    const device =
      known === undefined
        ? await writer.insert(
            tx,
            newDevice({ organisation, identity, gateway: 'hawkbit', state: 'accepted' }, clock.now()),
          )
        : await writer.change(tx, known, { state: deviceAfter(known.state, 'admit'), gateway: 'hawkbit' })
    const actor = { kind: 'device', id: device.id, origin } as const
    if (known === undefined) await writer.note(tx, actor, device, 'registered', { state: 'accepted' })
    await writer.note(tx, actor, device, 'accepted', { by, key })
    return device
  }

  return {
    authenticateController(request: ControllerRequest): DevicePrincipal | Promise<DevicePrincipal> {
      const key = proofKey(request)
      return cache.find(key) ?? load(request, key)
    },
  }
}

const fingerprints = new WeakMap<Uint8Array, string>()

/** What names a proof in the cache; a connection's certificate is one object, so it is hashed once. */
function proofKey({ organisation, controllerId, proof }: ControllerRequest): string {
  const prefix = `${organisation} ${JSON.stringify(controllerId)} ${proof.kind} `
  if (proof.kind === 'certificate') {
    let fingerprint = fingerprints.get(proof.certificate)
    if (fingerprint === undefined) {
      fingerprint = createHash('sha256').update(proof.certificate).digest('base64')
      fingerprints.set(proof.certificate, fingerprint)
    }
    return prefix + fingerprint
  }
  const text = proof.kind === 'proxy' ? JSON.stringify([proof.controllerId, ...proof.authorities]) : proof.token
  if (prefix.length + text.length > longestProof) {
    throw notAuthorised()
  }
  return prefix + text
}

export function hashSecret(secret: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(secret).digest())
}

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other)
}
