import { createHmac, timingSafeEqual } from 'node:crypto'
import { type Clock, Fault, type Instant } from '@holdfast/kernel'
import type { DeviceRequest } from '../platform/http/device-edge.ts'

/** What a link allows: one device to fetch what a deployment gave it, until a moment. */
export interface DownloadGrant {
  /** The device's number. */
  readonly device: number
  readonly deployment: string
  readonly expires: Instant
}

/** Download links that need no other credential, because mender-client sends none: an HMAC over all that they allow. */
export interface DownloadLinks {
  /** Path and query. */
  sign(grant: Omit<DownloadGrant, 'expires'>): { readonly path: string; readonly expires: Instant }
  /** Throws `gateway.link_invalid` or `gateway.link_expired`. */
  verify(deployment: string, query: URLSearchParams): DownloadGrant
}

export const downloadPath = '/api/devices/v1/deployments/download'

export function createDownloadLinks(needs: {
  /** 32 bytes that no client knows; the same on every node. */
  readonly secret: Uint8Array
  readonly clock: Clock
  /** Milliseconds. It must outlast the slowest download, since clients resume with the same link. */
  readonly lifetime: number
}): DownloadLinks {
  const digestOf = ({ device, deployment, expires }: DownloadGrant) =>
    createHmac('sha256', needs.secret).update(`download\n${device}\n${deployment}\n${expires}`).digest()
  return {
    sign(subject) {
      const expires = needs.clock.now() + needs.lifetime
      const signature = digestOf({ ...subject, expires }).toString('base64url')
      const query = new URLSearchParams({
        device: String(subject.device),
        expires: String(expires),
        signature,
      })
      return { path: `${downloadPath}/${subject.deployment}?${query}`, expires }
    },
    verify(deployment, query) {
      const grant: DownloadGrant = {
        deployment,
        device: Number(query.get('device') ?? Number.NaN),
        expires: Number(query.get('expires') ?? Number.NaN),
      }
      const given = Buffer.from(query.get('signature') ?? '', 'base64url')
      const expected = digestOf(grant)
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
        throw new Fault('forbidden', 'gateway.link_invalid', 'the link is not one of ours')
      }
      if (needs.clock.now() >= grant.expires)
        throw new Fault('forbidden', 'gateway.link_expired', 'the link has expired')
      return grant
    },
  }
}

/**
 * Where a device finds us: the configured address, else the one that it has just used. The device chooses the host name
 * itself, so a false one misleads nobody else.
 */
export function originFor(request: DeviceRequest, publicUrl: string | undefined): string {
  if (publicUrl !== undefined) return publicUrl.replace(/\/+$/, '')
  const host = request.headers.host ?? ''
  if (!/^[\w.:[\]-]{1,255}$/.test(host))
    throw new Fault('malformed', 'gateway.host', 'the request names no proper host')
  return `https://${host}`
}
