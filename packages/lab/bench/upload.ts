import { execFileSync } from 'node:child_process'
import { createCipheriv } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateKey, publicKeyPem } from '@holdfast/crypto/keys'
import { writeMenderArtifact } from '@holdfast/formats/mender/write'
import { type Bench, clientOf, metered } from './bench.ts'
import { atLeast, atMost, median } from './figure.ts'
import { deviceType } from './fleet-member.ts'

const gibibyte = 1024 ** 3
const mebibyte = 1024 ** 2
const rounds = 3

/** An artifact of 2 GiB through the REST interface: hashed, checked file by file, stored durably. */
export const upload: Bench = async (room, report) => {
  const { data, product } = await room.fleet(5_000)
  const holdfast = await room.server(data)
  const client = clientOf(holdfast)
  await client.products.trustKey({
    params: { product },
    body: { name: 'upload', pem: publicKeyPem((await generateKey('p256')).publicKey) },
  })
  const file = join(await room.directory(), 'large.mender')
  await writeFile(file, largeArtifact(2 * gibibyte))
  const { size } = await stat(file)

  const samples: { ours: number; theirs: number }[] = []
  const rises: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    const { id: release } = await client.releases.create({ body: { product, version: `7.0.${round}` } })
    const before = (await holdfast.server.usage()).memory
    let most = before
    const watching = setInterval(async () => {
      most = Math.max(most, (await holdfast.server.usage()).memory)
    }, 100)
    const begun = performance.now()
    const { cpu, ended } = await metered(holdfast.server, async () => {
      const body = createReadStream(file, { highWaterMark: 256 * 1024 })
      await client.releases.uploadArtifact({ params: { release, fileName: 'large.mender' }, body })
      return { ended: performance.now() }
    })
    clearInterval(watching)
    rises.push(most - before)
    const summed = sha256sum(file)
    samples.push({ ours: size / cpu, theirs: size / summed.cpu })
    report(atLeast('upload by the clock', size / (ended - begun) / 1e3, size / summed.seconds / 1e6, 0.6, 'MB/s'))
    await client.releases.remove({ params: { release } })
  }
  await rm(file)
  const [ours, theirs] = [median(samples.map((s) => s.ours)), median(samples.map((s) => s.theirs))]
  report(atLeast('upload', ours / 1e6, theirs / 1e6, 0.6, 'MB/s of the server’s CPU'))
  report(atMost('upload memory rise', Math.max(...rises) / mebibyte, 64, 'MiB'))
}

/** Bytes that nothing can compress, in the one file of an artifact without compression. */
function largeArtifact(size: number): AsyncIterable<Uint8Array> {
  return writeMenderArtifact({
    name: 'large',
    depends: { deviceTypes: [deviceType] },
    payloadType: 'rootfs-image',
    compression: 'none',
    files: [{ name: 'rootfs.ext4', content: { open: () => noise(size) } }],
  })
}

async function* noise(size: number): AsyncGenerator<Uint8Array> {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, 7), Buffer.alloc(16))
  const zeros = Buffer.alloc(mebibyte)
  for (let rest = size; rest > 0; rest -= mebibyte) yield cipher.update(zeros.subarray(0, Math.min(rest, mebibyte)))
}

/** How long `sha256sum` takes for a file, and how much CPU. */
function sha256sum(file: string): { seconds: number; cpu: number } {
  const timed = execFileSync('bash', ['-c', 'TIMEFORMAT="%R %U %S"; { time sha256sum "$0" > /dev/null; } 2>&1', file], {
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
  })
  const [seconds = 0, user = 0, system = 0] = timed.trim().split(' ').map(Number)
  return { seconds, cpu: user + system }
}
