import type { IncomingHttpHeaders } from 'node:http'
import { BlockList, isIP } from 'node:net'
import { Fault } from '@holdfast/kernel'

export interface ProxyClaim {
  readonly controllerId: string
  /** Names or fingerprints of the authorities in the client's chain. */
  readonly authorities: readonly string[]
}

const maxAuthorities = 16

/** Decides which addresses may vouch for devices; entries are addresses or networks such as `10.0.0.0/8`. */
export function createTrustedProxies(entries: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const entry of entries) {
    const [network = '', bits] = entry.split('/')
    const family = isIP(network)
    const prefix = Number(bits)
    if (family === 0 || (bits !== undefined && !(/^\d{1,3}$/.test(bits) && prefix <= (family === 4 ? 32 : 128)))) {
      throw new Fault('malformed', 'config.proxies', `${entry} is neither an address nor a network`, {
        at: 'proxies.trusted',
      })
    }
    if (bits === undefined) list.addAddress(network, family === 4 ? 'ipv4' : 'ipv6')
    else list.addSubnet(network, prefix, family === 4 ? 'ipv4' : 'ipv6')
  }
  return (address) => {
    const plain = address.startsWith('::ffff:') ? address.slice(7) : address
    const family = isIP(plain)
    return family !== 0 && list.check(plain, family === 4 ? 'ipv4' : 'ipv6')
  }
}

/**
 * What a reverse proxy says about a client certificate that it has verified, in either family of headers: X-Ssl-Client-Cn
 * with X-Ssl-Issuer-Hash-n, or X-Controller-Id with X-Authority or X-Authority-n. Only for requests of trusted addresses.
 */
export function findProxyClaim(headers: IncomingHttpHeaders): ProxyClaim | undefined {
  const older = one(headers['x-ssl-client-cn'])
  if (older !== undefined) return { controllerId: older, authorities: numbered(headers, 'x-ssl-issuer-hash-') }
  const newer = one(headers['x-controller-id'])
  if (newer === undefined) return undefined
  const listed = (one(headers['x-authority']) ?? '').split(/[;,]/).map((name) => name.trim())
  const authorities = [...listed.filter((name) => name !== ''), ...numbered(headers, 'x-authority-')]
  return { controllerId: newer, authorities: authorities.slice(0, maxAuthorities) }
}

function numbered(headers: IncomingHttpHeaders, prefix: string): string[] {
  const found: string[] = []
  for (let index = 0; index <= maxAuthorities; index += 1) {
    const value = one(headers[`${prefix}${index}`])
    if (value !== undefined) found.push(value)
  }
  return found
}

/** A header that came exactly once; Node joins repeated ones with a comma, and an identity with a comma is none of ours. */
function one(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= 2_048 ? value : undefined
}
