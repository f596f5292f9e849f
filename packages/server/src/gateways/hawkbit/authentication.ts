import { Fault } from '@holdfast/kernel'
import type { ControllerProof, DevicePrincipal } from '../../domains/devices/index.ts'
import type { DeviceParams, DeviceRequest } from '../../platform/http/device-edge.ts'
import type { GatewayNeeds } from '../needs.ts'
import { findProxyClaim } from './proxy-headers.ts'

export type Authenticate = (request: DeviceRequest, params: DeviceParams) => DevicePrincipal | Promise<DevicePrincipal>

const maxTenants = 10_000

/**
 * Proves who calls, on every request: a target or gateway token, headers of a trusted reverse proxy, or the connection's own
 * certificate, in this order. Synchronous when the registry has seen the same proof lately.
 */
export function createAuthenticate(
  { devices, organisations }: Pick<GatewayNeeds, 'devices' | 'organisations'>,
  isTrustedProxy: (address: string) => boolean,
): Authenticate {
  // A tenant's segment never changes hands, so what was found once stays true.
  const known = new Map<string, string>()
  const findOrganisation = async (tenant: string): Promise<string> => {
    const organisation = await organisations.findByDdiTenant(tenant)
    if (organisation === undefined) throw unknown()
    if (known.size >= maxTenants) known.clear()
    known.set(tenant, organisation)
    return organisation
  }
  return (request, params) => {
    const tenant = (params.tenant ?? '').toLowerCase()
    const controllerId = params.controller ?? ''
    const proof = requireProof(request, controllerId, isTrustedProxy)
    const origin = request.address
    const from = (device: DevicePrincipal): DevicePrincipal => ({ ...device, origin })
    const authenticateIn = (organisation: string) => {
      const found = devices.authenticateController({ organisation, controllerId, proof, origin })
      return found instanceof Promise ? found.then(from) : from(found)
    }
    const organisation = known.get(tenant)
    return organisation === undefined ? findOrganisation(tenant).then(authenticateIn) : authenticateIn(organisation)
  }
}

function requireProof(
  request: DeviceRequest,
  controllerId: string,
  isTrustedProxy: (address: string) => boolean,
): ControllerProof {
  const token = /^(target|gateway)token +(\S{1,128})$/i.exec(request.headers.authorization ?? '')
  if (token !== null) {
    return {
      kind: token[1]?.toLowerCase() === 'target' ? 'target_token' : 'gateway_token',
      token: token[2] ?? '',
    }
  }
  const claim = isTrustedProxy(request.address) ? findProxyClaim(request.headers) : undefined
  if (claim !== undefined) {
    if (claim.controllerId !== controllerId) throw unknown()
    return { kind: 'proxy', ...claim }
  }
  const { certificate } = request
  if (certificate !== undefined) return { kind: 'certificate', certificate }
  throw unknown()
}

function unknown(): Fault {
  return new Fault('unauthenticated', 'hawkbit.not_authenticated', 'who calls is not proven')
}
