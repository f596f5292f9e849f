import assert from 'node:assert/strict'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { generateKey, parsePublicKey } from '@holdfast/crypto/keys'
import { runVirtualDevice, slotPayload } from '@holdfast/lab/virtual-device'
import { startWorld, type World } from '@holdfast/lab/world'
import { permissions } from '@holdfast/protocol'
import { type CommandLine, openCommandLine } from './command-line.ts'

let world: World
let cli: CommandLine
const stopDevices = new AbortController()
const running: Promise<void>[] = []
const at = (name: string) => join(cli.directory, name)

before(async () => {
  world = await startWorld()
  cli = await openCommandLine()
})
after(async () => {
  stopDevices.abort()
  await Promise.all(running)
  await cli[Symbol.asyncDispose]()
  await world[Symbol.asyncDispose]()
})

async function must(...args: string[]): Promise<string> {
  const { code, out, err } = await cli.run(args)
  assert.equal(code, 0, `holdfast ${args.join(' ')}: ${err}`)
  return out
}

async function signedInJson<T>(...args: string[]): Promise<T> {
  const who = ['--email', world.owner.email, '--password-stdin', '--json']
  const { code, out, err } = await cli.run([...args, ...who], { input: `${world.owner.password}\n` })
  assert.equal(code, 0, err)
  return JSON.parse(out) as T
}

async function startDevice(serial: string): Promise<void> {
  const device = {
    name: serial,
    url: world.deviceUrl,
    authority: world.authority,
    tenantToken: world.organisation.tenantToken,
    identity: { serial },
    key: (await generateKey('p256')).privateKey,
    deviceType: 'sensor-v1',
    root: at(`device-${serial}`),
    verifyKey: parsePublicKey(await readFile(at('release.pem.pub'), 'utf8')),
    firmware: 'sensor-1.0',
    pollMilliseconds: 200,
    inventory: {},
  }
  running.push(runVirtualDevice(device, () => {}, stopDevices.signal))
}

async function waitForDevices(filter: string, count: number): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    const { items } = await cli.json<{ items: unknown[] }>(['device', 'list', '--filter', filter])
    if (items.length === count) return
  }
  assert.fail(`no ${count} devices with ${filter}`)
}

test('Signing in shows and pins the authority, and keeps a token in a file that only its owner can read', async () => {
  const args = ['login', world.apiUrl, '--email', world.owner.email, '--password-stdin']
  const input = `${world.owner.password}\n`
  const unknown = await cli.run(args, { input })
  assert.equal(unknown.code, 2, 'nobody is there to compare the fingerprint')
  const wrong = await cli.run([...args, '--fingerprint', '00'.repeat(32)], { input })
  assert.equal(wrong.code, 3)
  const seen = /fingerprint ([0-9A-F:]{95})/.exec(wrong.err)?.[1] ?? ''
  const pinned = await cli.run([...args, '--fingerprint', seen], { input })
  assert.equal(pinned.code, 0, pinned.err)
  assert.match(pinned.out, /Pinned authority: SHA-256 [0-9A-F:]{95}/)
  const file = at('config/holdfast/contexts.json')
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  const stored = JSON.parse(await readFile(file, 'utf8'))
  assert.equal(stored.contexts.default.ca, world.authority)
  assert.doesNotMatch(JSON.stringify(stored), new RegExp(world.owner.password))
  const me = await cli.json<{ user: { email: string }; permissions: unknown[] }>(['whoami'])
  assert.equal(me.user.email, world.owner.email)
  assert.equal(me.permissions.length, permissions.length)
})

test('A wrong password and a wrong authority are refused', async () => {
  const args = ['login', world.apiUrl, '--email', world.owner.email, '--password-stdin', '--context', 'other']
  const wrong = await cli.run([...args, '--ca', world.caFile], { input: 'not the password\n' })
  assert.equal(wrong.code, 4)
  await must('key', 'create', '--out', 'foreign.pem', '--certificate', 'foreign.crt')
  const foreign = await cli.run([...args, '--ca', 'foreign.crt'], { input: `${world.owner.password}\n` })
  assert.equal(foreign.code, 3)
  assert.match(foreign.err, /not trusted/)
})

test('The environment wins over what is stored', async () => {
  const env = { HOLDFAST_URL: world.apiUrl, HOLDFAST_CA: world.caFile, HOLDFAST_TOKEN: 'hf_'.padEnd(46, 'x') }
  assert.equal((await cli.run(['overview'], { env })).code, 4)
  assert.equal((await cli.run(['overview'], { env: { ...env, HOLDFAST_TOKEN: world.token } })).code, 0)
})

test('A product is made, found by key, name and the start of its id, and what is near is suggested', async () => {
  await must('key', 'create', '--out', 'release.pem')
  await must(
    'product',
    'create',
    'sensor',
    '--name',
    'Sensor',
    '--device-type',
    'sensor-v1',
    '--trust',
    'release.pem.pub',
  )
  const product = await cli.json<{ id: string; keys: { name: string }[] }>(['product', 'show', 'sensor'])
  assert.deepEqual(
    product.keys.map((key) => key.name),
    ['release.pem.pub'],
  )
  assert.match(await must('product', 'show', product.id.slice(0, 10)), /Sensor/)
  assert.match(await must('product', 'list'), /KEY +NAME[\s\S]*sensor +Sensor/)
  const missing = await cli.run(['product', 'show', 'senor'])
  assert.equal(missing.code, 5)
  assert.match(missing.err, /did you mean sensor\?/)
  const again = await cli.run(['product', 'create', 'sensor', '--device-type', 'x'])
  assert.equal(again.code, 6)
})

test('Devices that call are accepted by command', async () => {
  await startDevice('SN-1')
  await startDevice('SN-2')
  await waitForDevices('state = pending', 2)
  assert.match(await must('device', 'list'), /holdfast device accept/)
  await must('device', 'accept', 'SN-1')
  await must('device', 'accept', '--all-pending', '--product', 'sensor')
  await waitForDevices('state = accepted', 2)
  await must('device', 'tag', 'SN-2', 'beta')
  const tagged = await cli.json<{ items: { identity: { serial: string } }[] }>([
    'device',
    'list',
    '--filter',
    'tag = beta',
  ])
  assert.deepEqual(
    tagged.items.map((item) => item.identity.serial),
    ['SN-2'],
  )
  await must('group', 'create', 'everybody', '--filter', 'state = accepted')
})

test('A release is uploaded, signed with a key that stays here, released and deployed in phases while it is watched', async () => {
  await writeFile(at('app.bin'), Buffer.alloc(8_000, 'new'))
  await must(
    'artifact',
    'write',
    'app.bin',
    '--out',
    'app.mender',
    '--name',
    'sensor-1.1',
    '--device-type',
    'sensor-v1',
    '--type',
    slotPayload,
  )
  await must('release', 'create', 'sensor@1.1', '--notes', 'better')
  assert.match(await must('release', 'upload', 'sensor@1.1', 'app.mender'), /holdfast release sign/)
  assert.equal((await cli.run(['release', 'release', 'sensor@1.1'])).code, 3, 'an unsigned release is refused')
  await must('key', 'create', '--out', 'stranger.pem')
  const foreign = await cli.run(['release', 'sign', 'sensor@1.1', '--key', 'stranger.pem'])
  assert.equal(foreign.code, 3)
  assert.match(foreign.err, /holdfast product trust-key/)
  assert.match(await must('release', 'sign', 'sensor@1.1', '--key', 'release.pem'), /1 trusted of 1 needed/)
  await must('release', 'release', 'sensor@1.1')

  const preview = await cli.json<{ devices: number; phases: unknown[] }>([
    'deploy',
    'create',
    'sensor@1.1',
    '--group',
    'everybody',
    '--phase',
    '50%',
    '--phase',
    'rest',
    '--preview',
  ])
  assert.deepEqual([preview.devices, preview.phases.length], [2, 2])
  const watched = await must(
    'deploy',
    'create',
    'sensor@1.1',
    '--group',
    'everybody',
    '--phase',
    '50%',
    '--phase',
    'rest',
    '--halt-at',
    '50',
    '--watch',
  )
  assert.match(watched.trimEnd().split('\n').at(-1) ?? '', /finished.*2 of 2 done.*success 2/)
  const devices = await cli.json<{ items: { status: string }[] }>(['deploy', 'devices', 'latest'])
  assert.deepEqual(
    devices.items.map((item) => item.status),
    ['success', 'success'],
  )
  assert.match(await must('deploy', 'timeline', 'latest', 'SN-1'), /installing/)
  assert.match(await must('device', 'next', 'SN-1'), /nothing/)
})

test('A configuration is made, signed here and deployed in one command', async () => {
  const refused = await cli.run(['configuration', 'set', 'interval=30', '--product', 'sensor', '--group', 'everybody'])
  assert.equal(refused.code, 2)
  await must(
    'configuration',
    'set',
    'interval=30',
    'mode=eco',
    '--product',
    'sensor',
    '--device',
    'SN-1',
    '--key',
    'release.pem',
  )
  const { items } = await cli.json<{ items: { kind: string; devices: number }[] }>(['deploy', 'list'])
  assert.deepEqual([items[0]?.kind, items[0]?.devices], ['configuration', 1])
})

test('A file that is no artifact is refused with the reason, and nothing is kept', async () => {
  await writeFile(at('junk.mender'), 'this is no artifact'.repeat(500))
  await must('release', 'create', 'sensor@1.2')
  const { code, err } = await cli.run(['release', 'upload', 'sensor@1.2', 'junk.mender'])
  assert.equal(code, 3)
  assert.match(err, /error: \S+/)
  const release = await cli.json<{ artifacts: unknown[] }>(['release', 'show', 'sensor@1.2'])
  assert.equal(release.artifacts.length, 0)
  await must('release', 'remove', 'sensor@1.2')
})

test('People are invited, roles are made, tokens are shown once and revoked', async () => {
  assert.match(await must('invite', 'create', 'ann@example.com', 'operator'), /https:\/\/\S+#/)
  assert.match(await must('invite', 'list'), /ann@example\.com/)
  await must('invite', 'revoke', 'ann@example.com')
  await must('role', 'set', 'watcher', '--permission', 'devices.read')
  assert.match(await must('role', 'list'), /watcher +own +devices\.read/)
  const mistyped = await cli.run(['token', 'create', 'ci', '--permission', 'device.read'])
  assert.equal(mistyped.code, 2)
  assert.match(mistyped.err, /did you mean devices\.read\?/)
  const { token } = await signedInJson<{ token: string }>('token', 'create', 'ci', '--permission', 'devices.read')
  const env = { HOLDFAST_URL: world.apiUrl, HOLDFAST_CA: world.caFile, HOLDFAST_TOKEN: token }
  assert.equal((await cli.run(['device', 'list'], { env })).code, 0)
  const forbidden = await cli.run(['release', 'list'], { env })
  assert.equal(forbidden.code, 4)
  assert.match(forbidden.err, /releases\.read[\s\S]*holdfast whoami/)
  await must('token', 'revoke', 'ci')
  assert.equal((await cli.run(['device', 'list'], { env })).code, 4)
  assert.match(await must('people', 'list'), /Olive Owner/)
})

test('The audit log is exported and verified offline, and a change to it is found', async () => {
  const before = await cli.run(['audit', 'checkpoint'])
  await writeFile(at('checkpoint'), before.out)
  await must('group', 'create', 'later')
  const { verifierKey } = await cli.json<{ verifierKey: string }>(['audit', 'checkpoint'])
  await must('audit', 'export', 'evidence.jsonl')
  const offline = { HOLDFAST_URL: 'https://127.0.0.1:9' }
  const good = await cli.run(['evidence', 'verify', 'evidence.jsonl', '--key', verifierKey, '--since', 'checkpoint'], {
    env: offline,
  })
  assert.equal(good.code, 0, good.err)
  assert.match(good.out, /none changed, removed, reordered or added/)
  const lines = (await readFile(at('evidence.jsonl'), 'utf8')).split('\n')
  await writeFile(
    at('changed.jsonl'),
    lines
      .with(
        5,
        (lines[5] ?? '').replace('people.', 'persons.').replace('device.', 'devise.').replace('product.', 'produkt.'),
      )
      .join('\n'),
  )
  const changed = await cli.run(['evidence', 'verify', 'changed.jsonl', '--json'])
  assert.equal(changed.code, 3)
  assert.match(JSON.parse(changed.err).error, /record 4 was changed/)
  await writeFile(at('removed.jsonl'), lines.toSpliced(6, 1).join('\n'))
  assert.match((await cli.run(['evidence', 'verify', 'removed.jsonl'])).err, /record 5 is missing/)
  assert.match(await must('audit', 'list', '--type', 'device.accepted'), /device\.accepted/)
})

test('Signing out revokes the token at the server', async () => {
  const { contexts } = JSON.parse(await readFile(at('config/holdfast/contexts.json'), 'utf8'))
  await must('logout')
  const env = { HOLDFAST_URL: world.apiUrl, HOLDFAST_CA: world.caFile, HOLDFAST_TOKEN: contexts.default.token }
  assert.equal((await cli.run(['overview'], { env })).code, 4)
  assert.equal((await cli.run(['overview'])).code, 4)
})
