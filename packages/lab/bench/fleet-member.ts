import { createHash } from 'node:crypto'
import type { Attributes, Identity } from '@holdfast/server/domains/devices/index'

/** One device of the fleet that the figures are measured on, as its place in it decides. */
export interface FleetMember {
  readonly name: string
  readonly identity: Identity
  readonly software: string
  readonly tags: readonly string[]
  readonly inventory: Attributes
  /** Milliseconds before the fleet was made. */
  readonly seenBefore: number
}

export const deviceType = 'bench-gateway'
const sites = 400
const versions = ['4.2.0', '4.2.1', '4.3.0', '4.3.2', '5.0.0', '5.0.1', '5.1.0-rc2', '5.1.0']
const countries = ['DE', 'FR', 'PL', 'IT', 'ES', 'NL', 'CZ', 'AT', 'SE', 'PT', 'DK', 'FI']
const models = ['gw-100', 'gw-100b', 'gw-200', 'gw-210', 'gw-300']
const kernels = ['5.10.209-rt', '5.15.148', '6.1.76', '6.6.15']

/**
 * The member at `place`, from 0. Twenty inventory values of mixed cardinality: three that differ in every device, some
 * with thousands of values, most with a few.
 */
export function fleetMember(place: number): FleetMember {
  const pick = mixer(place)
  const of = <T>(list: readonly T[]): T => list[pick(list.length)] as T
  const mac = macAddress(place)
  const software = `gateway-${versions[Math.min(pick(8), pick(8))]}`
  const site = pick(sites)
  return {
    name: `Gateway ${String(place).padStart(7, '0')}`,
    identity: { mac },
    software,
    tags: place < 10 ? ['first-ten'] : pick(50) === 0 ? ['beta'] : [],
    seenBefore: pick(20) === 0 ? pick(30 * 86_400_000) : pick(900_000),
    inventory: {
      device_type: deviceType,
      artifact_name: software,
      serial_number: `HF${String(place).padStart(8, '0')}`,
      hostname: `gw-${mac.slice(-8).replaceAll(':', '')}-${place.toString(36)}`,
      mac_eth0: mac,
      kernel: of(kernels),
      os: 'Debian GNU/Linux 12',
      model: of(models),
      country: of(countries),
      site: `site-${String(site).padStart(3, '0')}`,
      rack: 1 + pick(40),
      cpu_model: pick(3) === 0 ? 'ARMv8 Cortex-A72' : 'ARMv8 Cortex-A53',
      mem_total_kB: of([1_014_784, 2_029_568, 4_059_136]),
      rootfs_type: 'ext4',
      bootloader: `u-boot 2023.0${1 + pick(4)}`,
      'network.interfaces': 2,
      ipv4_eth0: `10.${site % 256}.${pick(32)}.${1 + pick(250)}`,
      installed_on: `2026-${String(1 + pick(12)).padStart(2, '0')}-${String(1 + pick(28)).padStart(2, '0')}`,
      temperature_limit: 60 + pick(40),
      secure_boot: pick(10) !== 0,
    },
  }
}

/** The id of the one key of a fleet's device: its own, with another last digit. */
export function keyIdOf(device: string): string {
  return device.slice(0, -1) + (device.endsWith('0') ? '1' : '0')
}

/** Numbers below a bound, the same for a place in every run. */
function mixer(place: number): (below: number) => number {
  const bytes = createHash('sha256').update(`device ${place}`).digest()
  let state = bytes.readUInt32LE(0) | 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

/** A vendor's prefix and 24 bits: an odd factor scatters the places over all of them, and no two meet. */
function macAddress(place: number): string {
  const serial = Math.imul(place, 0x5bd1e5) & 0xff_ffff
  return [
    '02',
    '4a',
    '7c',
    ...(Buffer.from([serial >>> 16, serial >>> 8, serial])
      .toString('hex')
      .match(/../g) ?? []),
  ].join(':')
}
