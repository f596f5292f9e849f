import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { test } from 'node:test'
import { connect } from 'node:tls'
import { type ServerProcess, startServerProcess } from '@holdfast/lab/server-process'
import { databaseFor, startWorld } from '@holdfast/lab/world'
import { examples } from '../authorisation/examples.ts'
import { createSend, readDocument } from '../authorisation/probe.ts'
import { makeTenant } from '../authorisation/tenant.ts'
import { createChance, mutate } from './mutate-request.ts'
import { RawConnection } from './raw-connection.ts'

const rounds = Number(process.env.HOLDFAST_TEST_MALFORMED ?? 5_000)
const seed = Number(process.env.HOLDFAST_TEST_SEED ?? Date.now() % 1_000_000)

async function startAlone(t: { after(done: () => Promise<void>): void }): Promise<ServerProcess> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-malformed-'))
  const database = await databaseFor(directory)
  const server = await startServerProcess({ directory, config: { database: database.settings } })
  t.after(async () => {
    await server.kill()
    await database.drop()
    await rm(directory, { recursive: true, force: true })
  })
  return server
}

function requestOf(method: string, path: string, headers: Readonly<Record<string, string>>, body?: string): Buffer {
  const sized = body === undefined ? headers : { ...headers, 'content-length': String(Buffer.byteLength(body)) }
  const lines = Object.entries({ host: 'localhost', ...sized }).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body ?? ''}`)
}

async function seedRequests(server: ServerProcess): Promise<{ api: Buffer[]; edge: Buffer[] }> {
  const token = await server.ownerToken()
  const client = server.clientFor(token)
  const { ddiTenant, tenantToken } = await client.people.organisation()
  const body = { identity: { serial: 'm' }, controllerId: 'm', targetToken: true }
  const { id, targetToken } = await client.devices.preauthorise({ body })
  const json = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const device = { authorization: `TargetToken ${targetToken}`, 'content-type': 'application/json' }
  const api = (method: string, path: string, content?: object) =>
    requestOf(method, `/api/v1${path}`, json, content === undefined ? undefined : JSON.stringify(content))
  const base = `/${ddiTenant}/controller/v1/m`
  const mender = '/api/devices/v1'
  const attributes = JSON.stringify([{ name: 'a', value: ['b', 1] }])
  const asks = JSON.stringify({ id_data: '{"serial":"m"}', pubkey: 'x', tenant_token: tenantToken })
  const feedback = JSON.stringify({ id: '1', status: { execution: 'proceeding', result: { finished: 'none' } } })
  return {
    api: [
      api('GET', '/devices?filter=identity.serial%20%3D%20%22m%22&limit=10&sort=name'),
      api('GET', `/devices/${id}`),
      api('PATCH', `/devices/${id}`, { name: 'n', tags: ['a'], timeZone: 'UTC' }),
      api('POST', '/groups', { name: 'g', filter: 'tags = "a"' }),
      api('POST', '/products', { key: 'k', name: 'k', deviceTypes: ['k'] }),
      api('GET', '/audit?limit=5&type=device.accepted'),
      api('GET', '/audit/log/tile/0/000'),
      api('POST', '/deployments/preview', { release: id, target: { kind: 'devices', devices: [id] } }),
      api('POST', '/session', { email: 'somebody@example.com', password: 'x' }),
      api('POST', '/devices', { identity: { serial: 'n' }, tags: ['x'] }),
      requestOf(
        'POST',
        '/api/v1/devices/import?format=csv',
        { ...json, 'content-type': 'application/octet-stream' },
        'serial\nx\n',
      ),
      requestOf('GET', '/', {}),
    ],
    edge: [
      requestOf('GET', base, device),
      requestOf('PUT', `${base}/configData`, device, JSON.stringify({ mode: 'merge', data: { a: 'b' } })),
      requestOf('POST', `${base}/deploymentBase/${id}/feedback`, device, feedback),
      requestOf('GET', `${base}/softwaremodules/${id}/artifacts/x`, { ...device, range: 'bytes=0-4,7-9' }),
      requestOf('POST', `${mender}/authentication/auth_requests`, { ...device, 'x-men-signature': 'AAAA' }, asks),
      requestOf('PATCH', `${mender}/inventory/device/attributes`, device, attributes),
      requestOf(
        'POST',
        '/api/devices/v2/deployments/device/deployments/next',
        device,
        '{"device_provides":{"device_type":"x"}}',
      ),
      requestOf('GET', `${mender}/deployments/device/deployments/next?artifact_name=a&device_type=b`, device),
    ],
  }
}

/** Requests that were answered 5xx other than 503, as text to send again. */
async function bombard(url: string, authority: string, seeds: readonly Buffer[], count: number, chance: () => number) {
  const findings: string[] = []
  const statuses = new Map<number | string, number>()
  let left = count
  const attack = async () => {
    const connection = new RawConnection(url, authority)
    while (left > 0) {
      left -= 1
      const request = mutate(seeds[Math.floor(chance() * seeds.length)] ?? Buffer.alloc(0), chance)
      const status = await connection.send(request, 250)
      statuses.set(status ?? 'none', (statuses.get(status ?? 'none') ?? 0) + 1)
      if (status !== undefined && status >= 500 && status !== 503) {
        findings.push(`${status}: ${JSON.stringify(request.toString('latin1').slice(0, 1_500))}`)
      }
    }
    connection.close()
  }
  await Promise.all(Array.from({ length: 24 }, attack))
  return { findings, statuses: Object.fromEntries(statuses) }
}

test(`of ${rounds} requests bent out of shape none is answered 5xx, and none ends the server`, async (t) => {
  const server = await startAlone(t)
  const seeds = await seedRequests(server)
  t.diagnostic(`seed ${seed}`)
  const chance = createChance(seed)
  const half = Math.ceil(rounds / 2)
  const { apiUrl, deviceUrl, authority } = server
  for (const [url, ofUrl] of [
    [apiUrl, seeds.api],
    [deviceUrl, seeds.edge],
  ] as const) {
    const { findings, statuses } = await bombard(url, authority, ofUrl, half, chance)
    t.diagnostic(JSON.stringify(statuses))
    assert.equal(server.ended(), undefined, server.output())
    assert.deepEqual(findings.slice(0, 5), [], `${findings.length} findings; ${server.output().slice(-3_000)}`)
  }
  assert.equal((await server.health('/readyz')).status, 200)
})

test('a NUL in a text is the sender’s fault, wherever it is put', async () => {
  await using world = await startWorld()
  const headers = { authorization: `Bearer ${world.token}`, 'content-type': 'application/json' }
  for (const path of [
    '/audit?type=%00',
    '/devices?filter=name%20%3D%20%22%00%22',
    '/devices?search=%00',
    '/releases?version=%00',
  ]) {
    const answer = await world.fetch(`/api/v1${path}`, { headers })
    await answer.text()
    assert.ok(answer.status < 500, `${path}: ${answer.status}`)
  }
  for (const name of ['\0', 'a\0b']) {
    const answer = await world.fetch('/api/v1/groups', { method: 'POST', headers, body: JSON.stringify({ name }) })
    await answer.text()
    assert.ok(answer.status < 500, `a group: ${answer.status}`)
  }
})

test('the bombardment finds a handler that breaks', async (t) => {
  const { createServer } = await import('node:https')
  await using world = await startWorld({ withoutOwner: true })
  const { key, cert } = world.app.foundation.tls
  const breaking = createServer({ key, cert }, (request, response) => {
    response.statusCode = /[^\x20-\x7e]|\.\./.test(decodeURI(request.url?.replaceAll('%', '') ?? '')) ? 500 : 200
    response.setHeader('content-length', 0).end()
  })
  await new Promise<void>((resolve) => breaking.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    breaking.closeAllConnections()
    breaking.close()
  })
  const address = breaking.address()
  const url = `https://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  const seeds = [requestOf('GET', '/some/path/of/several/parts', {})]
  const { findings } = await bombard(url, world.authority, seeds, 400, createChance(7))
  assert.ok(findings.length > 0)
})

test('slow clients hinder nobody: others are served while hundreds dribble their requests', async (t) => {
  const server = await startAlone(t)
  const token = await server.ownerToken()
  const slow = [server.apiUrl, server.deviceUrl].flatMap((url) =>
    Array.from({ length: 150 }, () => {
      const options = {
        port: Number(new URL(url).port),
        host: '127.0.0.1',
        servername: 'localhost',
        ca: server.authority,
      }
      const socket = connect(options, () =>
        socket.write('POST /api/v1/session HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n'),
      )
      return socket.on('error', () => {})
    }),
  )
  let drops = 0
  const dribble = setInterval(() => {
    drops += 1
    const piece = drops === 2 ? 'content-length: 1000\r\n\r\n{' : drops < 2 ? 'x-slow: 1\r\n' : ' '
    for (const socket of slow) if (socket.writable) socket.write(piece)
  }, 200)
  t.after(() => {
    clearInterval(dribble)
    for (const socket of slow) socket.destroy()
  })
  await Promise.all(
    slow.map((socket) => new Promise((resolve) => socket.once('secureConnect', resolve).once('close', resolve))),
  )
  const times: number[] = []
  for (let count = 0; count < 50; count += 1) {
    const begun = performance.now()
    const answer = await server.fetch('/api/v1/devices', { headers: { authorization: `Bearer ${token}` } })
    await answer.text()
    times.push(performance.now() - begun)
    // 429 would mean that this address has used up its share; others have theirs.
    assert.equal(answer.status, 200)
  }
  times.sort((left, right) => left - right)
  t.diagnostic(
    `median ${Math.round(times[25] ?? 0)} ms, slowest ${Math.round(times.at(-1) ?? 0)} ms beside ${slow.length} slow clients`,
  )
})

/** Replaces every text of a document, one after the other. */
function* withEachText(
  value: unknown,
  text: string,
  put: (changed: unknown) => unknown = (changed) => changed,
): Generator<unknown> {
  if (typeof value === 'string') yield put(text)
  else if (typeof value === 'object' && value !== null) {
    for (const [key, member] of Object.entries(value)) {
      yield* withEachText(member, text, (changed) =>
        put(Array.isArray(value) ? value.with(Number(key), changed) : { ...value, [key]: changed }),
      )
    }
  }
}

test('100 KB in any text field, and texts made to exhaust a matcher, are refused or taken without blocking the others', async (t) => {
  await using world = await startWorld({ withoutOwner: true })
  const tenant = await makeTenant(world, 'texts')
  const send = createSend(world)
  const as = { token: tenant.owner.token }
  const texts = [
    'x'.repeat(100_000),
    `${'a'.repeat(50_000)}!`,
    '('.repeat(100_000),
    `${'*a'.repeat(2_000)}b`,
    '\\'.repeat(100_000),
  ]
  const delay = monitorEventLoopDelay({ resolution: 5 })
  let worst = { milliseconds: 0, what: '' }
  const findings: string[] = []
  const operations = await readDocument(world)
  delay.enable()
  for (const operation of operations.filter(({ hasJsonBody, requires }) => hasJsonBody && requires !== 'session')) {
    const example = examples[operation.id]
    if (example === undefined) continue
    const objects = await example.objects(tenant.make, tenant.place)
    const call = await example.call(objects, tenant.place)
    delay.reset()
    for (const text of texts) {
      for (const body of withEachText(call.body, text)) {
        const { status } = await send({ operation, call: { ...call, body }, as })
        if (status >= 500) findings.push(`${operation.id}: ${status}`)
      }
    }
    const milliseconds = delay.max / 1e6
    if (milliseconds > worst.milliseconds) worst = { milliseconds, what: operation.id }
  }
  for (const filter of hostileFilters) {
    delay.reset()
    const answer = await world.fetch(`/api/v1/devices?filter=${encodeURIComponent(filter)}`, {
      headers: { authorization: `Bearer ${as.token}` },
    })
    await answer.text()
    if (answer.status >= 500) findings.push(`filter ${filter.slice(0, 40)}: ${answer.status}`)
    if (delay.max / 1e6 > worst.milliseconds)
      worst = { milliseconds: delay.max / 1e6, what: `filter ${filter.slice(0, 40)}` }
  }
  delay.disable()
  assert.deepEqual(findings, [])
  t.diagnostic(`the event loop was held up for ${Math.round(worst.milliseconds)} ms at most (${worst.what})`)
  assert.ok(worst.milliseconds < 3_000, `${worst.what} held up the event loop for ${worst.milliseconds} ms`)
})

const hostileFilters = [
  `${'('.repeat(1_000)}tags = "a"${')'.repeat(1_000)}`,
  Array.from({ length: 300 }, (_, number) => `tags = "${number}"`).join(' or '),
  `${'not '.repeat(900)}tags = "a"`,
  `name = "${'*a'.repeat(1_000)}"`,
  `name ~ "${'(a+)+'.repeat(100)}$"`,
  `name = "${'a'.repeat(3_900)}`,
  ' '.repeat(4_000),
  '"'.repeat(4_000),
]
