import type { Instant } from '@holdfast/kernel'
import type { AttributeValue, DeviceState, DeviceView, GatewayName, Identity, Provides } from './device.ts'
import type { DeviceRecord } from './device-record.ts'
import type { FieldNames } from './field-names.ts'
import { decodeInventory, type Inventory, isList } from './inventory.ts'
import type { DeviceFacts } from './search/facts.ts'
import type { Value } from './search/value.ts'

export interface FactsInput {
  readonly device: Pick<
    DeviceRecord,
    'id' | 'name' | 'product' | 'state' | 'gateway' | 'software' | 'tags' | 'identity' | 'registeredAt'
  >
  readonly inventory: Inventory
  readonly nameOf: FieldNames
  /** Ids of the static groups that it is in; dynamic ones are filters, not facts. */
  readonly staticGroups: readonly string[]
  readonly seen: Instant | undefined
}

/** All that a filter may ask about a device. A tag `region:eu` is also the value `eu` of `tag.region`. */
export function deriveFacts({ device, inventory, nameOf, staticGroups, seen }: FactsInput): DeviceFacts {
  const values = new Map<string, readonly Value[]>()
  const put = (field: string, value: AttributeValue | undefined) => {
    const list = value === undefined || value === '' ? [] : isList(value) ? value : [value]
    if (list.length > 0) values.set(field, [...(values.get(field) ?? []), ...list])
  }
  put('system.id', device.id)
  put('system.name', device.name)
  put('system.product', device.product)
  put('system.state', device.state)
  put('system.gateway', device.gateway)
  put('system.software', device.software)
  put('system.group', staticGroups)
  put('system.tag', device.tags)
  for (const tag of device.tags) {
    const colon = tag.indexOf(':')
    if (colon > 0 && colon < tag.length - 1) put(`tag.${tag.slice(0, colon)}`, tag.slice(colon + 1))
  }
  for (const [name, value] of Object.entries(device.identity)) put(`identity.${name}`, value)
  // What found no number among the attributes is not in the index, so filters must not see it here either.
  for (const [key, { value }] of inventory) if (!key.startsWith(':')) put(`inventory.${nameOf(key)}`, value)
  return { values, registered: device.registeredAt, seen }
}

/** What the views of one organisation share. */
export interface ViewContext {
  readonly nameOf: FieldNames
  readonly dynamicGroups: (facts: DeviceFacts) => readonly string[]
  readonly seen: (number: number) => Instant | undefined
  /** One object for equal provides: a fleet has few different ones. */
  readonly share: (provides: Provides) => Provides
}

const none: readonly string[] = []

/**
 * A view in few bytes, because as many are kept as devices call: identity and inventory stay packed, and what is
 * unpacked for filters lives only as long as somebody uses it.
 */
export class PackedView implements DeviceView {
  readonly id: string
  readonly number: number
  readonly organisation: string
  readonly product: string | undefined
  readonly name: string
  readonly state: DeviceState
  readonly gateway: GatewayName | undefined
  readonly tags: readonly string[]
  readonly software: string | undefined
  readonly timeZone: string | undefined
  readonly revision: number
  readonly provides: Provides
  readonly #registeredAt: Instant
  readonly #identity: string
  readonly #inventory: string | null
  readonly #staticGroups: readonly string[]
  readonly #context: ViewContext
  #facts: WeakRef<DeviceFacts> | undefined

  constructor(device: DeviceRecord, staticGroups: readonly string[], context: ViewContext) {
    this.id = device.id
    this.number = device.number
    this.organisation = device.organisation
    this.product = device.product
    this.name = device.name
    this.state = device.state
    this.gateway = device.gateway
    this.tags = device.tags.length === 0 ? none : device.tags
    this.software = device.software
    this.timeZone = device.timeZone
    this.revision = device.revision
    this.provides = context.share(deriveProvides(device, context.nameOf))
    this.#registeredAt = device.registeredAt
    this.#identity = JSON.stringify(device.identity)
    this.#inventory = device.inventory
    this.#staticGroups = staticGroups.length === 0 ? none : staticGroups
    this.#context = context
  }

  get identity(): Identity {
    return JSON.parse(this.#identity) as Identity
  }

  get facts(): DeviceFacts {
    const kept = this.#facts?.deref()
    if (kept !== undefined) return kept
    const facts = deriveFacts({
      device: {
        id: this.id,
        name: this.name,
        product: this.product,
        state: this.state,
        gateway: this.gateway,
        software: this.software,
        tags: this.tags,
        identity: this.identity,
        registeredAt: this.#registeredAt,
      },
      inventory: decodeInventory(this.#inventory),
      nameOf: this.#context.nameOf,
      staticGroups: this.#staticGroups,
      seen: this.#context.seen(this.number),
    })
    this.#facts = new WeakRef(facts)
    return facts
  }

  get groups(): readonly string[] {
    return [...this.#staticGroups, ...this.#context.dynamicGroups(this.facts)]
  }
}

function deriveProvides(device: DeviceRecord, nameOf: FieldNames): Provides {
  const software = device.software === undefined ? {} : { artifact_name: device.software }
  if (Object.hasOwn(device.provides, 'device_type')) return { ...device.provides, ...software }
  for (const [key, { value }] of decodeInventory(device.inventory)) {
    if (nameOf(key) === 'device_type' && typeof value === 'string') {
      return { device_type: value, ...device.provides, ...software }
    }
  }
  return { ...device.provides, ...software }
}
