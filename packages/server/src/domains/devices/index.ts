export type {
  Attributes,
  AttributeValue,
  DevicePrincipal,
  DeviceState,
  DeviceView,
  GatewayName,
  Identity,
  KeyState,
  Provides,
  Scalar,
} from './device.ts'
export { actorOf } from './device.ts'
export type {
  AuthorisationRequest,
  ControllerProof,
  ControllerRequest,
  Devices,
  InventoryMode,
} from './devices.ts'
export type { Operator } from './operate.ts'
export { rebuildIndex } from './rebuild-index.ts'
export { deviceMigrations } from './schema.ts'
export { Bitmap } from './search/bitmap.ts'
export { matchesFilter } from './search/facts.ts'
export { allOf, type Filter } from './search/filter.ts'
export { parseFilter } from './search/parse-filter.ts'
export { createDevices, type DevicesNeeds, type DevicesService } from './service.ts'
