import { parsePublicKey, publicKeyDer } from '@holdfast/crypto/keys'
import { type Clock, Fault, newId } from '@holdfast/kernel'
import type { Actor } from '../../platform/actor.ts'
import type { Database, Reader, Tx } from '../../platform/db/index.ts'
import type { Products } from '../products/index.ts'
import { type Admission, decideAdmission } from './admission.ts'
import { findRule, isCertified, isNamedBy, type PresentedCertificate } from './certificates.ts'
import type { GatewayName, Identity, KeyOrigin } from './device.ts'
import { type DeviceRecord, newDevice } from './device-record.ts'
import { findByIdentity, tallyOf } from './device-store.ts'
import { identityHash } from './identity.ts'
import { type DeviceKey, insertKey, listKeys, updateKeyState } from './key-store.ts'
import { type AcceptRule, listAuthorities, listRules, spendQuota } from './rule-store.ts'
import { deviceAfter, keysAfterAccepting, takesPlace } from './state.ts'
import type { DeviceWriter } from './writer.ts'

/** Devices of one organisation that may wait for an operator: anybody can make one. */
const mostWaiting = 100_000

export interface Application {
  readonly organisation: string
  readonly identity: Identity
  readonly spki: Uint8Array
  readonly certificate: PresentedCertificate | undefined
  readonly gateway: GatewayName
  readonly origin: string
}

export interface Admitted {
  readonly device: DeviceRecord
  readonly key: string
}

export interface GatekeeperNeeds {
  readonly db: Database
  readonly clock: Clock
  readonly writer: DeviceWriter
  readonly products: Products
  readonly maxDevices: number
  /** Told after a commit that let a device in; a key that it had before may have ended by that. */
  readonly admitted: (device: DeviceRecord) => void
}

interface Assessment {
  readonly device: DeviceRecord | undefined
  readonly keys: readonly DeviceKey[]
  readonly key: DeviceKey | undefined
  readonly rule: AcceptRule | undefined
  readonly decision: Admission
}

export type Gatekeeper = ReturnType<typeof createGatekeeper>

/** Lets devices in that hold a key: finds out what is known of them, decides, and writes down what follows. */
export function createGatekeeper(needs: GatekeeperNeeds) {
  const { db, clock, writer, products, maxDevices } = needs

  async function assess(reader: Reader, application: Application): Promise<Assessment> {
    const { organisation, identity, spki, certificate } = application
    const device = await findByIdentity(reader, identityHash(organisation, identity))
    const keys = device === undefined ? [] : await listKeys(reader, device.number)
    const key = keys.find((one) => Buffer.compare(one.spki, spki) === 0)
    const known = { device, keys, key, rule: undefined }
    const standing = { device: device?.state, key: key?.state, keys: keys.map(({ state }) => state) }
    const stranger = { certified: false, named: false, rule: undefined, room: false, waitingRoom: false }
    const quick = decideAdmission({ ...standing, ...stranger })
    // The common case needs to know no more: a device that renews its token, or one that is turned away in any case.
    if (quick.kind === 'known' || (quick.kind === 'refuse' && device !== undefined))
      return { ...known, decision: quick }
    const now = clock.now()
    const tally = await tallyOf(reader, organisation)
    const taken = [...tally].reduce((sum, [state, count]) => (takesPlace(state) ? sum + count : sum), 0)
    const rule = findRule(await listRules(reader, organisation), identity, certificate, now)
    const authorities = certificate === undefined ? [] : await listAuthorities(reader, organisation)
    const decision = decideAdmission({
      ...standing,
      certified: isCertified(certificate, authorities, now),
      named: isNamedBy(certificate, identity),
      rule: rule?.id,
      room: taken < maxDevices,
      waitingRoom: (tally.get('pending') ?? 0) < mostWaiting,
    })
    return { ...known, rule, decision }
  }

  async function productFor(tx: Tx, { organisation, identity }: Application, rule: AcceptRule | undefined) {
    if (rule?.product !== undefined) return rule.product
    const type = identity.device_type
    return typeof type === 'string' ? products.findProductByDeviceType(organisation, type, tx) : undefined
  }

  async function addKey(
    tx: Tx,
    device: DeviceRecord,
    application: Application,
    state: DeviceKey['state'],
    origin: KeyOrigin,
  ): Promise<DeviceKey> {
    const now = clock.now()
    const { spki } = application
    const decidedAt = state === 'accepted' ? now : undefined
    const key = { id: newId(now), device: device.number, spki, state, origin, addedAt: now, decidedAt }
    await insertKey(tx, key)
    return key
  }

  async function wait(tx: Tx, application: Application, { device }: Assessment, register: boolean, add: boolean) {
    let known = device
    if (known === undefined && register) {
      const product = await productFor(tx, application, undefined)
      const { organisation, identity, gateway } = application
      known = await writer.insert(
        tx,
        newDevice({ organisation, identity, gateway, state: 'pending', product }, clock.now()),
      )
      await writer.note(tx, actorOf(known, application), known, 'registered', { state: 'pending' })
    }
    if (known === undefined || !add) return
    const key = await addKey(
      tx,
      known,
      application,
      'pending',
      application.certificate === undefined ? 'request' : 'certificate',
    )
    if (device !== undefined) {
      await writer.note(tx, actorOf(known, application), known, 'key_added', { key: key.id, state: 'pending' })
    }
  }

  async function admit(
    tx: Tx,
    application: Application,
    { device, keys, key, rule }: Assessment,
    by: 'preauthorisation' | 'certificate' | 'rule',
  ): Promise<Admitted> {
    const now = clock.now()
    const used = by === 'rule' ? rule : undefined
    if (used !== undefined) await spendQuota(tx, used.id)
    const product = device?.product ?? (await productFor(tx, application, used))
    const { organisation, identity, gateway } = application
    const state = device === undefined ? 'accepted' : deviceAfter(device.state, 'admit')
    const isNew = device === undefined
    const fresh = isNew
      ? await writer.insert(tx, newDevice({ organisation, identity, gateway, state, product }, now))
      : await writer.change(tx, device, { state, product, gateway: device.gateway ?? gateway })
    const origin: KeyOrigin = by === 'certificate' ? 'certificate' : by === 'rule' ? 'request' : 'preauthorised'
    const accepted = key ?? (await addKey(tx, fresh, application, 'pending', origin))
    const standings = key === undefined ? [...keys, accepted] : keys
    for (const change of keysAfterAccepting(standings, accepted.id)) {
      await updateKeyState(tx, fresh.number, change.id, change.state, now)
    }
    const actor = actorOf(fresh, application)
    if (isNew) await writer.note(tx, actor, fresh, 'registered', { state })
    await writer.note(tx, actor, fresh, 'accepted', {
      by,
      key: accepted.id,
      ...(used === undefined ? {} : { rule: used.id }),
    })
    return { device: fresh, key: accepted.id }
  }

  async function act(tx: Tx, application: Application): Promise<Admitted | undefined> {
    const assessment = await assess(tx, application)
    const { decision, device, key } = assessment
    if (decision.kind === 'known' && device !== undefined && key !== undefined) return { device, key: key.id }
    if (decision.kind === 'admit') return admit(tx, application, assessment, decision.by)
    if (decision.kind === 'wait') await wait(tx, application, assessment, decision.register, decision.addKey)
    return undefined
  }

  return {
    /** The device, once it is in; throws `devices.not_authorised`. Writes only where something is new. */
    async admit(application: Application): Promise<Admitted> {
      const { decision, device, key } = await assess(db.read, application)
      if (decision.kind === 'known' && device !== undefined && key !== undefined) return { device, key: key.id }
      const writes = decision.kind === 'admit' || (decision.kind === 'wait' && (decision.register || decision.addKey))
      const admitted = writes ? await db.write((tx) => act(tx, application)) : undefined
      if (admitted === undefined) throw notAuthorised()
      needs.admitted(admitted.device)
      return admitted
    },
  }
}

function actorOf(device: DeviceRecord, { origin }: Application): Actor {
  return { kind: 'device', id: device.id, origin }
}

/** One answer for whoever is not let in: who asks learns nothing about what is known here. */
export function notAuthorised(): Fault {
  return new Fault('unauthenticated', 'devices.not_authorised', 'the device is not authorised')
}

/** The canonical SubjectPublicKeyInfo of the key that speaks; a certificate's must be the same. */
export function speakingKey(
  publicKey: string | Uint8Array | undefined,
  certificate: PresentedCertificate | undefined,
): Uint8Array {
  const certified = certificate === undefined ? undefined : publicKeyDer(certificate.leaf.publicKey)
  if (publicKey === undefined) {
    if (certified === undefined)
      throw new Fault('malformed', 'devices.no_key', 'there is neither a key nor a certificate')
    return certified
  }
  const spki = publicKeyDer(parsePublicKey(publicKey))
  if (certified !== undefined && Buffer.compare(certified, spki) !== 0) throw notAuthorised()
  return spki
}
