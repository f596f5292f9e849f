import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { freePorts } from './free-ports.ts'
import { type Program, startProgram } from './program.ts'
import { waitFor } from './wait.ts'

/** An object store that speaks S3: OpenStack Swift with its own S3 interface, in a directory, on loopback. */
export interface Swift extends AsyncDisposable {
  readonly endpoint: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Ends the endpoint, so that connections are refused. */
  stopEndpoint(): Promise<void>
  startEndpoint(): Promise<void>
  /** The endpoint still takes connections but answers nothing any more. */
  freezeEndpoint(): void
  thawEndpoint(): void
}

const python = '/usr/bin/python3'
const services = ['account', 'container', 'object'] as const

/** Why it cannot run on this machine, as one line for `t.skip`; undefined when it can. */
export function whyNoSwift(): string | undefined {
  if (!existsSync(python) || spawnSync(python, ['-c', 'import swift'], { stdio: 'ignore' }).status !== 0)
    return 'OpenStack Swift (python3-swift) is not installed'
  return undefined
}

/** The ring of each service is one device: what is stored lies once, in `directory`. */
const makeRings = `
import sys
from swift.common.ring import RingBuilder
for name, port in zip(('account', 'container', 'object'), sys.argv[2:]):
    builder = RingBuilder(4, 1, 0)
    builder.add_dev({'id': 0, 'region': 1, 'zone': 1, 'weight': 1.0, 'ip': '127.0.0.1', 'port': int(port), 'device': 'one'})
    builder.rebalance()
    builder.get_ring().save('%s/%s.ring.gz' % (sys.argv[1], name))
`

const runService = `
import sys
from swift.common.utils import set_swift_dir
from swift.common.wsgi import run_wsgi
set_swift_dir(sys.argv[1])
sys.exit(run_wsgi('%s/%s.conf' % (sys.argv[1], sys.argv[2]), '%s-server' % sys.argv[2]))
`

export async function startSwift(): Promise<Swift> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-swift-'))
  const secretAccessKey = randomBytes(16).toString('hex')
  const ports = await freePorts(4)
  const [proxyPort = 0, ...storePorts] = ports
  await configure(directory, proxyPort, storePorts, secretAccessKey)
  const stores = services.map((name) => run(directory, name))
  let proxy = run(directory, 'proxy')
  const close = async () => {
    await Promise.all([proxy, ...stores].map((program) => program.stop()))
    await rm(directory, { recursive: true, force: true })
  }
  try {
    for (const [index, program] of [proxy, ...stores].entries()) await listening(ports[index] ?? 0, program)
  } catch (thrown) {
    await close()
    throw thrown
  }
  return {
    endpoint: `http://127.0.0.1:${proxyPort}`,
    region: 'us-east-1',
    accessKeyId: 'test:tester',
    secretAccessKey,
    stopEndpoint: () => proxy.stop(),
    async startEndpoint() {
      proxy = run(directory, 'proxy')
      await listening(proxyPort, proxy)
    },
    freezeEndpoint: () => proxy.signal('SIGSTOP'),
    thawEndpoint: () => proxy.signal('SIGCONT'),
    [Symbol.asyncDispose]: close,
  }
}

function run(directory: string, service: string): Program {
  return startProgram({
    command: python,
    args: ['-c', runService, directory, service],
    environment: { HOME: directory },
  })
}

async function listening(port: number, program: Program): Promise<void> {
  const probe = () =>
    new Promise<boolean>((resolve, reject) => {
      if (program.exitCode() !== undefined) reject(new Error(`swift ended early:\n${program.output()}`))
      const socket = connect(port, '127.0.0.1', () => resolve(true)).once('error', () => resolve(false))
      socket.once('connect', () => socket.destroy())
    })
  await waitFor(`swift on port ${port}`, probe, { seconds: 30, context: program.output })
}

async function configure(directory: string, proxyPort: number, storePorts: readonly number[], secret: string) {
  const file = (name: string, lines: string) => writeFile(join(directory, name), lines, { mode: 0o600 })
  const common = (port: number) =>
    `[DEFAULT]\nbind_ip = 127.0.0.1\nbind_port = ${port}\nworkers = 0\nuser = ${userInfo().username}\nswift_dir = ${directory}\n` +
    `devices = ${join(directory, 'devices')}\nmount_check = false\nfallocate_reserve = 0\nlog_address = ${join(directory, 'no-log')}\n`
  await mkdir(join(directory, 'devices', 'one'), { recursive: true })
  await file(
    'swift.conf',
    '[swift-hash]\nswift_hash_path_suffix = lab\n[storage-policy:0]\nname = one\ndefault = yes\n',
  )
  for (const [index, name] of services.entries()) {
    await file(
      `${name}.conf`,
      `${common(storePorts[index] ?? 0)}[pipeline:main]\npipeline = ${name}-server\n[app:${name}-server]\nuse = egg:swift#${name}\n`,
    )
  }
  const filters = {
    catch_errors: '',
    gatekeeper: '',
    // Nobody listens there: the authentication insists on a cache but does without an answer.
    memcache: 'memcache_servers = 127.0.0.1:1\n',
    s3api: 's3_acl = false\n',
    tempauth: `user_test_tester = ${secret} .admin\n`,
    bulk: '',
    slo: '',
  }
  const sections = Object.entries(filters).map(([name, lines]) => `[filter:${name}]\nuse = egg:swift#${name}\n${lines}`)
  await file(
    'proxy.conf',
    `${common(proxyPort)}[pipeline:main]\npipeline = ${Object.keys(filters).join(' ')} proxy-server\n${sections.join('')}` +
      '[app:proxy-server]\nuse = egg:swift#proxy\naccount_autocreate = true\nallow_account_management = true\n',
  )
  const made = spawnSync(python, ['-c', makeRings, directory, ...storePorts.map(String)], { encoding: 'utf8' })
  const rings = (await readdir(directory)).filter((name) => name.endsWith('.ring.gz'))
  if (rings.length !== services.length) throw new Error(`swift made no rings: ${made.stderr}`)
}
