import type { KeyObject } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readKeyFile, writeKeyFile } from '@holdfast/crypto/key-file'
import { generateKey, privateKeyPem, publicKeyPem, readPrivateKey } from '@holdfast/crypto/keys'
import { softwareVersion } from '@holdfast/formats/mender/configuration'
import { writeMenderArtifact } from '@holdfast/formats/mender/write'
import { Fault } from '@holdfast/kernel'
import { slotPayload } from '@holdfast/lab/virtual-device'
import { payloadFiles } from '../artifact-spec.ts'
import { writeWhole } from '../commands/artifact-write.ts'

export const demoProduct = { key: 'weather-station', name: 'Weather station', deviceType: 'demo-weather-station' }
export const demoVersion = '2.0.0'
export const demoArtifact = `${demoProduct.key}-${demoVersion}`
export const demoFactorySoftware = `${demoProduct.key}-1.0.0`
const fileName = `${demoArtifact}.mender`

export interface DemoKey {
  readonly file: string
  readonly privateKey: KeyObject
  readonly publicPem: string
}

/** The demo's release key: made on the operator's side, in a file that the server never opens. */
export async function openDemoKey(directory: string): Promise<DemoKey> {
  const file = join(directory, 'signing.key')
  const privateKey = await readOrMakeKey(file)
  const publicPem = publicKeyPem(privateKey)
  await writeFile(`${file}.pub`, publicPem)
  return { file, privateKey, publicPem }
}

async function readOrMakeKey(file: string): Promise<KeyObject> {
  try {
    return readPrivateKey(new TextDecoder().decode(await readKeyFile(file)))
  } catch (thrown) {
    if (!(thrown instanceof Fault) || thrown.kind !== 'missing') throw thrown
    const { privateKey } = await generateKey('p256')
    await writeKeyFile(file, privateKeyPem(privateKey))
    return privateKey
  }
}

/** The new software as a directory, and the artifact made from it; unsigned, as it leaves a build. */
export async function makeDemoArtifact(directory: string): Promise<{ file: string; fileName: string }> {
  const software = join(directory, 'software')
  await mkdir(software, { recursive: true })
  const readings = Array.from({ length: 400 }, (_, hour) => `${hour};${(12 + 8 * Math.sin(hour / 4)).toFixed(1)}`)
  const files = {
    'station.conf': `name = ${demoProduct.name}\nversion = ${demoVersion}\ninterval = 30 s\n`,
    'forecast.csv': `hour;degrees\n${readings.join('\n')}\n`,
    'CHANGES.txt': 'Version 2.0.0: measures every 30 seconds, and knows tomorrow’s weather.\n',
  }
  for (const [name, content] of Object.entries(files)) await writeFile(join(software, name), content)
  const file = join(directory, fileName)
  await writeWhole(
    file,
    writeMenderArtifact({
      name: demoArtifact,
      depends: { deviceTypes: [demoProduct.deviceType] },
      payloadType: slotPayload,
      ...softwareVersion('rootfs-image', demoProduct.key, demoVersion),
      files: await payloadFiles([software]),
    }),
  )
  return { file, fileName }
}
