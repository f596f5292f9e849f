import { createHash } from 'node:crypto'
import { keyKind, parsePublicKey } from '@holdfast/crypto/keys'
import { Fault } from '@holdfast/kernel'
import type { Answer, Input, operations } from '@holdfast/protocol'
import type { Database } from '../../platform/db/index.ts'
import type { AccessScope } from '../../platform/http/caller.ts'
import type { DeviceRecord } from './device-record.ts'
import { listByNumbers } from './device-store.ts'
import type { InventoryFields } from './field-names.ts'
import type { Filters } from './filters.ts'
import type { Group } from './group-store.ts'
import { decodeInventory } from './inventory.ts'
import { type DeviceKey, findCredential, listKeys } from './key-store.ts'
import type { Operate, Operator } from './operate.ts'
import { equals } from './resolve-filter.ts'
import type { DeviceSearch, Question } from './search/engine.ts'
import { type Field, scopes, systemFields } from './search/filter.ts'
import type { LastSeen } from './search/last-seen.ts'
import { parseFilter } from './search/parse-filter.ts'
import type { Views } from './views.ts'

type Wire = typeof operations.devices
type DeviceAnswer = Answer<Wire['list']>['items'][number]

export interface ListsNeeds {
  readonly db: Database
  readonly search: DeviceSearch
  readonly filters: Filters
  readonly fields: InventoryFields
  readonly views: Views
  readonly lastSeen: LastSeen
  readonly operate: Operate
}

export type Lists = ReturnType<typeof createLists>

const sorts = {
  newest: { by: 'number', descending: true },
  oldest: { by: 'number', descending: false },
  name: { by: 'name', descending: false },
  last_seen: { by: 'seen', descending: true },
} as const

/** What people read of devices, always within what they may see. */
export function createLists({ db, search, filters, fields, views, lastSeen, operate }: ListsNeeds) {
  async function question(operator: Pick<Operator, 'organisation' | 'scope'>, filter?: string): Promise<Question> {
    const { organisation, scope } = operator
    return {
      organisation,
      filter: await filters.read(organisation, filter),
      within: await filters.ofScope(organisation, scope),
    }
  }

  async function productNames(organisation: string): Promise<ReadonlyMap<string, string>> {
    return new Map((await filters.products(organisation)).map(({ id, name }) => [id, name]))
  }

  function toAnswer(device: DeviceRecord, products: ReadonlyMap<string, string>): DeviceAnswer {
    const { id, name, state, gateway, identity, tags, software, registeredAt, product, number } = device
    const seen = lastSeen.of(number)
    return {
      id,
      name,
      state,
      ...(product === undefined ? {} : { product: { id: product, name: products.get(product) ?? product } }),
      ...(gateway === undefined ? {} : { gateway }),
      identity: mutable(identity),
      tags: [...tags],
      ...(software === undefined ? {} : { software }),
      registeredAt: time(registeredAt),
      ...(seen === undefined ? {} : { lastSeen: time(seen) }),
    }
  }

  async function keysOf(device: DeviceRecord) {
    const keys = (await listKeys(db.read, device.number)).map(keyAnswer)
    const credential = await findCredential(db.read, device.number)
    if (credential === undefined) return keys
    const token = {
      id: credential.id,
      algorithm: 'target token',
      fingerprint: Buffer.from(credential.hash).toString('hex'),
      state: 'accepted' as const,
      origin: 'token' as const,
      addedAt: time(credential.madeAt),
    }
    return [...keys, token]
  }

  return {
    question,

    async list(operator: Operator, query: Input<Wire['list']>['query']): Promise<Answer<Wire['list']>> {
      const page = await search.search({
        ...(await question(operator, query.filter)),
        ...(query.search === undefined ? {} : { text: query.search }),
        ...(query.cursor === undefined ? {} : { cursor: query.cursor }),
        ...(query.offset === undefined ? {} : { offset: query.offset }),
        sort: sorts[query.sort],
        limit: query.limit,
      })
      const found = await listByNumbers(db.read, page.numbers)
      const products = await productNames(operator.organisation)
      const items = page.numbers.flatMap((number) => {
        const device = found.get(number)
        return device === undefined ? [] : [toAnswer(device, products)]
      })
      return {
        items,
        ...(page.next === undefined ? {} : { next: page.next }),
        ...(page.exact ? { total: page.total } : {}),
      }
    },

    async count(operator: Operator, filter: string | undefined): Promise<Answer<Wire['count']>> {
      const states = await search.facets(await question(operator, filter), { scope: 'system', name: 'state' })
      const total = states.reduce((sum, { count }) => sum + count, 0)
      const all = { pending: 0, preauthorised: 0, accepted: 0, rejected: 0, quarantined: 0, retired: 0 }
      return { total, states: { ...all, ...Object.fromEntries(states.map(({ value, count }) => [value, count])) } }
    },

    async facets(operator: Operator, query: Input<Wire['facets']>['query']): Promise<Answer<Wire['facets']>> {
      const field = readField(query.attribute)
      const facets = await search.facets(await question(operator, query.filter), field, query.limit)
      const names = field.scope === 'system' ? await namesFor(operator.organisation, field.name) : undefined
      return {
        items: facets.map(({ value, count }) => ({ value: names?.get(String(value)) ?? value, devices: count })),
      }
    },

    async attributes(organisation: string): Promise<Answer<Wire['attributes']>> {
      const rows = await db.read
        .selectFrom('attribute')
        .select(['scope', 'name'])
        .where('organisation', '=', organisation)
        .where('scope', '!=', 'system')
        .orderBy('scope')
        .orderBy('name')
        .execute()
      return { items: [...systemFields.map((name) => ({ scope: 'system', name })), ...rows] }
    },

    async get(operator: Operator, id: string): Promise<Answer<Wire['get']>> {
      const device = await operate.requireVisible(operator, id)
      const view = await views.viewFrom(db.read, device)
      const inventory = decodeInventory(device.inventory)
      const nameOf = await fields.namesOf(db.read, device.organisation, inventory.keys())
      const groups = new Map((await filters.groups(device.organisation)).map((group) => [group.id, group]))
      return {
        ...toAnswer(device, await productNames(device.organisation)),
        keys: await keysOf(device),
        groups: view.groups.flatMap((group) => groupLabel(groups.get(group))),
        inventory: [...inventory]
          .map(([key, { value, changedAt }]) => ({
            scope: 'inventory',
            name: nameOf(key),
            value: mutable(value),
            changedAt: time(changedAt),
          }))
          .sort((a, b) => (a.name < b.name ? -1 : 1)),
        ...(device.timeZone === undefined ? {} : { timeZone: device.timeZone }),
      }
    },

    async overview(organisation: string, scope: AccessScope) {
      const all = await question({ organisation, scope })
      const states = await search.facets(all, { scope: 'system', name: 'state' })
      const software = await search.facets(
        { ...all, filter: equals('state', 'accepted') },
        { scope: 'system', name: 'software' },
        10,
      )
      return {
        total: states.reduce((sum, { count }) => sum + count, 0),
        states: Object.fromEntries(states.map(({ value, count }) => [String(value), count])),
        seenLastHour: await search.count({ ...all, filter: parseFilter('seen < 1h') }),
        seenLastDay: await search.count({ ...all, filter: parseFilter('seen < 1d') }),
        software: software.map(({ value, count }) => ({ version: String(value), devices: count })),
      }
    },

    /** How many devices are in a group, of those that the asker sees; undefined where it cannot be counted. */
    async countGroup(operator: Operator, group: string): Promise<number | undefined> {
      try {
        const filter = await filters.ofGroup(operator.organisation, group)
        return await search.count({ ...(await question(operator)), filter })
      } catch (thrown) {
        if (thrown instanceof Fault) return undefined
        throw thrown
      }
    },
  }

  async function namesFor(organisation: string, field: string): Promise<ReadonlyMap<string, string> | undefined> {
    if (field === 'product') return productNames(organisation)
    if (field !== 'group') return undefined
    return new Map((await filters.groups(organisation)).map(({ id, name }) => [id, name]))
  }
}

function keyAnswer(key: DeviceKey) {
  return {
    id: key.id,
    algorithm: keyKind(parsePublicKey(key.spki)),
    fingerprint: createHash('sha256').update(key.spki).digest('hex'),
    state: key.state,
    origin: key.origin,
    addedAt: time(key.addedAt),
    ...(key.decidedAt === undefined ? {} : { decidedAt: time(key.decidedAt) }),
  }
}

function groupLabel(group: Group | undefined) {
  if (group === undefined) return []
  return [{ id: group.id, name: group.name, kind: kindOf(group) }]
}

export function kindOf(group: Group): 'static' | 'dynamic' {
  return group.filter === undefined ? 'static' : 'dynamic'
}

/** `state`, or a scope, a dot and a name, which needs no quotes here. */
function readField(text: string): Field {
  const dot = text.indexOf('.')
  if (dot === -1 && systemFields.some((name) => name === text)) return { scope: 'system', name: text }
  const scope = scopes.find((one) => one !== 'system' && one === text.slice(0, dot))
  if (scope === undefined || dot === text.length - 1) {
    throw new Fault('malformed', 'devices.no_attribute', `“${text}” is no attribute`, { at: 'attribute' })
  }
  return { scope, name: text.slice(dot + 1) }
}

export function time(instant: number): string {
  return new Date(instant).toISOString()
}

type Mutable<T> = T extends readonly (infer U)[] ? U[] : T extends object ? { [K in keyof T]: Mutable<T[K]> } : T

/** The wire's shapes do not say that they are only read. */
function mutable<T>(value: T): Mutable<T> {
  return value as Mutable<T>
}
