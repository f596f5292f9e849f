import { randomInt } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Program, startProgram, tail } from './program.ts'
import { sandboxed } from './sandbox.ts'
import { waitFor } from './wait.ts'

export interface SwupdateOptions {
  readonly serverUrl: string
  readonly caFile: string
  /** A directory of its own; the program sees it as /mnt, so images write to `/mnt/root/…`. */
  readonly dir: string
  readonly tenant: string
  /** The controller id. */
  readonly id: string
  readonly auth:
    | { readonly target: string }
    | { readonly gateway: string }
    | { readonly cert: string; readonly key: string }
  /** PEM of the authority that signers of images are certified by. */
  readonly signerCa: string
  /** For encrypted images: AES-256 key and vector, hexadecimal. */
  readonly aes?: { readonly key: string; readonly iv: string }
  readonly pollSeconds?: number
  readonly identify?: Readonly<Record<string, string>>
  /** Limits its downloads. */
  readonly bytesPerSecond?: number
}

export interface Swupdate extends AsyncDisposable {
  readonly program: Program
  /** Content of `/mnt/root/<name>`, undefined when there is none. */
  installed(name: string): Promise<Buffer | undefined>
  waitUntilInstalled(name: string, content: Uint8Array, seconds: number): Promise<void>
  /**
   * Stops it and starts it again, as after a reboot; it then tells the server how the update went. A real device
   * takes the verdict from its boot loader.
   */
  restart(verdict?: 'success' | 'failure'): Promise<void>
}

/**
 * Its processes find each other through abstract sockets, which the whole machine shares: their names hold process ids,
 * so each instance begins at another id, and there are some ten names for daemons, so one that finds none waits.
 */
const launch = `
mount --bind "$1" /mnt
export TMPDIR=/mnt/tmp
echo "$2" 2>&- > /proc/sys/kernel/ns_last_pid || for _ in $(seq $(($2 % 400))); do (:); done
shift 2
for _ in $(seq 30); do
  status=0
  swupdate -v -f /mnt/swupdate.cfg -H board:1.0 -u "$*" || status=$?
  sleep 1
done
exit $status
`

let lastId = randomInt(1_000, 20_000)

function nextFirstId(): number {
  lastId = lastId > 30_000 ? 1_000 : lastId + 50
  return lastId
}

export async function startSwupdate(options: SwupdateOptions): Promise<Swupdate> {
  const { dir } = options
  for (const folder of ['tmp', 'root']) await mkdir(join(dir, folder), { recursive: true })
  await writeFile(join(dir, 'server-ca.crt'), await readFile(options.caFile))
  await writeFile(join(dir, 'signer-ca.crt'), options.signerCa)
  if (options.aes !== undefined) await writeFile(join(dir, 'aes.key'), `${options.aes.key} ${options.aes.iv}\n`)
  if ('cert' in options.auth) {
    await writeFile(join(dir, 'tls.crt'), options.auth.cert)
    await writeFile(join(dir, 'tls.key'), options.auth.key)
  }
  await writeFile(join(dir, 'swupdate.cfg'), configuration(options))
  const limit = options.bytesPerSecond === undefined ? [] : ['-n', String(options.bytesPerSecond)]
  const start = (...args: string[]) => startProgram(sandboxed(launch, [dir, String(nextFirstId()), ...limit, ...args]))
  let program = start()
  const installed = async (name: string) => {
    try {
      return await readFile(join(dir, 'root', name))
    } catch {
      return undefined
    }
  }
  return {
    get program() {
      return program
    },
    installed,
    async waitUntilInstalled(name, content, seconds) {
      await waitFor(`${name} to be installed`, async () => (await installed(name))?.equals(content) ?? false, {
        seconds,
        context: () => tail(program.output()),
      })
    },
    async restart(verdict) {
      await program.stop()
      program = verdict === undefined ? start() : start('-c', verdict === 'success' ? '2' : '3')
    },
    async [Symbol.asyncDispose]() {
      await program.stop()
    },
  }
}

function configuration(options: SwupdateOptions): string {
  const { auth } = options
  const authentication =
    'target' in auth
      ? `targettoken = ${quoted(auth.target)};`
      : 'gateway' in auth
        ? `gatewaytoken = ${quoted(auth.gateway)};`
        : 'sslcert = "/mnt/tls.crt"; sslkey = "/mnt/tls.key";'
  const identify = Object.entries(options.identify ?? {})
    .map(([name, value]) => `{ name = ${quoted(name)}; value = ${quoted(value)}; }`)
    .join(', ')
  return `globals : {
  verbose = true; loglevel = 5; public-key-file = "/mnt/signer-ca.crt";
  ${options.aes === undefined ? '' : 'aes-key-file = "/mnt/aes.key";'}
};
identify : ( ${identify} );
suricatta : {
  tenant = ${quoted(options.tenant)}; id = ${quoted(options.id)}; url = ${quoted(options.serverUrl)};
  polldelay = ${options.pollSeconds ?? 2}; nocheckcert = false; cafile = "/mnt/server-ca.crt";
  retry = 5; retrywait = 1; ${authentication}
};
`
}

function quoted(text: string): string {
  return JSON.stringify(text)
}
