import { Fault } from '@holdfast/kernel'
import type { Offer } from '../../domains/deployments/index.ts'
import type { DeviceAnswer, DeviceParams, DeviceRequest } from '../../platform/http/device-edge.ts'
import { answerDownload, downloadable } from '../downloads.ts'
import { type ControllerNeeds, halAnswer, linksFor } from './controller.ts'
import { artifactDocument, fileNameOf } from './document.ts'

const sumSuffix = '.MD5SUM'

/** `GET softwaremodules/{id}/artifacts`; a module is what one deployment brings. */
export async function listArtifacts(needs: ControllerNeeds, request: DeviceRequest, params: DeviceParams) {
  const offer = await requireOffer(needs, request, params)
  return halAnswer(request, [artifactDocument(linksFor(needs, request, params), offer)])
}

/** `GET|HEAD softwaremodules/{id}/artifacts/{file}` and its `.MD5SUM`. */
export async function sendArtifact(
  needs: ControllerNeeds,
  request: DeviceRequest,
  params: DeviceParams,
): Promise<DeviceAnswer> {
  const { artifact } = await requireOffer(needs, request, params)
  const name = fileNameOf(artifact)
  if (params.file === name) {
    return answerDownload(request, downloadable(artifact, artifact.sha1 ?? artifact.sha256, needs.openArtifact))
  }
  if (params.file !== name + sumSuffix || artifact.md5 === null) throw noArtifact()
  return {
    status: 200,
    headers: {
      'content-type': 'text/plain; charset=us-ascii',
      'content-disposition': `attachment; filename="${name.replaceAll(/[^\w.+-]/g, '_')}${sumSuffix}"`,
    },
    body: `${artifact.md5}  ${name}`,
  }
}

/** The artifact of a deployment that the device has a claim to now. */
async function requireOffer(needs: ControllerNeeds, request: DeviceRequest, params: DeviceParams): Promise<Offer> {
  const device = await needs.authenticate(request, params)
  if (device.standing !== 'accepted' || !/^\d{1,15}$/.test(params.module ?? '')) throw noArtifact()
  const assignment = await needs.deployments.findAssignment(device, Number(params.module))
  const artifact = assignment?.artifact
  if (assignment === undefined || artifact === undefined) throw noArtifact()
  if (!(await needs.deployments.mayDownload(device, artifact.id))) throw noArtifact()
  return { deployment: assignment, artifact }
}

function noArtifact(): Fault {
  return new Fault('missing', 'gateway.no_artifact', 'there is no such artifact for this device')
}
