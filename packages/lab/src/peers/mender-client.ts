import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { moduleKinds, moduleScript, payloadType } from './mender-module.ts'
import { type Program, startProgram, tail } from './program.ts'
import { sandboxed } from './sandbox.ts'
import { waitFor } from './wait.ts'

export interface MenderClientOptions {
  readonly serverUrl: string
  readonly caFile: string
  /** A directory of its own; made when missing, kept over restarts. */
  readonly dir: string
  readonly identity: Readonly<Record<string, string | readonly string[]>>
  readonly deviceType: string
  /** PEM (PKCS#8) of the device's key; without it the client makes an RSA key, or takes the one of `tls`. */
  readonly key?: string
  /** PEM of the key that artifacts must be signed with. */
  readonly verifyKey?: string
  /** PEM; files are made of them. */
  readonly tls?: { readonly cert: string; readonly key: string }
  readonly pollSeconds?: number
  readonly artifactName?: string
  readonly inventory?: Readonly<Record<string, string>>
  /** Contents of scripts by name, such as `ArtifactInstall_Enter_00_wait`. */
  readonly stateScripts?: Readonly<Record<string, string>>
  readonly tenantToken?: string
  /** Further settings of mender.conf. */
  readonly settings?: Readonly<Record<string, unknown>>
}

/** The unmodified client of Debian, with private directories in place of its fixed ones. */
export interface MenderClient extends AsyncDisposable {
  readonly program: Program
  /** Content of an installed file, undefined when there is none. */
  installed(name: string): Promise<string | undefined>
  waitUntilInstalled(name: string, content: string, seconds: number): Promise<void>
  /** The states of the update module that ran, in order. */
  states(): Promise<string[]>
  /** Lets the slow module go on. */
  goOn(): Promise<void>
  checkNow(): void
  sendInventoryNow(): void
  /** Kills it and starts it again on the same directories, as a power cut would. */
  restart(): Promise<void>
}

const launch = `
mount -t tmpfs none /var/lib
mkdir /var/lib/mender
mount --bind "$1/etc" /etc/mender
mount --bind "$1/share" /usr/share/mender
mount --bind "$1/var" /var/lib/mender
exec mender --no-syslog --log-level debug daemon
`

export async function startMenderClient(options: MenderClientOptions): Promise<MenderClient> {
  await prepare(options)
  const { dir } = options
  const start = () => startProgram(sandboxed(launch, [dir]))
  let program = start()
  const installed = (name: string) => readOptional(join(dir, 'var', 'installed', name))
  return {
    get program() {
      return program
    },
    installed,
    async waitUntilInstalled(name, content, seconds) {
      await waitFor(`${name} to be installed`, async () => (await installed(name)) === content, {
        seconds,
        context: () => tail(program.output()),
      })
    },
    async states() {
      return ((await readOptional(join(dir, 'var', 'states'))) ?? '').split('\n').filter((line) => line !== '')
    },
    async goOn() {
      await writeFile(join(dir, 'var', 'go-on'), '')
    },
    checkNow: () => program.signal('SIGUSR1'),
    sendInventoryNow: () => program.signal('SIGUSR2'),
    async restart() {
      await program.stop()
      program = start()
    },
    async [Symbol.asyncDispose]() {
      await program.stop()
    },
  }
}

async function prepare(options: MenderClientOptions): Promise<void> {
  const { dir } = options
  for (const folder of ['etc/scripts', 'share/identity', 'share/inventory', 'share/modules/v3', 'var']) {
    await mkdir(join(dir, folder), { recursive: true })
  }
  const files: Record<string, string> = {
    'etc/mender.conf': JSON.stringify(configuration(options), undefined, 2),
    'etc/artifact_info': `artifact_name=${options.artifactName ?? 'rel-0'}\n`,
    'etc/ca.crt': await readFile(options.caFile, 'utf8'),
    'etc/scripts/version': '3',
    'var/device_type': `device_type=${options.deviceType}\n`,
  }
  if (options.verifyKey !== undefined) files['etc/verify.pem'] = options.verifyKey
  if (options.tls !== undefined) {
    files['etc/tls.crt'] = options.tls.cert
    files['etc/tls.key'] = options.tls.key
  }
  if (options.key !== undefined) files['var/device.pem'] = options.key
  for (const [name, content] of Object.entries(files)) await writeFile(join(dir, name), content)

  await writeScript(join(dir, 'share/identity/mender-device-identity'), printing(options.identity))
  await writeScript(join(dir, 'share/inventory/mender-inventory-lab'), printing(options.inventory ?? {}))
  for (const kind of moduleKinds) {
    await writeScript(join(dir, 'share/modules/v3', payloadType(kind)), moduleScript(kind))
  }
  for (const [name, content] of Object.entries(options.stateScripts ?? {})) {
    await writeScript(join(dir, 'etc/scripts', name), content)
  }
}

function configuration(options: MenderClientOptions): Record<string, unknown> {
  const poll = options.pollSeconds ?? 2
  return {
    ServerURL: options.serverUrl,
    ServerCertificate: '/etc/mender/ca.crt',
    TenantToken: options.tenantToken ?? '',
    UpdatePollIntervalSeconds: poll,
    InventoryPollIntervalSeconds: poll * 10,
    RetryPollIntervalSeconds: poll,
    DeviceTypeFile: '/var/lib/mender/device_type',
    DBus: { Enabled: false },
    ...(options.verifyKey === undefined ? {} : { ArtifactVerifyKey: '/etc/mender/verify.pem' }),
    ...(options.tls === undefined
      ? {}
      : { HttpsClient: { Certificate: '/etc/mender/tls.crt', Key: '/etc/mender/tls.key' } }),
    ...(options.key === undefined ? {} : { Security: { AuthPrivateKey: '/var/lib/mender/device.pem' } }),
    ...options.settings,
  }
}

function printing(values: Readonly<Record<string, string | readonly string[]>>): string {
  const lines = Object.entries(values).flatMap(([name, value]) =>
    (typeof value === 'string' ? [value] : value).map((one) => `${name}=${one}`),
  )
  return `#!/bin/sh\ncat <<'END'\n${lines.join('\n')}\nEND\n`
}

async function writeScript(path: string, content: string): Promise<void> {
  await writeFile(path, content)
  await chmod(path, 0o755)
}

async function readOptional(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch {
    return undefined
  }
}
