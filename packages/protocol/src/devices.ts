import { z } from 'zod'
import { operation } from './operation.ts'
import { AttributeValue, ByDevice, Id, Name, PageQuery, Pem, page, Tag, Text, Time } from './shapes.ts'

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

const ByGroup = z.object({ group: Id })
const Preauthorisation = z.object({
  identity: Identity,
  publicKey: Pem.optional(),
  name: z.string().max(256).optional(),
  product: Id.optional(),
  tags: z.array(Tag).max(20).optional(),
})
const Sort = z.enum(['newest', 'oldest', 'name', 'last_seen'])

export const devices = {
  list: operation({
    id: 'devices.list',
    method: 'GET',
    path: '/devices',
    requires: 'devices.read',
    summary: 'Devices by filter and search, a page at a time',
    query: PageQuery.extend({
      filter: FilterText.optional(),
      search: z.string().max(200).optional(),
      sort: Sort.default('newest'),
      offset: z.coerce.number().int().min(0).optional(),
    }),
    answer: page(Device),
  }),
  count: operation({
    id: 'devices.count',
    method: 'GET',
    path: '/devices/count',
    requires: 'devices.read',
    summary: 'How many devices match, and how many are in each state',
    query: z.object({ filter: FilterText.optional() }),
    answer: z.object({ total: z.number().int(), states: z.record(DeviceState, z.number().int()) }),
  }),
  facets: operation({
    id: 'devices.facets',
    method: 'GET',
    path: '/devices/facets',
    requires: 'devices.read',
    summary: 'The values of one attribute with the number of devices',
    query: z.object({
      attribute: z.string().max(300),
      filter: FilterText.optional(),
      limit: z.coerce.number().int().min(1).max(200).default(50),
    }),
    answer: z.object({ items: z.array(z.object({ value: AttributeValue, devices: z.number().int() })) }),
  }),
  attributes: operation({
    id: 'devices.attributes',
    method: 'GET',
    path: '/devices/attributes',
    requires: 'devices.read',
    summary: 'The attributes that devices have, for building filters',
    answer: z.object({ items: z.array(z.object({ scope: z.string(), name: z.string() })) }),
  }),
  get: operation({
    id: 'devices.get',
    method: 'GET',
    path: '/devices/{device}',
    requires: 'devices.read',
    summary: 'One device',
    params: ByDevice,
    answer: DeviceDetail,
  }),
  inventoryHistory: operation({
    id: 'devices.inventoryHistory',
    method: 'GET',
    path: '/devices/{device}/inventory/history',
    requires: 'devices.read',
    summary: 'What its inventory was, change by change',
    params: ByDevice,
    query: PageQuery.extend({ name: z.string().max(200).optional() }),
    answer: page(
      z.object({
        scope: z.string(),
        name: z.string(),
        before: AttributeValue.optional(),
        after: AttributeValue.optional(),
        at: Time,
      }),
    ),
  }),
  change: operation({
    id: 'devices.change',
    method: 'PATCH',
    path: '/devices/{device}',
    requires: 'devices.manage',
    summary: 'Name, tags, product and time zone',
    params: ByDevice,
    body: z.object({
      name: z.string().max(256).optional(),
      tags: z.array(Tag).max(20).optional(),
      product: Id.optional(),
      timeZone: z.string().max(64).optional(),
    }),
    answer: 'nothing',
  }),
  decideKey: operation({
    id: 'devices.decideKey',
    method: 'PUT',
    path: '/devices/{device}/keys/{key}',
    requires: 'devices.accept',
    summary: 'Accept or reject one key of a device; at most one is accepted',
    params: z.object({ device: Id, key: Id }),
    body: z.object({ state: z.enum(['accepted', 'rejected']) }),
    answer: 'nothing',
  }),
  accept: operation({
    id: 'devices.accept',
    method: 'POST',
    path: '/devices/accept',
    requires: 'devices.accept',
    summary: 'Accept pending devices, by list',
    body: z.object({ devices: z.array(Id).min(1).max(1_000), product: Id.optional() }),
    answer: z.object({ accepted: z.number().int() }),
  }),
  reject: operation({
    id: 'devices.reject',
    method: 'POST',
    path: '/devices/{device}/reject',
    requires: 'devices.accept',
    summary: 'Reject a device; its tokens end at once',
    params: ByDevice,
    answer: 'nothing',
  }),
  quarantine: operation({
    id: 'devices.quarantine',
    method: 'POST',
    path: '/devices/{device}/quarantine',
    requires: 'devices.quarantine',
    summary: 'Hold a device apart; its tokens end at once',
    params: ByDevice,
    body: z.object({ reason: z.string().min(1).max(500) }),
    answer: 'nothing',
  }),
  release: operation({
    id: 'devices.release',
    method: 'POST',
    path: '/devices/{device}/release',
    requires: 'devices.quarantine',
    summary: 'End a quarantine',
    params: ByDevice,
    answer: 'nothing',
  }),
  retire: operation({
    id: 'devices.retire',
    method: 'POST',
    path: '/devices/{device}/retire',
    requires: 'devices.retire',
    summary: 'Retire a device for good',
    params: ByDevice,
    body: z.object({ reason: z.string().min(1).max(500) }),
    answer: 'nothing',
  }),
  revokeTokens: operation({
    id: 'devices.revokeTokens',
    method: 'POST',
    path: '/devices/{device}/tokens/revoke',
    requires: 'devices.manage',
    summary: 'End every token of a device, on every node within a second',
    params: ByDevice,
    answer: 'nothing',
  }),
  targetToken: operation({
    id: 'devices.targetToken',
    method: 'POST',
    path: '/devices/{device}/target-token',
    requires: 'devices.accept',
    summary: 'Make a new DDI target token; answers it, once',
    params: ByDevice,
    answer: z.object({ token: z.string() }),
    status: 201,
  }),
  preauthorise: operation({
    id: 'devices.preauthorise',
    method: 'POST',
    path: '/devices',
    requires: 'devices.accept',
    summary: 'Make a device known before it first calls',
    body: Preauthorisation.extend({
      targetToken: z.boolean().default(false),
      controllerId: z.string().min(1).max(256).optional(),
    }),
    answer: z.object({ id: Id, targetToken: z.string().optional() }),
    status: 201,
  }),
  importPreauthorised: operation({
    id: 'devices.importPreauthorised',
    method: 'POST',
    path: '/devices/import',
    requires: 'devices.accept',
    summary: 'Preauthorise many from CSV or JSON lines; every bad line is named, good lines are kept',
    query: z.object({
      format: z.enum(['csv', 'jsonl']),
      product: Id.optional(),
      dryRun: z.stringbool().default(false),
    }),
    body: 'bytes',
    answer: z.object({
      imported: z.number().int(),
      refused: z.array(z.object({ line: z.number().int(), error: z.string() })).max(1_000),
    }),
  }),
  groups: operation({
    id: 'devices.groups',
    method: 'GET',
    path: '/groups',
    requires: 'devices.read',
    summary: 'The groups',
    answer: z.object({ items: z.array(Group) }),
  }),
  getGroup: operation({
    id: 'devices.getGroup',
    method: 'GET',
    path: '/groups/{group}',
    requires: 'devices.read',
    summary: 'One group',
    params: ByGroup,
    answer: Group,
  }),
  createGroup: operation({
    id: 'devices.createGroup',
    method: 'POST',
    path: '/groups',
    requires: 'devices.manage',
    summary: 'Make a group: of chosen devices, or of all that match a filter',
    body: z.object({ name: Name, description: Text.default(''), filter: FilterText.optional() }),
    answer: z.object({ id: Id }),
    status: 201,
  }),
  changeGroup: operation({
    id: 'devices.changeGroup',
    method: 'PATCH',
    path: '/groups/{group}',
    requires: 'devices.manage',
    summary: 'Change a group',
    params: ByGroup,
    body: z.object({ name: Name.optional(), description: Text.optional(), filter: FilterText.optional() }),
    answer: 'nothing',
  }),
  removeGroup: operation({
    id: 'devices.removeGroup',
    method: 'DELETE',
    path: '/groups/{group}',
    requires: 'devices.manage',
    summary: 'Remove a group; its devices stay',
    params: ByGroup,
    answer: 'nothing',
  }),
  changeMembers: operation({
    id: 'devices.changeMembers',
    method: 'POST',
    path: '/groups/{group}/members',
    requires: 'devices.manage',
    summary: 'Add devices to a static group and take some out',
    params: ByGroup,
    body: z.object({ add: z.array(Id).max(1_000).default([]), remove: z.array(Id).max(1_000).default([]) }),
    answer: z.object({ added: z.number().int(), removed: z.number().int() }),
  }),
  acceptRules: operation({
    id: 'devices.acceptRules',
    method: 'GET',
    path: '/accept-rules',
    requires: 'devices.read',
    summary: 'Rules that accept devices by themselves',
    answer: z.object({ items: z.array(AcceptRule) }),
  }),
  createAcceptRule: operation({
    id: 'devices.createAcceptRule',
    method: 'POST',
    path: '/accept-rules',
    requires: 'devices.accept',
    summary: 'Accept devices by certificate authority or identity pattern, up to a quota, until a date',
    body: z.object({
      name: Name,
      issuer: Pem.optional(),
      identityPattern: z.record(z.string().max(128), z.string().max(256)).optional(),
      product: Id.optional(),
      quota: z.number().int().min(1).max(10_000_000),
      expiresAt: Time,
    }),
    answer: z.object({ id: Id }),
    status: 201,
  }),
  removeAcceptRule: operation({
    id: 'devices.removeAcceptRule',
    method: 'DELETE',
    path: '/accept-rules/{rule}',
    requires: 'devices.accept',
    summary: 'Remove a rule',
    params: z.object({ rule: Id }),
    answer: 'nothing',
  }),
  gatewayToken: operation({
    id: 'devices.gatewayToken',
    method: 'POST',
    path: '/gateway-token',
    requires: 'organisation.manage',
    summary: 'Make a new DDI gateway token, which may act for any controller; answers it, once',
    answer: z.object({ token: z.string() }),
    status: 201,
  }),
  trustAuthority: operation({
    id: 'devices.trustAuthority',
    method: 'POST',
    path: '/device-authorities',
    requires: 'organisation.manage',
    summary: 'Trust a certificate authority for device certificates',
    body: z.object({ name: Name, pem: Pem }),
    answer: z.object({ id: Id, fingerprint: z.string() }),
    status: 201,
  }),
  authorities: operation({
    id: 'devices.authorities',
    method: 'GET',
    path: '/device-authorities',
    requires: 'devices.read',
    summary: 'Certificate authorities trusted for devices',
    answer: z.object({
      items: z.array(z.object({ id: Id, name: Name, fingerprint: z.string(), subject: z.string(), notAfter: Time })),
    }),
  }),
  removeAuthority: operation({
    id: 'devices.removeAuthority',
    method: 'DELETE',
    path: '/device-authorities/{authority}',
    requires: 'organisation.manage',
    summary: 'Stop trusting a certificate authority',
    params: z.object({ authority: Id }),
    answer: 'nothing',
  }),
}
