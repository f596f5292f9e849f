import { type Clock, Fault, type Json, newId, newSecret } from '@holdfast/kernel'
import type { Actor } from '../../platform/actor.ts'
import type { Database, Tx } from '../../platform/db/index.ts'
import type { AccessScope } from '../../platform/http/caller.ts'
import type { Products } from '../products/index.ts'
import { hashSecret } from './controllers.ts'
import type { DeviceRecord } from './device-record.ts'
import { findById, findByNumber } from './device-store.ts'
import { listKeys, putCredential, updateKeyState } from './key-store.ts'
import { type DeviceAct, deriveState, deviceAfter, keysAfterAccepting } from './state.ts'
import { missingDevice, type Views } from './views.ts'
import type { DeviceWriter } from './writer.ts'

/** Who works on devices, in which organisation and on which of its devices. */
export interface Operator {
  readonly actor: Actor
  readonly organisation: string
  readonly scope: AccessScope
}

export interface OperateNeeds {
  readonly db: Database
  readonly clock: Clock
  readonly writer: DeviceWriter
  readonly views: Views
  readonly products: Products
  /** Told after a commit that ended or changed somebody's rights. */
  readonly rightsChanged: (device: DeviceRecord) => void
}

/** Devices in one transaction: bounds how long it holds everybody up. */
const devicesPerWrite = 20

export interface DeviceChange {
  readonly name?: string | undefined
  readonly tags?: readonly string[] | undefined
  readonly product?: string | undefined
  readonly timeZone?: string | undefined
}

export type Operate = ReturnType<typeof createOperate>

/** What operators do to devices. Each act looks for the device within the operator's scope, and is on record. */
export function createOperate({ db, clock, writer, views, products, rightsChanged }: OperateNeeds) {
  /** Throws `devices.missing` for a device of others and for one that the operator does not see. */
  async function requireVisible(operator: Operator, id: string): Promise<DeviceRecord> {
    const device = await findById(db.read, operator.organisation, id)
    if (device === undefined) throw missingDevice()
    if (operator.scope !== 'everywhere' && !isInScope(operator.scope, await views.viewFrom(db.read, device))) {
      throw missingDevice()
    }
    return device
  }

  async function run(operator: Operator, id: string, work: (tx: Tx, device: DeviceRecord) => Promise<unknown>) {
    // Before the transaction, because a scope needs groups and their filters, and a transaction awaits only its own queries.
    const device = await requireVisible(operator, id)
    await db.write(async (tx) => work(tx, await requireCurrent(tx, device)))
    views.drop(device.number)
    rightsChanged(device)
  }

  const bump = (device: DeviceRecord) => ({ tokenEpoch: device.tokenEpoch + 1 })

  /** Moves a device to the state that follows the act; its tokens end. */
  async function move(
    tx: Tx,
    operator: Operator,
    device: DeviceRecord,
    act: Exclude<DeviceAct, 'accept' | 'admit'>,
    detail?: { readonly [key: string]: Json },
  ): Promise<void> {
    const state = deviceAfter(device.state, act)
    if (state === device.state) return
    const next = await writer.change(tx, device, { state, ...bump(device) })
    const type = { reject: 'rejected', quarantine: 'quarantined', release: 'released', retire: 'retired' }[act]
    await writer.note(tx, operator.actor, next, type, { from: device.state, ...detail })
  }

  async function settleKeys(tx: Tx, device: DeviceRecord, act: 'reject' | 'retire'): Promise<void> {
    for (const key of await listKeys(tx, device.number)) {
      const next = act === 'retire' ? 'retired' : 'rejected'
      const open = key.state === 'pending' || key.state === 'preauthorised' || key.state === 'accepted'
      if (open) await updateKeyState(tx, device.number, key.id, next, clock.now())
    }
  }

  /** Accepts the device with the newest key that waits, or with none where it has none (DDI by token). */
  async function acceptOne(
    tx: Tx,
    operator: Operator,
    device: DeviceRecord,
    product: string | undefined,
  ): Promise<boolean> {
    const state = deviceAfter(device.state, 'accept')
    const keys = await listKeys(tx, device.number)
    const waiting = keys.findLast((key) => key.state === 'pending' || key.state === 'preauthorised')
    const hasKey = keys.some((key) => key.state === 'accepted')
    // Accepting a rejected device again takes back the rejection of its newest key.
    const chosen = waiting ?? (hasKey ? undefined : keys.findLast((key) => key.state === 'rejected'))
    const isDone = state === device.state && (chosen === undefined || hasKey)
    if (isDone) return false
    const changes = chosen === undefined ? [] : keysAfterAccepting(keys, chosen.id)
    for (const change of changes) await updateKeyState(tx, device.number, change.id, change.state, clock.now())
    const next = await writer.change(tx, device, { state, product: product ?? device.product, ...bump(device) })
    await writer.note(tx, operator.actor, next, 'accepted', {
      by: 'operator',
      from: device.state,
      ...(chosen === undefined ? {} : { key: chosen.id }),
    })
    return true
  }

  return {
    requireVisible,

    /** Accepts those of a list that wait, once it is seen that all of them may be. Answers how many were. */
    async accept(operator: Operator, ids: readonly string[], product: string | undefined): Promise<number> {
      if (product !== undefined) await requireProductInScope(products, operator, product)
      const devices: DeviceRecord[] = []
      for (const id of new Set(ids)) devices.push(await requireVisible(operator, id))
      for (const { state } of devices) deviceAfter(state, 'accept')
      let accepted = 0
      for (let start = 0; start < devices.length; start += devicesPerWrite) {
        const part = devices.slice(start, start + devicesPerWrite)
        accepted += await db.write(async (tx) => {
          let count = 0
          for (const device of part) {
            if (await acceptOne(tx, operator, await requireCurrent(tx, device), product)) count += 1
          }
          return count
        })
        for (const device of part) {
          views.drop(device.number)
          rightsChanged(device)
        }
      }
      return accepted
    },

    decideKey: (operator: Operator, id: string, key: string, state: 'accepted' | 'rejected') =>
      run(operator, id, async (tx, device) => {
        const keys = await listKeys(tx, device.number)
        const wanted = keys.find((one) => one.id === key)
        if (wanted === undefined) throw new Fault('missing', 'devices.key_missing', 'the device has no such key')
        if (wanted.state === state) return
        if (device.state === 'quarantined' || device.state === 'retired') {
          throw new Fault('conflict', 'devices.bad_state', `no key is decided while the device is ${device.state}`)
        }
        if (state === 'accepted') {
          for (const change of keysAfterAccepting(keys, key)) {
            await updateKeyState(tx, device.number, change.id, change.state, clock.now())
          }
          const next = await writer.change(tx, device, { state: deviceAfter(device.state, 'accept'), ...bump(device) })
          await writer.note(tx, operator.actor, next, 'accepted', { by: 'operator', from: device.state, key })
          return
        }
        await updateKeyState(tx, device.number, key, 'rejected', clock.now())
        const rest = keys.map((one) => (one.id === key ? { ...one, state: 'rejected' as const } : one))
        const next = await writer.change(tx, device, { state: deriveState(rest), ...bump(device) })
        await writer.note(tx, operator.actor, next, 'key_rejected', { key, was: wanted.state })
      }),

    reject: (operator: Operator, id: string) =>
      run(operator, id, async (tx, device) => {
        await move(tx, operator, device, 'reject')
        await settleKeys(tx, device, 'reject')
      }),

    quarantine: (operator: Operator, id: string, reason: string) =>
      run(operator, id, (tx, device) => move(tx, operator, device, 'quarantine', { reason })),

    release: (operator: Operator, id: string) =>
      run(operator, id, (tx, device) => move(tx, operator, device, 'release')),

    /** For good: its keys retire, and its identity is never given to another. */
    retire: (operator: Operator, id: string, reason: string) =>
      run(operator, id, async (tx, device) => {
        await move(tx, operator, device, 'retire', { reason })
        await settleKeys(tx, device, 'retire')
        await tx.deleteFrom('device_credential').where('device', '=', device.number).execute()
      }),

    revokeTokens: (operator: Operator, id: string) =>
      run(operator, id, async (tx, device) => {
        const next = await writer.change(tx, device, bump(device))
        await writer.note(tx, operator.actor, next, 'tokens_revoked')
      }),

    /** A new DDI target token; the one before ends. Only its hash is kept. */
    async makeTargetToken(operator: Operator, id: string): Promise<string> {
      const token = newSecret()
      await run(operator, id, async (tx, device) => {
        if (device.state === 'retired') throw new Fault('conflict', 'devices.bad_state', 'the device is retired')
        const credential = newId(clock.now())
        await putCredential(tx, device.number, credential, hashSecret(token), clock.now())
        await writer.note(tx, operator.actor, device, 'target_token_made', { credential })
      })
      return token
    },

    async change(operator: Operator, id: string, { name, tags, product, timeZone }: DeviceChange): Promise<void> {
      if (product !== undefined) await requireProductInScope(products, operator, product)
      if (timeZone !== undefined && timeZone !== '') verifyTimeZone(timeZone)
      await run(operator, id, async (tx, device) => {
        if (device.state === 'retired')
          throw new Fault('conflict', 'devices.bad_state', 'a retired device does not change')
        const change = {
          ...(name === undefined ? {} : { name: name.trim() }),
          ...(tags === undefined ? {} : { tags: [...new Set(tags)] }),
          ...(product === undefined ? {} : { product }),
          ...(timeZone === undefined ? {} : { timeZone: timeZone === '' ? undefined : timeZone }),
        }
        const next = await writer.change(tx, device, change)
        await writer.note(tx, operator.actor, next, 'changed', { changed: Object.keys(change).sort() })
      })
    },
  }
}

async function requireCurrent(tx: Tx, { number }: DeviceRecord): Promise<DeviceRecord> {
  const device = await findByNumber(tx, number)
  if (device === undefined) throw missingDevice()
  return device
}

export function isInScope(
  scope: AccessScope,
  device: { readonly product: string | undefined; readonly groups: readonly string[] },
): boolean {
  if (scope === 'everywhere') return true
  if (device.product !== undefined && scope.products.has(device.product)) return true
  return scope.groups.size > 0 && device.groups.some((group) => scope.groups.has(group))
}

/** A device may be given to a product only by somebody who works on that product. */
export async function requireProductInScope(products: Products, { organisation, scope }: Operator, product: string) {
  if (scope !== 'everywhere' && !scope.products.has(product)) {
    throw new Fault('missing', 'products.missing', 'there is no such product')
  }
  await products.requireProduct(organisation, product)
}

function verifyTimeZone(timeZone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone })
  } catch (thrown) {
    throw new Fault('malformed', 'devices.bad_time_zone', `no time zone is called ${timeZone}`, {
      at: 'timeZone',
      cause: thrown,
    })
  }
}
