import { z } from 'zod'
import { AttributeValue, Id, Name, Tag, Text, Time } from './shapes.ts'

/** `quarantined`: known and refused everything but reporting; `retired`: refused for ever. */
export const DeviceState = z.enum(['pending', 'preauthorised', 'accepted', 'rejected', 'quarantined', 'retired'])
export const KeyState = z.enum(['pending', 'preauthorised', 'accepted', 'rejected', 'retired'])
export const GatewayName = z.enum(['mender', 'hawkbit'])
export const Identity = z.record(
  z.string().min(1).max(128),
  z.union([z.string().max(1_024), z.array(z.string().max(1_024)).max(32)]),
)
/** The filter language of devices; documented in docs/filters.md. */
export const FilterText = z.string().max(4_000)

export const Device = z.object({
  id: Id,
  name: z.string(),
  state: DeviceState,
  product: z.object({ id: Id, name: Name }).optional(),
  gateway: GatewayName.optional(),
  identity: Identity,
  tags: z.array(Tag),
  /** What it says it runs: the artifact name. */
  software: z.string().optional(),
  registeredAt: Time,
  lastSeen: Time.optional(),
})

export const DeviceKey = z.object({
  id: Id,
  algorithm: z.string(),
  fingerprint: z.string(),
  state: KeyState,
  /** How it came: asked by itself, preauthorised, certificate, token. */
  origin: z.enum(['request', 'preauthorised', 'certificate', 'token', 'gateway_token']),
  addedAt: Time,
  decidedAt: Time.optional(),
})

export const InventoryItem = z.object({ scope: z.string(), name: z.string(), value: AttributeValue, changedAt: Time })

export const DeviceDetail = Device.extend({
  keys: z.array(DeviceKey),
  groups: z.array(z.object({ id: Id, name: Name, kind: z.enum(['static', 'dynamic']) })),
  inventory: z.array(InventoryItem),
  /** IANA zone of its maintenance windows. */
  timeZone: z.string().optional(),
})

export const Group = z.object({
  id: Id,
  name: Name,
  description: Text,
  kind: z.enum(['static', 'dynamic']),
  filter: FilterText.optional(),
  devices: z.number().int().optional(),
  createdAt: Time,
})

export const AcceptRule = z.object({
  id: Id,
  name: Name,
  /** Accept when every condition given holds. */
  issuerFingerprint: z.string().optional(),
  identityPattern: z.record(z.string(), z.string()).optional(),
  product: Id.optional(),
  /** How many devices it may still accept. */
  quotaLeft: z.number().int(),
  expiresAt: Time,
  accepted: z.number().int(),
})
