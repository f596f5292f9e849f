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
export type {
  AuthorisationRequest,
  ControllerProof,
  ControllerRequest,
  Devices,
  InventoryMode,
} from './devices.ts'
