import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startWorld, type World } from '@holdfast/lab/world'
import { allOperations } from '@holdfast/protocol'

interface LiveEvent {
  readonly type: string
  readonly subject: { readonly kind: string; readonly id: string }
}

/** Reads the live stream until an event of this type has come, or until the server ends it. */
async function follow(world: World, token: string, last: string): Promise<LiveEvent[]> {
  const answer = await world.fetch('/api/v1/events', { headers: { authorization: `Bearer ${token}` } })
  const events: LiveEvent[] = []
  let text = ''
  for await (const part of answer.body) {
    text += Buffer.from(part).toString()
    for (const block of text.split('\n\n').slice(0, -1)) {
      if (block.startsWith('data: ')) events.push(JSON.parse(block.slice(6)) as LiveEvent)
    }
    text = text.slice(text.lastIndexOf('\n\n') + 2)
    if (events.some(({ type }) => type === last)) break
  }
  return events
}

test('the OpenAPI document has every operation with its permission, and only those', async () => {
  await using world = await startWorld()
  const document = JSON.parse(await (await world.fetch('/api/v1/openapi.json')).text()) as {
    openapi: string
    paths: Record<
      string,
      Record<string, { operationId: string; 'x-requires': string; parameters: { name: string; in: string }[] }>
    >
  }
  assert.equal(document.openapi, '3.1.0')
  const described = Object.values(document.paths).flatMap((methods) => Object.values(methods))
  assert.deepEqual(
    described.map(({ operationId }) => operationId).sort(),
    allOperations()
      .map(({ id }) => id)
      .sort(),
  )
  assert.ok(described.every((operation) => operation['x-requires'] !== ''))
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const { parameters } of Object.values(methods)) {
      const named = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name)
      assert.deepEqual(named.sort(), [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort(), path)
    }
  }
})

test('what changes arrives on the live stream of the same organisation', async () => {
  await using world = await startWorld()
  const following = follow(world, world.token, 'product.created')
  await new Promise((resolve) => setTimeout(resolve, 100))
  const { id } = await world.client.products.create({ body: { key: 'cam', name: 'Cam', deviceTypes: ['cam'] } })
  assert.equal((await following).at(-1)?.subject.id, id)
})

test('the live stream ends when the right to it does', async () => {
  await using world = await startWorld()
  const following = follow(world, world.token, 'people.token_revoked')
  const { items } = await world.client.people.tokens()
  const own = items.find(({ name }) => name === 'world')
  await world.client.people.revokeToken({ params: { token: own?.id ?? '' } })
  assert.ok((await following).every(({ type }) => type !== 'people.token_revoked'))
})

test('a query that the operation does not know is refused by its name', async () => {
  await using world = await startWorld()
  const answer = await world.fetch('/api/v1/devices?fliter=x', { headers: { authorization: `Bearer ${world.token}` } })
  assert.equal(answer.status, 400)
  assert.match(await answer.text(), /fliter/)
})

test('addresses of the console get its page with a strict policy, and unknown ones of the interface a JSON refusal', async () => {
  await using world = await startWorld()
  const page = await world.fetch('/devices/whatever')
  assert.equal(page.status, 200)
  assert.match(String(page.headers['content-type']), /text\/html/)
  assert.match(String(page.headers['content-security-policy']), /default-src 'self'/)
  const nothing = await world.fetch('/api/v1/nothing')
  assert.equal(nothing.status, 404)
  assert.equal((JSON.parse(await nothing.text()) as { code: string }).code, 'api.no_route')
})

test('health is told to operators: alive, ready with reasons, metrics with event-loop lag', async () => {
  await using world = await startWorld()
  const ask = (path: string) => fetch(`http://127.0.0.1:${world.app.metricsPort}${path}`)
  assert.equal((await ask('/livez')).status, 200)
  const ready = (await (await ask('/readyz')).json()) as { ready: boolean; checks: Record<string, string> }
  assert.deepEqual(ready.checks, { database: 'ok', disk: 'ok', events: 'ok', certificate: 'ok' })
  const metrics = await (await ask('/metrics')).text()
  for (const name of [
    'nodejs_eventloop_lag_p99_seconds',
    'holdfast_http_requests_total',
    'holdfast_handshakes_waiting',
  ]) {
    assert.ok(metrics.includes(name), name)
  }
})

test('a trusted proxy says who calls, and nobody else does', async () => {
  for (const [trusted, origin] of [
    [['127.0.0.1'], '203.0.113.9'],
    [[], '127.0.0.1'],
  ] as const) {
    await using world = await startWorld({ config: { proxies: { trusted } } })
    const made = await world.fetch('/api/v1/groups', {
      method: 'POST',
      headers: {
        authorization: `Bearer ${world.token}`,
        'content-type': 'application/json',
        'x-forwarded-for': '203.0.113.9',
      },
      body: JSON.stringify({ name: 'field' }),
    })
    assert.equal(made.status, 201, await made.text())
    const { items } = await world.client.audit.list({ query: { type: 'group.created' } })
    assert.equal(items[0]?.origin, origin)
  }
})

test('the log keeps what a thing was before a change and after it, as hashes that follow on each other', async () => {
  await using world = await startWorld()
  const { client } = world
  const { id: product } = await client.products.create({ body: { key: 'cam', name: 'Cam', deviceTypes: ['cam-1'] } })
  await client.products.change({ params: { product }, body: { name: 'Camera' } })
  const { id: group } = await client.devices.createGroup({ body: { name: 'field' } })
  await client.devices.changeGroup({ params: { group }, body: { name: 'Field' } })
  const { id: device } = await client.devices.preauthorise({ body: { identity: { serial: '1' }, product } })
  await client.devices.change({ params: { device }, body: { name: 'first' } })
  for (const subject of [product, group, device]) {
    const [changed, made] = (await client.audit.list({ query: { subject } })).items
    assert.equal(made?.before, undefined)
    assert.match(made?.after ?? '', /^[0-9a-f]{64}$/)
    assert.equal(changed?.before, made?.after, changed?.type)
    assert.notEqual(changed?.after, changed?.before)
  }
})
