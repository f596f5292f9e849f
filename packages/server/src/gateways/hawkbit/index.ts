import type { Clock } from '@holdfast/kernel'
import type { DeviceAnswer, DeviceParams, DeviceRequest, DeviceRoute } from '../../platform/http/device-edge.ts'
import type { GatewayNeeds } from '../needs.ts'
import {
  showCancel,
  showDeployment,
  showInstalled,
  takeCancelFeedback,
  takeFeedback,
  takeInstalled,
} from './actions.ts'
import { listArtifacts, sendArtifact } from './artifacts.ts'
import { takeAttributes } from './attributes.ts'
import { createAuthenticate } from './authentication.ts'
import {
  activateAutoConfirmation,
  endAutoConfirmation,
  showConfirmation,
  showConfirmations,
  takeConfirmation,
} from './confirmation.ts'
import { type ControllerNeeds, poll } from './controller.ts'
import { createTrustedProxies } from './proxy-headers.ts'

export interface HawkbitNeeds extends GatewayNeeds {
  /** How often devices should ask. */
  readonly pollSeconds: number
  /** Addresses or networks whose headers about client certificates are believed. */
  readonly trustedProxies: readonly string[]
  readonly clock: Clock
}

type Resource = (needs: ControllerNeeds, request: DeviceRequest, params: DeviceParams) => Promise<DeviceAnswer>

const base = '/:tenant/controller/v1/:controller'

const resources: readonly (readonly [DeviceRoute['method'], string, Resource])[] = [
  ['GET', '', poll],
  ['GET', '/deploymentBase/:id', showDeployment],
  ['POST', '/deploymentBase/:id/feedback', takeFeedback],
  ['GET', '/cancelAction/:id', showCancel],
  ['POST', '/cancelAction/:id/feedback', takeCancelFeedback],
  ['PUT', '/configData', takeAttributes],
  ['PUT', '/installedBase', takeInstalled],
  ['GET', '/installedBase/:id', showInstalled],
  ['GET', '/confirmationBase', showConfirmations],
  ['POST', '/confirmationBase/activateAutoConfirm', activateAutoConfirmation],
  ['POST', '/confirmationBase/deactivateAutoConfirm', endAutoConfirmation],
  ['GET', '/confirmationBase/:id', showConfirmation],
  ['POST', '/confirmationBase/:id/feedback', takeConfirmation],
  ['GET', '/softwaremodules/:module/artifacts', listArtifacts],
  ['GET', '/softwaremodules/:module/artifacts/:file', sendArtifact],
  ['HEAD', '/softwaremodules/:module/artifacts/:file', sendArtifact],
]

/** hawkBit's Direct Device Integration API, version 1, for SWUpdate, rauc-hawkbit-updater and their like. */
export function hawkbitRoutes({ trustedProxies, ...needs }: HawkbitNeeds): DeviceRoute[] {
  const controllerNeeds: ControllerNeeds = {
    ...needs,
    authenticate: createAuthenticate(needs, createTrustedProxies(trustedProxies)),
  }
  return resources.map(([method, path, answer]) => ({
    method,
    path: base + path,
    handle: (request, params) => answer(controllerNeeds, request, params),
  }))
}
