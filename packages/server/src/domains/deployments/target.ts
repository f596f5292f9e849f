import { Fault, type Instant } from '@holdfast/kernel'
import { allOf, type DeviceView, type Filter, matchesFilter, parseFilter } from '../devices/index.ts'
import { isContinuous, type Target } from './deployment.ts'

function isEqual(name: string, value: string): Filter {
  return { is: 'equal', field: { scope: 'system', name }, operator: '=', value }
}

/** Devices of a target that may receive a release of `product` at all: accepted ones of that product. */
export function deriveFilter(target: Target, product: string): Filter {
  const rest = [isEqual('state', 'accepted'), isEqual('product', product)]
  switch (target.kind) {
    case 'devices':
      return allOf([{ is: 'in', field: { scope: 'system', name: 'id' }, values: target.devices }, ...rest])
    case 'group':
      return allOf([isEqual('group', target.group), ...rest])
    case 'filter':
      return allOf([parseFilter(target.filter), ...rest])
  }
}

/** Whether a device that was not there at the start belongs to a continuous target now. */
export function joins(target: Target, filter: Filter, device: DeviceView, now: Instant): boolean {
  if (!isContinuous(target) || device.state !== 'accepted') return false
  // A dynamic group is a filter of its own; which devices are in it, the registry has worked out already.
  if (target.kind === 'group') return device.groups.includes(target.group)
  return matchesFilter(filter, device.facts, now)
}

/** Throws `malformed` for a filter that cannot be read, before anything is made from it. */
export function verifyTarget(target: Target): void {
  if (target.kind === 'filter') parseFilter(target.filter)
  if (target.kind === 'devices' && new Set(target.devices).size !== target.devices.length) {
    throw new Fault('malformed', 'deployments.same_device_twice', 'a device is named twice', { at: 'target.devices' })
  }
}
