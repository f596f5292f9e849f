import { generateKey, type KeyPair } from '@holdfast/crypto/keys'
import { signMenderManifest } from '@holdfast/formats/mender/signature'
import { writeMenderArtifact } from '@holdfast/formats/mender/write'
import { createWire, menderAuthRequest, type Wire } from '@holdfast/lab/peers/wire'
import type { World } from '@holdfast/lab/world'

/** Products, releases and devices for the browser to look at, made as they are made in life: by the interfaces alone. */
export interface Fleet {
  readonly product: { readonly id: string; readonly signer: KeyPair }
  readonly devices: readonly FleetDevice[]
}

export interface FleetDevice {
  readonly id: string
  readonly name: string
  /** Asks for work; answers the deployment's id on the wire, or nothing. */
  next(): Promise<string | undefined>
  report(work: string, status: string, substate?: string): Promise<void>
  log(work: string, lines: readonly string[]): Promise<void>
  become(version: string): void
}

const api = '/api/devices'

export async function makeProduct(world: World, name: string, key: string): Promise<Fleet['product']> {
  const signer = await generateKey('p256')
  const { id } = await world.client.products.create({ body: { key, name, deviceTypes: [key] } })
  const { publicKeyPem } = await import('@holdfast/crypto/keys')
  await world.client.products.trustKey({
    params: { product: id },
    body: { name: 'Release key 2026', pem: publicKeyPem(signer.publicKey) },
  })
  return { id, signer }
}

/** A signed artifact as bytes; unsigned without a signer. */
export async function artifactOf(version: string, deviceType: string, signer?: KeyPair): Promise<Uint8Array> {
  const artifact = writeMenderArtifact({
    name: version,
    depends: { deviceTypes: [deviceType] },
    payloadType: 'directory',
    payloadProvides: { 'rootfs-image.directory.version': version },
    clears: ['rootfs-image.directory.*'],
    files: [
      { name: 'app.tar', content: new TextEncoder().encode(`app ${version}\n`.repeat(2_000)) },
      { name: 'dest_dir', content: new TextEncoder().encode('/opt/app\n') },
    ],
    ...(signer === undefined
      ? {}
      : { sign: (manifest: Uint8Array) => signMenderManifest(manifest, signer.privateKey) }),
  })
  return Buffer.concat(await Array.fromAsync(artifact))
}

export async function makeRelease(
  world: World,
  product: Fleet['product'],
  deviceType: string,
  version: string,
  options: { readonly notes?: string; readonly released?: boolean } = {},
): Promise<string> {
  const { id: release } = await world.client.releases.create({
    body: { product: product.id, version, notes: options.notes ?? '' },
  })
  await world.client.releases.uploadArtifact({
    params: { release, fileName: `${deviceType}-${version}.mender` },
    body: await artifactOf(version, deviceType, product.signer),
  })
  if (options.released !== false) await world.client.releases.release({ params: { release } })
  return release
}

/** Devices that speak the Mender protocol from this process: accepted, with inventory. */
export async function makeDevices(
  world: World,
  deviceType: string,
  count: number,
  version: string,
): Promise<FleetDevice[]> {
  const wire = createWire(world)
  const devices: FleetDevice[] = []
  for (let number = 1; number <= count; number += 1) {
    devices.push(await makeDevice(world, wire, deviceType, number, version))
  }
  return devices
}

async function makeDevice(
  world: World,
  wire: Wire,
  deviceType: string,
  number: number,
  version: string,
): Promise<FleetDevice> {
  const serial = `${deviceType.slice(0, 2).toUpperCase()}-${String(10_000 + number)}`
  const { token, id } = await enrol(world, wire, serial)
  const headers = { authorization: `Bearer ${token}` }
  let running = version
  await wire(`${api}/v1/inventory/device/attributes`, {
    method: 'PUT',
    headers,
    body: [
      { name: 'device_type', value: deviceType },
      { name: 'artifact_name', value: running },
      { name: 'kernel', value: number % 3 === 0 ? 'Linux 6.6.32' : 'Linux 6.6.40' },
      { name: 'hostname', value: `${deviceType}-${String(number).padStart(3, '0')}` },
      { name: 'mem_total_kB', value: '508212' },
      { name: 'site', value: ['Hamburg', 'Lyon', 'Gdańsk'][number % 3] ?? 'Hamburg' },
    ],
  })
  return {
    id,
    name: serial,
    become(next) {
      running = next
    },
    async next() {
      const answer = await wire(`${api}/v2/deployments/device/deployments/next`, {
        method: 'POST',
        headers,
        body: { device_provides: { device_type: deviceType, artifact_name: running } },
      })
      return answer.status === 200 ? String(answer.json().id) : undefined
    },
    async report(work, status, substate) {
      const body = { status, ...(substate === undefined ? {} : { substate }) }
      await wire(`${api}/v1/deployments/device/deployments/${work}/status`, { method: 'PUT', headers, body })
    },
    async log(work, lines) {
      const messages = lines.map((message, index) => ({
        timestamp: new Date(Date.now() + index).toISOString(),
        level: message.includes('fail') ? 'error' : 'info',
        message,
      }))
      await wire(`${api}/v1/deployments/device/deployments/${work}/log`, { method: 'PUT', headers, body: { messages } })
    },
  }
}

async function enrol(world: World, wire: Wire, serial: string): Promise<{ token: string; id: string }> {
  const request = menderAuthRequest(await generateKey('p256'), { serial }, world.organisation.tenantToken)
  const path = `${api}/v1/authentication/auth_requests`
  await wire(path, request)
  const { items } = await world.client.devices.list({ query: { filter: `identity.serial = "${serial}"` } })
  const id = items[0]?.id
  if (id === undefined) throw new Error(`${serial} did not appear`)
  await world.client.devices.accept({ body: { devices: [id] } })
  await world.client.devices.change({ params: { device: id }, body: { name: serial } })
  const answer = await wire(path, request)
  if (answer.status !== 200) throw new Error(`${serial} got ${answer.status}: ${answer.body.toString()}`)
  return { token: answer.body.toString(), id }
}

/** A device that has asked to be let in and waits. */
export async function makePending(world: World, serial: string): Promise<void> {
  const wire = createWire(world)
  await wire(
    `${api}/v1/authentication/auth_requests`,
    menderAuthRequest(await generateKey('p256'), { serial }, world.organisation.tenantToken),
  )
}
