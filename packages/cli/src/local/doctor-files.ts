import { createHash, X509Certificate } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, readFile, stat, statfs } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { day } from '@holdfast/kernel'
import type { Config } from '@holdfast/server/config'
import { bytes, count, span } from '../wording.ts'
import { type Check, type Finding, failing, warning } from './finding.ts'

/** What can be seen in the data directory without opening the database. */
export function fileChecks(config: Config): Check[] {
  const { data } = config
  return [
    {
      about: 'data directory',
      mend: `run as the user who owns it: chown -R USER ${data} && chmod 700 ${data}`,
      async run() {
        const { mode, uid } = await stat(data)
        const own = process.getuid?.() ?? uid
        if (uid !== own && own !== 0) throw failing('doctor.owner', `${data} belongs to user ${uid}, this is ${own}`)
        if ((mode & 0o077) !== 0) throw warning('doctor.mode', `others can look into ${data}`)
        return data
      },
    },
    { about: 'secrets', mend: `chmod 600 ${join(data, 'secrets')}/*`, run: () => checkSecrets(join(data, 'secrets')) },
    {
      about: 'disk',
      mend: 'free some space, or move the data directory to a larger disk',
      async run() {
        const { bavail, bsize, ffree } = await statfs(data)
        const [free, least] = [bavail * bsize, config.limits.minFreeDiskMiB * 1024 * 1024]
        if (free < least) throw failing('doctor.disk', `${bytes(free)} free: nothing is written any more`)
        if (free < 10 * least) throw warning('doctor.disk', `only ${bytes(free)} free`)
        if (ffree > 0 && ffree < 10_000) throw warning('doctor.inodes', `only ${ffree} more files fit`)
        return `${bytes(free)} free`
      },
    },
    {
      about: 'certificate',
      mend:
        config.tls.certificate === undefined
          ? 'restart the server: it renews its certificate'
          : 'put a new certificate in its place and restart the server',
      run: () => checkCertificate(config),
    },
  ]
}

async function checkSecrets(directory: string): Promise<string> {
  const names = await readdir(directory)
  for (const name of ['master.key', 'token.key', 'log.key']) {
    if (!names.includes(name)) throw failing('doctor.secret_missing', `${name} is missing: restore it from a backup`)
  }
  for (const name of names) {
    if (((await stat(join(directory, name))).mode & 0o077) !== 0 && name.endsWith('.key')) {
      throw failing('doctor.secret_open', `${name} can be read by others`)
    }
  }
  return `${count(names.length, 'file')}, readable by their owner only`
}

async function checkCertificate(config: Config): Promise<string> {
  const file = config.tls.certificate ?? join(config.data, 'secrets', 'tls-server.crt')
  const certificate = new X509Certificate(await readFile(file, 'utf8'))
  const left = Date.parse(certificate.validTo) - Date.now()
  if (left < 0) throw failing('doctor.certificate', `it ended ${span(-left)} ago`)
  if (Date.parse(certificate.validFrom) > Date.now())
    throw failing('doctor.certificate', 'it is not valid yet: is the clock right?')
  for (const url of [config.publicUrl, config.publicDeviceUrl]) {
    if (url !== undefined && !isFor(certificate, new URL(url).hostname)) {
      throw failing('doctor.certificate_name', `it is not for ${new URL(url).hostname}: add that to tls.names`)
    }
  }
  if (left < 30 * day) throw warning('doctor.certificate', `it ends in ${span(left)}`)
  return `good for ${span(left)}`
}

function isFor(certificate: X509Certificate, host: string): boolean {
  return (isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)) !== undefined
}

/** Whether the bytes of a blob are still those that its name promises. */
export async function blobFinding(
  root: string,
  artifact: { sha256: string; size: number; file_name: string },
  isDeep: boolean,
): Promise<Finding | undefined> {
  const path = join(root, artifact.sha256.slice(0, 2), artifact.sha256)
  const present = await stat(path).catch(() => undefined)
  const finding = (says: string): Finding => ({
    about: 'blobs',
    verdict: 'failing',
    says: `${artifact.file_name}: ${says}`,
    mend: 'restore the blob from a backup, or withdraw the release and upload a new one',
  })
  if (present === undefined) return finding('its bytes are missing')
  if (present.size !== artifact.size) return finding(`it has ${present.size} bytes, not ${artifact.size}`)
  if (!isDeep) return undefined
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 })) hash.update(chunk as Buffer)
  return hash.digest('hex') === artifact.sha256 ? undefined : finding('its bytes were damaged')
}
