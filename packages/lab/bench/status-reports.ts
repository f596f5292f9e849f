import type { Client } from '@holdfast/client'
import { generateKey, publicKeyPem } from '@holdfast/crypto/keys'
import { signMenderManifest } from '@holdfast/formats/mender/signature'
import { writeMenderArtifact } from '@holdfast/formats/mender/write'
import { type Bench, clientOf, metered } from './bench.ts'
import { median } from './figure.ts'
import { deviceType } from './fleet-member.ts'

const devices = 100
const rounds = 5
const milliseconds = 3_000
const goal = 2_000

/** Reports of steps through the Mender gateway, each acknowledged after its commit, a hundred devices at once. */
export const statusReports: Bench = async (room, report) => {
  const fleet = await room.fleet(5_000)
  const tokens = await room.tokens(fleet, devices)
  const holdfast = await room.server(fleet.data)
  const load = room.load()
  const client = clientOf(holdfast)
  const release = await createRelease(client, fleet.product, '6.0.0')
  const { devicePort: port, authority } = holdfast
  const samples: { clock: number; cpu: number }[] = []
  for (let round = 0; round <= rounds; round += 1) {
    const { id: deployment } = await client.deployments.create({
      body: { name: `round ${round}`, release, target: { kind: 'filter', filter: 'state = accepted' }, policy: {} },
    })
    const { answers, seconds, cpu } = await metered(holdfast.server, () =>
      load.report({ port, authority, tokens, devices, deployment, milliseconds }),
    )
    await client.deployments.abort({ params: { deployment }, body: { reason: 'the round is over' } })
    if (round > 0) samples.push({ clock: answers / seconds, cpu: answers / cpu })
  }
  const clock = median(samples.map((sample) => sample.clock))
  const cpu = median(samples.map((sample) => sample.cpu))
  report({ name: 'status-reports', value: clock, unit: '/s', goal: `≥ ${goal} /s`, ok: clock >= goal })
  report({
    name: 'status-reports by CPU',
    value: cpu,
    unit: '/s of the server’s CPU',
    goal: `≥ ${goal} /s`,
    ok: cpu >= goal,
  })
}

/** A signed and released artifact of a product. */
export async function createRelease(client: Client, product: string, version: string): Promise<string> {
  const { privateKey, publicKey } = await generateKey('p256')
  const pem = publicKeyPem(publicKey)
  await client.products.trustKey({ params: { product }, body: { name: `bench ${version}`, pem } })
  const artifact = writeMenderArtifact({
    name: `gateway-${version}`,
    depends: { deviceTypes: [deviceType] },
    payloadType: 'rootfs-image',
    files: [{ name: 'rootfs.ext4', content: new Uint8Array(1_000) }],
    sign: (manifest) => signMenderManifest(manifest, privateKey),
  })
  const { id: release } = await client.releases.create({ body: { product, version } })
  await client.releases.uploadArtifact({ params: { release, fileName: `${version}.mender` }, body: artifact })
  await client.releases.release({ params: { release } })
  return release
}
