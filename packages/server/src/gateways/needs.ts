import type { StoredArtifact } from '../domains/artifacts/index.ts'
import type { DeviceDeployments } from '../domains/deployments/index.ts'
import type { DevicePrincipal, Devices } from '../domains/devices/index.ts'
import type { ByteRange } from '../platform/blobs/index.ts'

/** Finds the organisation that a device belongs to by what its client was configured with. */
export interface Organisations {
  /** An empty token finds the organisation of an installation that has only one. */
  findByTenantToken(token: string): Promise<string | undefined>
  /** By the tenant segment of DDI addresses, in lower case. */
  findByDdiTenant(tenant: string): Promise<string | undefined>
}

export interface DeviceConfiguration {
  desired(device: DevicePrincipal): Promise<Readonly<Record<string, string>>>
  report(device: DevicePrincipal, settings: Readonly<Record<string, string>>): Promise<void>
}

export type OpenArtifact = (
  artifact: Pick<StoredArtifact, 'sha256'>,
  range?: ByteRange,
) => Promise<AsyncIterable<Uint8Array>>

/** What every device gateway translates its wire into. */
export interface GatewayNeeds {
  readonly devices: Devices
  readonly deployments: DeviceDeployments
  readonly organisations: Organisations
  readonly openArtifact: OpenArtifact
  /** The address by which devices reach us, if it is not simply the one that they call. */
  readonly publicUrl: string | undefined
}
