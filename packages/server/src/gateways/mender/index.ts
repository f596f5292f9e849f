import { Fault } from '@holdfast/kernel'
import type { DevicePrincipal } from '../../domains/devices/index.ts'
import type { DeviceParams, DeviceRequest, DeviceRoute } from '../../platform/http/device-edge.ts'
import { answerDownload, downloadable } from '../downloads.ts'
import { type DownloadGrant, downloadPath } from '../links.ts'
import type { GatewayNeeds } from '../needs.ts'
import { authenticate } from './authentication.ts'
import { type NextNeeds, nextByQuery, nextV1, nextV2, updateControlMap } from './next.ts'
import {
  type ReportNeeds,
  reportConfiguration,
  reportInventory,
  reportLog,
  reportStatus,
  sendConfiguration,
} from './reports.ts'

export interface MenderNeeds extends GatewayNeeds, NextNeeds, ReportNeeds {}

const v1 = '/api/devices/v1'
const v2 = '/api/devices/v2'
const deployment = 'deployments/device/deployments'

/** The Mender device API, versions 1 and 2, for mender-client 3.x and later. */
export function menderRoutes(needs: MenderNeeds): DeviceRoute[] {
  const download = (request: DeviceRequest, { id }: DeviceParams) => sendArtifact(needs, request, requireParam(id))
  return [
    { method: 'POST', path: `${v1}/authentication/auth_requests`, handle: (request) => authenticate(needs, request) },
    { method: 'POST', path: `${v2}/${deployment}/next`, handle: (request) => nextV2(needs, request) },
    { method: 'POST', path: `${v1}/${deployment}/next`, handle: (request) => nextV1(needs, request) },
    { method: 'GET', path: `${v1}/${deployment}/next`, handle: (request) => nextByQuery(needs, request) },
    {
      method: 'GET',
      path: `${v2}/${deployment}/:id/update_control_map`,
      handle: (request, { id }) => updateControlMap(needs, request, requireParam(id)),
    },
    {
      method: 'PUT',
      path: `${v1}/${deployment}/:id/status`,
      handle: (request, { id }) => reportStatus(needs, request, requireParam(id)),
    },
    {
      method: 'PUT',
      path: `${v1}/${deployment}/:id/log`,
      handle: (request, { id }) => reportLog(needs, request, requireParam(id)),
    },
    {
      method: 'PUT',
      path: `${v1}/inventory/device/attributes`,
      handle: (request) => reportInventory(needs, request, 'replace'),
    },
    {
      method: 'PATCH',
      path: `${v1}/inventory/device/attributes`,
      handle: (request) => reportInventory(needs, request, 'merge'),
    },
    {
      method: 'GET',
      path: `${v1}/deviceconfig/configuration`,
      handle: (request) => sendConfiguration(needs, request),
    },
    {
      method: 'PUT',
      path: `${v1}/deviceconfig/configuration`,
      handle: (request) => reportConfiguration(needs, request),
    },
    { method: 'GET', path: `${downloadPath}/:id`, handle: download },
    { method: 'HEAD', path: `${downloadPath}/:id`, handle: download },
  ]
}

/** The link is the credential; whether the device may have the artifact now is decided again. */
async function sendArtifact(needs: MenderNeeds, request: DeviceRequest, deployment: string) {
  const grant = needs.links.verify(deployment, request.query)
  const device = await principalOf(needs, grant)
  const assignment = await needs.deployments.findAssignment(device, deployment)
  const artifact = assignment?.artifact
  if (artifact === undefined || !(await needs.deployments.mayDownload(device, artifact.id))) {
    throw new Fault('missing', 'gateway.no_artifact', 'the device has no claim to an artifact of this deployment')
  }
  return answerDownload(request, downloadable(artifact, artifact.sha256, needs.openArtifact))
}

async function principalOf({ devices }: MenderNeeds, { device, expires }: DownloadGrant): Promise<DevicePrincipal> {
  const { id, number, organisation, state } = await devices.view(device)
  if (state !== 'accepted') throw new Fault('forbidden', 'gateway.not_accepted', 'the device is no longer accepted')
  return { device: id, number, organisation, key: '', standing: 'accepted', expires }
}

function requireParam(value: string | undefined): string {
  if (value === undefined || value === '') throw new Fault('missing', 'gateway.no_route', 'the address is not complete')
  return value
}
