import { parsePublicKey, publicKeyDer } from '@holdfast/crypto/keys'
import { type Clock, Fault, newId, newSecret } from '@holdfast/kernel'
import type { Database, Tx } from '../../platform/db/index.ts'
import type { Products } from '../products/index.ts'
import { hashSecret } from './controllers.ts'
import type { Identity } from './device.ts'
import { newDevice } from './device-record.ts'
import { findByIdentity, tallyOf } from './device-store.ts'
import { controllerAttribute, identityHash, verifyIdentity } from './identity.ts'
import { insertKey, putCredential } from './key-store.ts'
import { type Operator, requireProductInScope } from './operate.ts'
import { takesPlace } from './state.ts'
import type { DeviceWriter } from './writer.ts'

export interface Preauthorisation {
  readonly identity: Identity
  readonly publicKey?: string | undefined
  readonly name?: string | undefined
  readonly product?: string | undefined
  readonly tags?: readonly string[] | undefined
  /** The name by which DDI will know it; becomes the part of its identity that must be unique. */
  readonly controllerId?: string | undefined
}

export interface PreauthoriseNeeds {
  readonly db: Database
  readonly clock: Clock
  readonly writer: DeviceWriter
  readonly products: Products
  readonly maxDevices: number
}

interface Prepared {
  readonly identity: Identity
  readonly spki: Uint8Array | undefined
  readonly name: string
  readonly tags: readonly string[]
  readonly product: string | undefined
}

export type Preauthorise = ReturnType<typeof createPreauthorise>

/** Makes devices known before they call, so that they are accepted when they do. */
export function createPreauthorise({ db, clock, writer, products, maxDevices }: PreauthoriseNeeds) {
  /** Everything about it that needs no database. */
  function prepare(input: Preauthorisation): Prepared {
    const { identity: own, controllerId, publicKey } = input
    const identity = controllerId === undefined ? own : { ...own, [controllerAttribute]: controllerId }
    verifyIdentity(identity)
    const spki = publicKey === undefined ? undefined : publicKeyDer(parsePublicKey(publicKey))
    const tags = [...new Set(input.tags ?? [])]
    return { identity, spki, tags, name: (input.name ?? '').trim(), product: input.product }
  }

  async function insert(tx: Tx, operator: Operator, prepared: Prepared) {
    const { organisation, actor } = operator
    const { identity, spki, name, tags } = prepared
    if ((await findByIdentity(tx, identityHash(organisation, identity))) !== undefined) {
      throw new Fault('conflict', 'devices.identity_taken', 'a device with this identity is known already', {
        at: 'identity',
      })
    }
    const tally = await tallyOf(tx, organisation)
    const taken = [...tally].reduce((sum, [state, count]) => (takesPlace(state) ? sum + count : sum), 0)
    if (taken >= maxDevices)
      throw new Fault('limited', 'devices.too_many', 'the organisation has no room for more devices')
    const type = identity.device_type
    const product =
      prepared.product ??
      (typeof type === 'string' ? await products.findProductByDeviceType(organisation, type, tx) : undefined)
    const now = clock.now()
    const draft = newDevice(
      { organisation, identity, gateway: undefined, state: 'preauthorised', name, tags, product },
      now,
    )
    const device = await writer.insert(tx, draft)
    if (spki !== undefined) {
      const key = { id: newId(now), device: device.number, spki, addedAt: now, decidedAt: undefined }
      await insertKey(tx, { ...key, state: 'preauthorised', origin: 'preauthorised' })
    }
    await writer.note(tx, actor, device, 'registered', { state: 'preauthorised' })
    return device
  }

  return {
    prepare,
    insert,

    /** Throws `devices.identity_taken`; answers the DDI target token if one was asked for, once. */
    async preauthorise(
      operator: Operator,
      input: Preauthorisation & { readonly targetToken: boolean },
    ): Promise<{ id: string; targetToken?: string }> {
      await requirePlace(operator, input.product)
      const prepared = prepare(input)
      const token = input.targetToken ? newSecret() : undefined
      const device = await db.write(async (tx) => {
        const made = await insert(tx, operator, prepared)
        if (token !== undefined) {
          await putCredential(tx, made.number, newId(clock.now()), hashSecret(token), clock.now())
        }
        return made
      })
      return token === undefined ? { id: device.id } : { id: device.id, targetToken: token }
    },

    requirePlace,
  }

  /** Whoever works on some products only must say to which one the device belongs. */
  async function requirePlace(operator: Operator, product: string | undefined): Promise<void> {
    if (product !== undefined) return requireProductInScope(products, operator, product)
    if (operator.scope !== 'everywhere') {
      throw new Fault('forbidden', 'devices.scope', 'your role holds on some products only; name one of them')
    }
  }
}
