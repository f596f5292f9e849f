import type { Client } from '@holdfast/client'
import { signDetachedCms } from '@holdfast/crypto/cms'
import { generateKey, type KeyPair, publicKeyPem } from '@holdfast/crypto/keys'
import { signMenderManifest } from '@holdfast/formats/mender/signature'
import { writeMenderArtifact } from '@holdfast/formats/mender/write'
import { type SwuItem, writeSwu } from '@holdfast/formats/swu/write'
import { Fault } from '@holdfast/kernel'
import type { Credential } from './authority.ts'
import { type ModuleKind, payloadType } from './mender-module.ts'
import { type WaitOptions, waitFor } from './wait.ts'

type Policy = NonNullable<Parameters<Client['deployments']['create']>[0]['body']['policy']>
type Device = Awaited<ReturnType<Client['devices']['list']>>['items'][number]
type Standing = Awaited<ReturnType<Client['deployments']['timeline']>>
type DeploymentState = Awaited<ReturnType<Client['deployments']['get']>>['state']

/** A product of its own for one test, with the key that signs its releases. */
export interface ProductUnderTest {
  readonly id: string
  readonly deviceType: string
  readonly signer: KeyPair
  /** What devices verify with. */
  readonly verifyKey: string
}

/** What an operator does in the peers' tests, through the REST interface alone. */
export function operatorOf(client: Client) {
  /** A target holds accepted devices of the release's product only, so it waits until they are. */
  const start = async (product: string, release: string, devices: readonly string[], policy: Policy) => {
    for (const device of devices) {
      await waitFor(
        `the device ${device} to be accepted and of the product`,
        async () => {
          const known = await client.devices.get({ params: { device } })
          return known.state === 'accepted' && known.product?.id === product
        },
        { seconds: 120 },
      )
    }
    await client.releases.release({ params: { release } })
    const { id } = await client.deployments.create({
      body: { name: `to ${devices.length}`, release, target: { kind: 'devices', devices: [...devices] }, policy },
    })
    return id
  }
  const upload = async (product: string, version: string, fileName: string, bytes: AsyncIterable<Uint8Array>) => {
    const { id: release } = await client.releases.create({ body: { product, version } })
    await client.releases.uploadArtifact({ params: { release, fileName }, body: bytes })
    return release
  }
  const standingOf = async (deployment: string, device: string): Promise<Standing | undefined> => {
    try {
      return await client.deployments.timeline({ params: { deployment, device } })
    } catch (thrown) {
      if (thrown instanceof Fault && thrown.kind === 'missing') return undefined
      throw thrown
    }
  }

  return {
    async createProduct(key: string, trusted?: string): Promise<ProductUnderTest> {
      const signer = await generateKey('p256')
      const verifyKey = publicKeyPem(signer.publicKey)
      const { id } = await client.products.create({ body: { key, name: key, deviceTypes: [key] } })
      await client.products.trustKey({ params: { product: id }, body: { name: 'release', pem: trusted ?? verifyKey } })
      return { id, deviceType: key, signer, verifyKey }
    },

    /** Signs, uploads and releases an artifact for the lab's update modules, and deploys it. */
    async deployMender(
      product: ProductUnderTest,
      update: {
        readonly version: string
        readonly files: Readonly<Record<string, Uint8Array | string>>
        readonly module?: ModuleKind
        readonly devices: readonly string[]
        readonly policy?: Policy
      },
    ): Promise<string> {
      const artifact = writeMenderArtifact({
        name: update.version,
        depends: { deviceTypes: [product.deviceType] },
        payloadType: payloadType(update.module ?? 'files'),
        payloadProvides: { 'lab.version': update.version },
        clears: ['lab.*'],
        files: Object.entries(update.files).map(([name, content]) => ({
          name,
          content: typeof content === 'string' ? new TextEncoder().encode(content) : content,
        })),
        sign: (manifest) => signMenderManifest(manifest, product.signer.privateKey),
      })
      const release = await upload(product.id, update.version, `${update.version}.mender`, artifact)
      return start(product.id, release, update.devices, update.policy ?? {})
    },

    /** The same with an image that writes one file below `/mnt/root` of SWUpdate's sandbox. */
    async deploySwu(
      product: Pick<ProductUnderTest, 'id'>,
      update: {
        readonly version: string
        readonly file: string
        readonly content: Uint8Array
        readonly signer: Credential
        readonly encrypt?: NonNullable<SwuItem['encrypt']>
        readonly devices: readonly string[]
        readonly policy?: Policy
      },
    ): Promise<string> {
      const { file, content, signer } = update
      const image = writeSwu({
        version: update.version,
        hardwareCompatibility: ['1.0'],
        items: [
          {
            section: 'files',
            filename: file,
            content,
            settings: { type: 'rawfile', path: `/mnt/root/${file}` },
            ...(update.encrypt === undefined ? {} : { encrypt: update.encrypt }),
          },
        ],
        sign: (description) =>
          signDetachedCms({ content: description, certificate: signer.certificate, key: signer.key }),
      })
      const release = await upload(product.id, update.version, `${update.version}.swu`, image)
      return start(product.id, release, update.devices, update.policy ?? {})
    },

    /** Waits until a device is known by this identity and is in a state. */
    deviceWith(name: string, value: string, wait: WaitOptions, state: Device['state']) {
      return waitFor(
        `a device with ${name} ${value} to be ${state}`,
        async () => {
          const { items } = await client.devices.list({ query: { filter: `identity.${name} = "${value}"` } })
          return items.find((device) => device.state === state)
        },
        wait,
      )
    },

    running(device: string, software: string, wait: WaitOptions) {
      return waitFor(
        `the device to run ${software}`,
        async () => (await client.devices.get({ params: { device } })).software === software,
        wait,
      )
    },

    standingOf,

    /** Waits until a device is at a status in a deployment; in vain, it says what the server would do and why. */
    async status(deployment: string, device: string, wanted: Standing['status'], wait: WaitOptions): Promise<Standing> {
      let last: Standing | undefined
      try {
        return await waitFor(
          `the device to be ${wanted}`,
          async () => {
            last = await standingOf(deployment, device)
            return last?.status === wanted ? last : undefined
          },
          wait,
        )
      } catch (thrown) {
        const { state, reason, devices } = await client.deployments.get({ params: { deployment } })
        const next = await client.deployments.wouldDo({ params: { device } })
        const seen = JSON.stringify({ last, deployment: { state, reason, devices }, next }, undefined, 2)
        throw new Error(`the device did not become ${wanted}: ${seen}`, { cause: thrown })
      }
    },

    /** Waits for the log that a client sends after it has reported a failure. */
    async log(deployment: string, device: string, wait: WaitOptions) {
      await waitFor('the log of the device', async () => (await standingOf(deployment, device))?.hasLog, wait)
      return (await client.deployments.log({ params: { deployment, device } })).messages
    },

    deploymentState(deployment: string, wanted: DeploymentState, wait: WaitOptions) {
      return waitFor(
        `the deployment to be ${wanted}`,
        async () => {
          const found = await client.deployments.get({ params: { deployment } })
          return found.state === wanted ? found : undefined
        },
        wait,
      )
    },
  }
}

export type Operator = ReturnType<typeof operatorOf>
