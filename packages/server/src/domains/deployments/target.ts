import { Fault, type Instant } from '@holdfast/kernel'
import { allOf, type Bitmap, type DeviceView, type Filter, matchesFilter, parseFilter } from '../devices/index.ts'
import { isContinuous, type Target } from './deployment.ts'

/** What the registry of devices knows of targets. */
export interface Populations {
  /** A filter as people write it, with the names in it resolved. */
  readFilter(organisation: string, text: string): Promise<Filter>
  filterOfGroup(organisation: string, group: string): Promise<Filter>
  /** Every device that matches now, exactly. */
  population(organisation: string, filter: Filter): Promise<Bitmap>
}

/** Devices of a target that may receive a release of `product` at all: accepted ones of that product. */
export async function readTarget(
  populations: Populations,
  organisation: string,
  target: Target,
  product: string,
): Promise<Filter> {
  const filter =
    target.kind === 'devices'
      ? { is: 'in' as const, field: { scope: 'system' as const, name: 'id' }, values: target.devices }
      : target.kind === 'group'
        ? await populations.filterOfGroup(organisation, target.group)
        : await populations.readFilter(organisation, target.filter)
  return allOf([filter, isEqual('state', 'accepted'), isEqual('product', product)])
}

export async function findMembers(
  populations: Populations,
  organisation: string,
  target: Target,
  product: string,
): Promise<Bitmap> {
  return populations.population(organisation, await readTarget(populations, organisation, target, product))
}

/** Whether a device that was not there at the start belongs to a continuous target now. */
export function joins(target: Target, filter: Filter, device: DeviceView, now: Instant): boolean {
  if (!isContinuous(target) || device.state !== 'accepted') return false
  return matchesFilter(filter, device.facts, now)
}

/** Throws `malformed` for a filter that cannot be read, before anything is made from it. */
export function verifyTarget(target: Target): void {
  if (target.kind === 'filter') parseFilter(target.filter)
  if (target.kind === 'devices' && new Set(target.devices).size !== target.devices.length) {
    throw new Fault('malformed', 'deployments.same_device_twice', 'a device is named twice', { at: 'target.devices' })
  }
}

function isEqual(name: string, value: string): Filter {
  return { is: 'equal', field: { scope: 'system', name }, operator: '=', value }
}
