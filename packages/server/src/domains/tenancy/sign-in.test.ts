import assert from 'node:assert/strict'
import { createHook } from 'node:async_hooks'
import { test } from 'node:test'
import { day, hour, minute } from '@holdfast/kernel'
import { operations } from '@holdfast/protocol'
import { attemptKeys, claimAttempt } from './attempts-store.ts'
import { faultOf, ownUrl, password, secretOfLink, startTenancyWorld } from './testing.ts'

const { session } = operations

test('there is no account before the one-time link makes the first owner, and the link works once', async () => {
  await using world = await startTenancyWorld()
  const browser = world.browser()
  assert.deepEqual(await browser.call(session.setupState), { waiting: true, sso: [] })
  const first = { organisation: 'Acme', name: 'Ada', email: 'ada@example.com', password }
  await assert.rejects(
    browser.call(session.setup, { body: { ...first, secret: '' } }),
    faultOf('session.setup_link_spent'),
  )
  const link = (await world.tenancy.setupLink(ownUrl)) ?? ''
  assert.match(link, /^https:\/\/holdfast\.example:8443\/setup#[\w-]{43}$/)
  const me = await browser.call(session.setup, { body: { ...first, secret: secretOfLink(link) } })
  assert.equal(me.organisation.name, 'Acme')
  assert.deepEqual(await browser.call(session.me), me)
  const again = { ...first, email: 'eve@example.com', secret: secretOfLink(link) }
  await assert.rejects(world.browser().call(session.setup, { body: again }), faultOf('session.setup_link_spent'))
  assert.equal(await world.tenancy.setupLink(ownUrl), undefined)
  assert.equal((await browser.call(session.setupState)).waiting, false)
})

test('a set-up link ends after a day and when the next one is made', async () => {
  await using world = await startTenancyWorld()
  const first = { organisation: 'Acme', name: 'Ada', email: 'ada@example.com', password }
  const setUp = (link: string | undefined) =>
    world.browser().call(session.setup, { body: { ...first, secret: secretOfLink(link ?? '') } })
  const old = await world.tenancy.setupLink(ownUrl)
  const late = await world.tenancy.setupLink(ownUrl)
  await assert.rejects(setUp(old), faultOf('session.setup_link_spent'))
  world.clock.advance(day)
  await assert.rejects(setUp(late), faultOf('session.setup_link_spent'))
  await setUp(await world.tenancy.setupLink(ownUrl))
})

test('signing in takes the right password, and signing out ends the session', async () => {
  await using world = await startTenancyWorld()
  await world.found('Acme', 'ada@example.com')
  const browser = world.browser()
  await assert.rejects(browser.signIn('ada@example.com', { password: 'not this one' }), faultOf('session.wrong'))
  await assert.rejects(browser.signIn('nobody@example.com'), faultOf('session.wrong'))
  const answer = await browser.signIn('Ada@Example.com')
  assert.ok(answer.done)
  const { cookie } = browser
  await browser.call(session.signOut)
  browser.cookie = cookie
  await assert.rejects(browser.call(session.me), faultOf('session.ended'))
})

test('five failures lock an account, however its address is spelt and whether or not it exists', async () => {
  await using world = await startTenancyWorld()
  await world.found('Acme', 'ada@example.com')
  for (const name of ['ada@example.com', 'nobody@example.com']) {
    const [local = '', domain = ''] = name.split('@')
    const spellings = [name, name.toUpperCase(), `${local}@${domain.toUpperCase()}`, ` ${name}`.trim(), name]
    for (const [index, email] of spellings.entries()) {
      const browser = world.browser(world.node, `192.0.2.${index}`)
      await assert.rejects(browser.signIn(email, { password: 'wrong' }), faultOf('session.wrong'))
    }
    await assert.rejects(world.browser(world.node, '198.51.100.1').signIn(name), faultOf('session.locked'))
  }
  assert.equal((await world.records('people.locked_out')).length, 1)
  world.clock.advance(15 * minute)
  assert.ok((await world.browser().signIn('ada@example.com')).done)
})

test('attempts made at the same moment are all counted', async () => {
  await using world = await startTenancyWorld()
  await world.found('Acme', 'ada@example.com')
  const attempts = Array.from({ length: 12 }, () => world.browser().signIn('ada@example.com', { password: 'wrong' }))
  const outcomes = await Promise.allSettled(attempts)
  const codes = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : 'in'))
  assert.equal(codes.filter((code) => code === 'session.wrong').length, 5)
  assert.equal(codes.filter((code) => code === 'session.locked').length, 7)
})

test('an address that tries many accounts is held up', async () => {
  await using world = await startTenancyWorld()
  const attempts = Array.from({ length: 30 }, (_, index) =>
    world.db.write(async (tx) => {
      await claimAttempt(tx, attemptKeys(`p${index}@example.com`, '2001:db8:1:2:3::4'), world.clock.now())
    }),
  )
  await Promise.all(attempts)
  const neighbour = world.browser(world.node, '2001:db8:1:2:ffff::9')
  await assert.rejects(neighbour.signIn('p99@example.com'), faultOf('session.locked'))
  const stranger = world.browser(world.node, '2001:db8:1:3::9')
  await assert.rejects(stranger.signIn('p99@example.com'), faultOf('session.wrong'))
})

test('a session ends after twelve idle hours, and after thirty days in any case', async () => {
  await using world = await startTenancyWorld()
  const { browser } = await world.found('Acme', 'ada@example.com')
  for (let used = 0; used < 30 * day; used += 11 * hour) {
    await browser.call(session.me)
    await world.node.tenancy.settled()
    world.clock.advance(11 * hour)
  }
  await assert.rejects(browser.call(session.me), faultOf('session.ended'))
  const other = world.browser()
  await other.signIn('ada@example.com')
  world.clock.advance(12 * hour)
  await assert.rejects(other.call(session.me), faultOf('session.ended'))
})

test('a session changes nothing for a page that is not our own', async () => {
  await using world = await startTenancyWorld()
  const { browser } = await world.found('Acme', 'ada@example.com')
  browser.ownPages = false
  await browser.call(session.me)
  await assert.rejects(browser.call(session.signOut), faultOf('session.cross_site'))
  await assert.rejects(
    browser.call(operations.people.createToken, { body: { name: 'x', permissions: ['devices.read'] } }),
    faultOf('session.cross_site'),
  )
})

test('a changed password ends every other session', async () => {
  await using world = await startTenancyWorld()
  const { browser } = await world.found('Acme', 'ada@example.com')
  const other = world.browser()
  await other.signIn('ada@example.com')
  const next = 'another long password'
  await assert.rejects(
    browser.call(session.changePassword, { body: { current: 'not it at all', next } }),
    faultOf('session.wrong'),
  )
  await browser.call(session.changePassword, { body: { current: password, next } })
  await browser.call(session.me)
  await assert.rejects(other.call(session.me), faultOf('session.ended'))
  await assert.rejects(world.browser().signIn('ada@example.com'), faultOf('session.wrong'))
  assert.ok((await world.browser().signIn('ada@example.com', { password: next })).done)
})

test('no secret is in an audit record, and the database holds only hashes of tokens', async () => {
  await using world = await startTenancyWorld()
  const { browser } = await world.found('Acme', 'ada@example.com')
  const { token } = await browser.call(operations.people.createToken, {
    body: { name: 'ci', permissions: ['devices.read'] },
  })
  const { link } = await browser.call(operations.people.invite, {
    body: { email: 'bob@example.com', grants: [{ role: 'operator' }] },
  })
  const { secret } = await browser.call(session.startTotp)
  const secrets = [password, token, browser.cookie ?? '', secretOfLink(link), secret]
  const everything = JSON.stringify(await dump(world.db))
  for (const one of secrets) assert.ok(!everything.includes(one), 'a secret is stored as it is')
  assert.ok(everything.includes('ada@example.com'), 'the dump sees what is there')
})

async function dump(db: Awaited<ReturnType<typeof startTenancyWorld>>['db']): Promise<unknown[]> {
  const tables = ['person', 'person_session', 'api_token', 'invitation', 'audit_record', 'sign_in_attempts'] as const
  return await Promise.all(tables.map((table) => db.read.selectFrom(table).selectAll().execute()))
}

test('an account that does not exist costs as many derivations and transactions as one that does', async () => {
  await using world = await startTenancyWorld()
  await world.found('Acme', 'ada@example.com')
  const { db } = world
  const original = db.write
  let [derivations, transactions] = [0, 0]
  const hook = createHook({
    init: (_, type) => {
      if (type === 'SCRYPTREQUEST') derivations += 1
    },
  }).enable()
  Object.assign(db, {
    write: (work: Parameters<typeof original>[0]) => {
      transactions += 1
      return original(work)
    },
  })
  const count = async (email: string) => {
    ;[derivations, transactions] = [0, 0]
    await assert.rejects(world.browser().signIn(email, { password: 'wrong' }), faultOf('session.wrong'))
    return { derivations, transactions }
  }
  await count('warming-up@example.com')
  const known = await count('ada@example.com')
  assert.deepEqual(await count('nobody@example.com'), known)
  assert.deepEqual(known, { derivations: 1, transactions: 2 })
  hook.disable()
})
