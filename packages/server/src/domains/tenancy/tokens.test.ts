import assert from 'node:assert/strict'
import { test } from 'node:test'
import { day, minute, second } from '@holdfast/kernel'
import { operations } from '@holdfast/protocol'
import { faultOf, password, startTenancyWorld, type TenancyWorld } from './testing.ts'

const { session, people } = operations

async function program(world: TenancyWorld, token: string, node = world.node) {
  const browser = world.browser(node)
  browser.token = token
  return browser
}

test('a token does what it was given, and never more than its owner may at that moment', async () => {
  await using world = await startTenancyWorld()
  const { browser: owner } = await world.found('Acme', 'ada@example.com')
  const bob = await world.join(owner, 'bob@example.com', { role: 'operator' }, { role: 'auditor' })
  const beyond = { name: 'ci', permissions: ['people.manage' as const] }
  await assert.rejects(bob.browser.call(people.createToken, { body: beyond }), faultOf('people.beyond_own'))
  const body = { name: 'ci', permissions: ['people.read', 'devices.accept'] as ('people.read' | 'devices.accept')[] }
  const { token } = await bob.browser.call(people.createToken, { body })
  assert.match(token, /^hf_[\w-]{43}$/)
  const ci = await program(world, token)
  await ci.call(people.list)
  const grants = [{ role: 'operator' }]
  await owner.call(people.changeGrants, { params: { person: bob.id }, body: { grants } })
  await assert.rejects(ci.call(people.list), faultOf('access.denied'))
  const { permissions, via } = await ci.call(session.me)
  assert.deepEqual({ permissions, via }, { permissions: [{ permission: 'devices.accept' }], via: 'token' })
})

test('a token neither changes the account of its owner nor makes another token', async () => {
  await using world = await startTenancyWorld()
  const { browser } = await world.found('Acme', 'ada@example.com')
  const body = { name: 'all', permissions: ['people.manage' as const] }
  const { token } = await browser.call(people.createToken, { body })
  const ci = await program(world, token)
  const attempts = [
    () => ci.call(people.createToken, { body }),
    () => ci.call(session.changePassword, { body: { current: password, next: 'another long password' } }),
    () => ci.call(session.startTotp),
    () => ci.call(session.startPasskey),
    () => ci.call(session.signOut),
  ]
  for (const attempt of attempts) await assert.rejects(attempt(), faultOf('session.not_for_tokens'))
})

test('a token ends when its time is over, and when it is revoked', async () => {
  await using world = await startTenancyWorld()
  const { browser } = await world.found('Acme', 'ada@example.com')
  const make = async (days: number) =>
    browser.call(people.createToken, { body: { name: 'ci', permissions: ['people.read'], days } })
  const short = await make(1)
  const long = await make(2)
  const [shortly, longer] = [await program(world, short.token), await program(world, long.token)]
  await shortly.call(people.list)
  world.clock.advance(day)
  await assert.rejects(shortly.call(people.list), faultOf('session.bad_token'))
  await longer.call(people.list)
  await world.tenancy.settled()
  await longer.call(people.revokeToken, { params: { token: long.id } })
  await assert.rejects(longer.call(people.list), faultOf('session.bad_token'))
})

test('when a token was last used is known to the minute', async () => {
  await using world = await startTenancyWorld()
  const { browser } = await world.found('Acme', 'ada@example.com')
  const { token } = await browser.call(people.createToken, { body: { name: 'ci', permissions: ['people.read'] } })
  const ci = await program(world, token)
  for (let use = 0; use < 10; use += 1) {
    await ci.call(people.list)
    await world.tenancy.settled()
    world.clock.advance(20 * second)
  }
  const { items } = await browser.call(people.tokens)
  const usedAt = Date.parse(items[0]?.usedAt ?? '')
  assert.ok(world.clock.now() - usedAt <= minute + 20 * second)
})

test('what was revoked on one node is refused on every other within a second, even when no event arrives', async () => {
  await using world = await startTenancyWorld()
  const far = await world.startNode()
  const { browser } = await world.found('Acme', 'ada@example.com')
  const bob = await world.join(browser, 'bob@example.com', { role: 'auditor' })
  const { token, id } = await browser.call(people.createToken, { body: { name: 'ci', permissions: ['people.read'] } })
  const ci = await program(world, token, far)
  const person = world.browser(far)
  person.cookie = bob.browser.cookie
  await ci.call(people.list)
  await person.call(people.list)
  await browser.call(people.revokeToken, { params: { token: id } })
  await browser.call(people.remove, { params: { person: bob.id } })
  // The harness sees what it looks for: until the second is over, the far node still believes them.
  await ci.call(people.list)
  await person.call(people.list)
  world.clock.advance(second)
  await assert.rejects(ci.call(people.list), faultOf('session.bad_token'))
  await assert.rejects(person.call(people.list), faultOf('session.ended'))
})

test('an event drops what other nodes remember at once', async () => {
  await using world = await startTenancyWorld()
  const far = await world.startNode()
  const { browser } = await world.found('Acme', 'ada@example.com')
  const { token, id } = await browser.call(people.createToken, { body: { name: 'ci', permissions: ['people.read'] } })
  const ci = await program(world, token, far)
  await ci.call(people.list)
  await browser.call(people.revokeToken, { params: { token: id } })
  await far.bus.deliver()
  await assert.rejects(ci.call(people.list), faultOf('session.bad_token'))
})

test('what outlives a request learns that its caller has gone', async () => {
  await using world = await startTenancyWorld()
  const acme = await world.found('Acme', 'ada@example.com')
  const globex = await world.found('Globex', 'hank@example.com')
  const body = { email: 'hank@example.com', reason: 'r' }
  await acme.browser.call(people.grantSupport, { body })
  const { authenticate, renew } = world.tenancy
  const about = { authorization: undefined, sameOrigin: true, method: 'GET', origin: '192.0.2.7' }
  const caller = await authenticate({ ...about, cookie: globex.browser.cookie })
  assert.ok(caller !== undefined)
  assert.equal((await renew(caller))?.user, globex.owner)
  await globex.browser.call(session.switchOrganisation, { body: { organisation: acme.organisation.id } })
  assert.equal(await renew(caller), undefined)
  await globex.browser.call(session.signOut)
  assert.equal(await renew(caller), undefined)
})
