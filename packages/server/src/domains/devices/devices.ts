import type { Tx } from '../../platform/db/index.ts'
import type { Attributes, DevicePrincipal, DeviceView, GatewayName, Identity, Provides } from './device.ts'
import type { Bitmap } from './search/bitmap.ts'
import type { Filter } from './search/filter.ts'

/** A first contact or a renewal: somebody who holds `publicKey` calls itself `identity`. The caller verified the signature. */
export interface AuthorisationRequest {
  readonly organisation: string
  readonly identity: Identity
  /** SubjectPublicKeyInfo, PEM or DER; may be absent when a certificate is given. */
  readonly publicKey?: string | Uint8Array
  readonly gateway: GatewayName
  /** The client certificate of the connection, DER, whose key the handshake proved; not yet trusted. */
  readonly certificate?: Uint8Array
  /** Certificates between it and the authority, if the device sent any. */
  readonly intermediates?: readonly Uint8Array[]
  /** Network address. */
  readonly origin: string
}

/** How a DDI controller proves who it is. */
export type ControllerProof =
  | { readonly kind: 'target_token'; readonly token: string }
  | { readonly kind: 'gateway_token'; readonly token: string }
  | { readonly kind: 'certificate'; readonly certificate: Uint8Array; readonly intermediates?: readonly Uint8Array[] }
  /** Headers of a reverse proxy that the gateway trusts: the authority's name or SHA-256 fingerprint, in any case. */
  | { readonly kind: 'proxy'; readonly controllerId: string; readonly authorities: readonly string[] }

export interface ControllerRequest {
  readonly organisation: string
  readonly controllerId: string
  readonly proof: ControllerProof
  readonly origin: string
}

/** `replace`: what is not named is gone. `merge`: what is not named stays. `remove`: what is named is gone. */
export type InventoryMode = 'replace' | 'merge' | 'remove'

/** What the device gateways, deployments and configuration ask of the registry. */
export interface Devices {
  /**
   * Decides who bears a token. Synchronous when it was seen lately and this node knows of every revocation of the last
   * second. Throws `unauthenticated`.
   */
  authenticate(token: string): DevicePrincipal | Promise<DevicePrincipal>
  /**
   * Answers a token for a device that is accepted, or becomes so by preauthorisation, certificate or rule; everybody else
   * gets the one Fault `devices.not_authorised` (unauthenticated), which does not tell pending from rejected.
   */
  askAuthorisation(request: AuthorisationRequest): Promise<string>
  /** The DDI counterpart: every request carries its proof. Synchronous when the same proof was seen lately. */
  authenticateController(request: ControllerRequest): DevicePrincipal | Promise<DevicePrincipal>
  /**
   * Takes over what a device says about itself; writes nothing when nothing changed. At most 256 attributes, names of 128
   * characters, values of 4 KiB, 64 KiB in all, else `limited`. Attributes are in the scope `inventory`.
   */
  reportInventory(principal: DevicePrincipal, attributes: Attributes, mode: InventoryMode): Promise<void>
  /** Takes over what a device says it runs; writes nothing when nothing changed. */
  reportProvides(principal: DevicePrincipal, provides: Provides): Promise<void>
  /** The same within a transaction, when the server knows what a device runs from an installation that it reported. */
  recordProvides(tx: Tx, number: number, provides: Provides): Promise<void>
  /** Notes that the device called; costs no write now. */
  seen(principal: DevicePrincipal): void
  /** The device as it is now; synchronous when cached. Throws `devices.missing`. */
  view(number: number): DeviceView | Promise<DeviceView>
  viewOf(principal: DevicePrincipal): DeviceView | Promise<DeviceView>
  /** The device of an organisation by its id; undefined when there is none. */
  findView(organisation: string, device: string): Promise<DeviceView | undefined>
  /** A filter as people write it, with the names of groups and products in it resolved. Throws `devices.filter_malformed`. */
  readFilter(organisation: string, text: string): Promise<Filter>
  /** Who is in a group, static or dynamic; throws `devices.group_missing`. */
  filterOfGroup(organisation: string, group: string): Promise<Filter>
  /** The numbers of every device that matches now, exactly, including what was written a moment ago. */
  population(organisation: string, filter: Filter): Promise<Bitmap>
}
