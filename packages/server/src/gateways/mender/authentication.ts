import { parsePublicKey, publicKeyDer, verifySignature } from '@holdfast/crypto/keys'
import { readCertificate } from '@holdfast/crypto/x509'
import { Fault } from '@holdfast/kernel'
import type { DevicePrincipal, Devices } from '../../domains/devices/index.ts'
import type { DeviceAnswer, DeviceRequest } from '../../platform/http/device-edge.ts'
import { parseJson } from '../bodies.ts'
import type { GatewayNeeds } from '../needs.ts'
import { AuthenticationRequest, bodyLimits, IdentityData } from './wire.ts'

/**
 * `POST auth_requests`: the signature covers the raw body, its final newline too. The client takes the bare token as its
 * answer and is told the same whether it is unknown, pending or rejected. It does this again in the middle of an update,
 * so nothing here may be rate-limited beyond the edge's own protection.
 */
export async function authenticate(
  needs: Pick<GatewayNeeds, 'devices' | 'organisations'>,
  request: DeviceRequest,
): Promise<DeviceAnswer> {
  const body = await request.body(bodyLimits.authentication)
  const { id_data, pubkey, tenant_token } = AuthenticationRequest.parse(parseJson(body))
  const identity = IdentityData.parse(parseJson(Buffer.from(id_data)))
  const publicKey = readKey(pubkey)
  verifySignature(publicKey, body, readSignature(request))
  const organisation = await needs.organisations.findByTenantToken(tenant_token)
  if (organisation === undefined) throw new Fault('unauthenticated', 'mender.tenant', 'the tenant token is not known')
  const spki = publicKeyDer(publicKey)
  const certificate = certificateOf(request, spki)
  const token = await needs.devices.askAuthorisation({
    organisation,
    identity,
    publicKey: spki,
    gateway: 'mender',
    origin: request.address,
    ...(certificate === undefined ? {} : { certificate }),
  })
  return { status: 200, headers: { 'content-type': 'application/jwt' }, body: token }
}

/** Who bears the request's token. */
export function requireDevice(devices: Devices, request: DeviceRequest): DevicePrincipal | Promise<DevicePrincipal> {
  const header = request.headers.authorization
  if (header === undefined || header.length < 8 || header.slice(0, 7).toLowerCase() !== 'bearer ') {
    throw new Fault('unauthenticated', 'mender.no_token', 'a bearer token is needed')
  }
  return devices.authenticate(header.slice(7))
}

/** As `requireDevice`, with the address that the request came from, for what goes into the audit log. */
export async function requireReporter(devices: Devices, request: DeviceRequest): Promise<DevicePrincipal> {
  return { ...(await requireDevice(devices, request)), origin: request.address }
}

function readKey(pem: string) {
  try {
    return parsePublicKey(pem)
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown
    throw new Fault('malformed', thrown.code, thrown.message, { at: 'pubkey', cause: thrown })
  }
}

function readSignature(request: DeviceRequest): Uint8Array {
  const header = request.headers['x-men-signature']
  if (typeof header !== 'string' || header === '' || header.length > 2_048 || !/^[\w+/=-]+$/.test(header)) {
    throw new Fault('malformed', 'mender.signature', 'X-MEN-Signature must hold the signature of the body in base64')
  }
  return Buffer.from(header, 'base64')
}

/**
 * The connection's certificate, if it certifies the very key that asks: a certificate for another key proves nothing about
 * this one.
 */
function certificateOf({ certificate }: DeviceRequest, spki: Uint8Array): Uint8Array | undefined {
  if (certificate === undefined) return undefined
  try {
    return Buffer.from(readCertificate(certificate).spki).equals(spki) ? certificate : undefined
  } catch (thrown) {
    if (thrown instanceof Fault) return undefined
    throw thrown
  }
}
