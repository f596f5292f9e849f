import assert from 'node:assert/strict'
import { chmod, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { generateKey, publicKeyPem } from '@holdfast/crypto/keys'
import { startWorld } from '@holdfast/lab/world'
import { openCommandLine } from './command-line.ts'

test('config check names every fault of file and environment at once', async () => {
  await using cli = await openCommandLine()
  await writeFile(join(cli.directory, 'holdfast.yaml'), 'listen: { port: 99999, prot: 1 }\nblob: {}\n')
  const { code, err } = await cli.run(['config', 'check'], { env: { HOLDFAST_NOTHING: '1' } })
  assert.equal(code, 3)
  for (const fault of [/listen\.port/, /prot/, /blob/, /HOLDFAST_NOTHING/]) assert.match(err, fault)
})

test('config print shows what is in force and hides secrets', async () => {
  await using cli = await openCommandLine()
  const sso = 'sso:\n  - { id: x, name: X, issuer: "https://id.example", clientId: c, clientSecret: hush-hush }\n'
  await writeFile(join(cli.directory, 'holdfast.yaml'), sso)
  const env = { HOLDFAST_DATABASE_URL: 'postgresql://user:very-secret@db/x', HOLDFAST_LISTEN_PORT: '9000' }
  for (const form of [[], ['--json']]) {
    const { code, out } = await cli.run(['config', 'print', ...form], { env })
    assert.equal(code, 0)
    assert.match(out, /9000/)
    assert.doesNotMatch(out, /very-secret|hush-hush/)
  }
})

test('A busy port is named together with the flag that changes it', async () => {
  await using cli = await openCommandLine()
  const other = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => other.once('listening', resolve))
  const address = other.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  try {
    for (const flag of ['--port', '--device-port']) {
      const ports = { '--port': '0', '--device-port': '0', '--metrics-port': '0', [flag]: String(port) }
      const { code, err } = await cli.run(['quick-start', '--empty', ...Object.entries(ports).flat()])
      assert.equal(code, 3)
      assert.match(err, new RegExp(`port ${port} is taken.*${flag}`))
    }
  } finally {
    other.close()
  }
})

const skip = (process.env.HOLDFAST_TEST_POSTGRES ?? '') !== '' ? 'these look into the embedded database' : false

test('A backup made while the server runs verifies and restores; a damaged one is refused', { skip }, async () => {
  await using cli = await openCommandLine()
  await using world = await startWorld()
  await world.client.products.create({ body: { key: 'sensor', name: 'Sensor', deviceTypes: ['s'] } })
  const file = join(cli.directory, 'backup.tar')
  const made = await cli.run(['backup', file, '--data', world.config.data])
  assert.equal(made.code, 0, made.err)
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  assert.equal((await cli.run(['backup', file, '--data', world.config.data])).code, 6)

  const verified = await cli.run(['restore', file, '--verify'])
  assert.equal(verified.code, 0, verified.err)
  assert.match(verified.out, /every digest right/)
  const into = join(cli.directory, 'restored')
  assert.equal((await cli.run(['restore', file, '--into', into])).code, 0)
  assert.deepEqual((await readdir(into)).sort(), ['ca.crt', 'holdfast.db', 'secrets'])
  const organisations = await cli.json<{ items: { name: string }[] }>(['organisation', 'list', '--data', into])
  assert.deepEqual(
    organisations.items.map((item) => item.name),
    ['Example'],
  )
  assert.equal((await cli.run(['restore', file, '--into', into])).code, 6)

  const bytes = await readFile(file)
  for (const share of [0.2, 0.5, 0.9]) {
    const damaged = Buffer.from(bytes)
    const at = Math.floor(damaged.length * share)
    damaged.writeUInt8(damaged.readUInt8(at) ^ 0x55, at)
    await writeFile(join(cli.directory, 'damaged.tar'), damaged)
    const { code } = await cli.run(['restore', join(cli.directory, 'damaged.tar'), '--verify'])
    assert.equal(code, 3, `damage at ${at}`)
  }
  await writeFile(join(cli.directory, 'short.tar'), bytes.subarray(0, bytes.length - 5_000))
  assert.equal((await cli.run(['restore', join(cli.directory, 'short.tar'), '--verify'])).code, 3)
})

test('The doctor finds nothing in a sound installation, and what was broken in another', { skip }, async () => {
  await using cli = await openCommandLine()
  await using world = await startWorld()
  const { data } = world.config
  const ports = { HOLDFAST_LISTEN_PORT: '0', HOLDFAST_LISTEN_DEVICE_PORT: '0', HOLDFAST_LISTEN_METRICS_PORT: '0' }
  const sound = await cli.run(['doctor', '--deep', '--data', data], { env: ports })
  assert.equal(sound.code, 0, sound.out)
  assert.doesNotMatch(sound.out, /FAILING/)

  await chmod(join(data, 'secrets', 'log.key'), 0o644)
  await rm(join(data, 'secrets', 'tls-server.crt'))
  const broken = await cli.run(['doctor', '--data', data, '--json'], { env: ports })
  assert.equal(broken.code, 3)
  const { findings } = JSON.parse(broken.out) as { findings: { about: string; verdict: string; mend?: string }[] }
  const failing = findings.filter((finding) => finding.verdict === 'failing')
  assert.deepEqual(failing.map((finding) => finding.about).sort(), ['audit log', 'certificate', 'secrets'])
  assert.ok(failing.every((finding) => (finding.mend ?? '') !== ''))
})

test('A way back in can be made on the server’s own machine only, and the audit log says so', { skip }, async () => {
  await using cli = await openCommandLine()
  await using world = await startWorld()
  const input = 'a new long password\n'
  const recovered = await cli.run(
    ['recover', 'owner', world.owner.email, '--password-stdin', '--data', world.config.data],
    { input },
  )
  assert.equal(recovered.code, 0, recovered.err)
  const signedIn = await world.client.session.signIn({ body: { email: world.owner.email, password: input.trim() } })
  assert.equal(signedIn.done, true)
  const { items } = await world.client.audit.list({ query: { type: 'people.account_recovered' } })
  assert.equal(items.length, 1)
  assert.match(items[0]?.actor.name ?? '', /on the server/)
  const stranger = await cli.run(
    ['recover', 'owner', 'nobody@example.com', '--password-stdin', '--data', world.config.data],
    { input },
  )
  assert.equal(stranger.code, 5)
})

test('migrate --dry-run says that a running installation is up to date', { skip }, async () => {
  await using cli = await openCommandLine()
  await using world = await startWorld()
  const { out, code } = await cli.run(['migrate', '--dry-run', '--data', world.config.data])
  assert.equal(code, 0)
  assert.match(out, /up to date/)
})

test('The production command logs JSON lines, shows the set-up link beside them, and drains on SIGTERM', async () => {
  await using cli = await openCommandLine()
  const child = cli.start(['server', '--port', '0', '--device-port', '0', '--metrics-port', '0', '--data', 'data'])
  let [out, err] = ['', '']
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    err += text
    if (err.includes('/setup#')) child.kill('SIGTERM')
  })
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  assert.equal(code, 0, err)
  const messages = out
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { msg: string }).msg)
  assert.equal(messages[0], 'ready')
  assert.equal(messages.at(-1), 'stopped')
  assert.doesNotMatch(out, /setup#/)
})

test('The index of devices is made anew while the server runs', { skip }, async () => {
  await using cli = await openCommandLine()
  await using world = await startWorld()
  const { db } = world.app.foundation
  await world.client.products.create({ body: { key: 'sensor', name: 'Sensor', deviceTypes: ['s'] } })
  await world.client.devices.preauthorise({ body: { identity: { serial: 'SN-1' }, publicKey: await newPublicKey() } })
  await db.write((tx) => tx.deleteFrom('posting').execute())
  const { code, out, err } = await cli.run(['doctor', '--rebuild-index', '--data', world.config.data])
  assert.equal(code, 0, err)
  assert.match(out, /1 device\b/)
  const { total } = await world.client.devices.list({ query: { filter: 'identity.serial = "SN-1"' } })
  assert.equal(total, 1)
})

async function newPublicKey(): Promise<string> {
  return publicKeyPem((await generateKey('p256')).publicKey)
}
