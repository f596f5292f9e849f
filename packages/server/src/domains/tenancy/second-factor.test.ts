import assert from 'node:assert/strict'
import { test } from 'node:test'
import { minute, second } from '@holdfast/kernel'
import { operations } from '@holdfast/protocol'
import { Secret, TOTP } from 'otpauth'
import { systemActor } from '../../platform/actor.ts'
import { findTotpStep, newRecoveryCodes, readRecoveryCode } from './one-time-codes.ts'
import { type Browser, faultOf, password, secretOfLink, startTenancyWorld, type TenancyWorld } from './testing.ts'

const { session, people } = operations
const email = 'ada@example.com'

function codeAt(secret: string, at: number): string {
  return new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: at })
}

async function switchOn(world: TenancyWorld, browser: Browser) {
  const { secret, uri } = await browser.call(session.startTotp)
  assert.match(uri, /^otpauth:\/\/totp\/Holdfast:ada%40example\.com\?.*secret=/)
  const code = codeAt(secret, world.clock.now())
  const { recoveryCodes } = await browser.call(session.confirmTotp, { body: { code } })
  return { secret, code, recoveryCodes }
}

test('with one-time codes on, a password alone does not sign in', async () => {
  await using world = await startTenancyWorld()
  const { browser } = await world.found('Acme', email)
  const before = world.browser()
  await before.signIn(email)
  const { secret } = await switchOn(world, browser)
  await assert.rejects(before.call(session.me), faultOf('session.ended'))
  assert.deepEqual((await browser.call(session.me)).secondFactor, { totp: true, passkeys: 0 })
  const other = world.browser()
  assert.deepEqual(await other.signIn(email), { done: false, needs: ['totp'] })
  assert.equal(other.cookie, undefined)
  world.clock.advance(30 * second)
  assert.ok((await other.signIn(email, { code: codeAt(secret, world.clock.now()) })).done)
})

test('no code is accepted twice, nor one from before the last accepted one', async () => {
  await using world = await startTenancyWorld()
  const { browser } = await world.found('Acme', email)
  const { secret, code } = await switchOn(world, browser)
  await assert.rejects(world.browser().signIn(email, { code }), faultOf('session.wrong'))
  world.clock.advance(minute)
  const now = world.clock.now()
  const [early, late] = [codeAt(secret, now - 30 * second), codeAt(secret, now + 30 * second)]
  assert.ok((await world.browser().signIn(email, { code: late })).done)
  for (const old of [late, early, codeAt(secret, now)]) {
    await assert.rejects(world.browser().signIn(email, { code: old }), faultOf('session.wrong'))
  }
})

test('of two sign-ins with one code at the same moment, one succeeds', async () => {
  await using world = await startTenancyWorld()
  const { browser } = await world.found('Acme', email)
  const { secret } = await switchOn(world, browser)
  world.clock.advance(minute)
  const code = codeAt(secret, world.clock.now())
  const both = await Promise.allSettled([
    world.browser().signIn(email, { code }),
    world.browser().signIn(email, { code }),
  ])
  assert.equal(both.filter(({ status }) => status === 'fulfilled').length, 1)
})

test('wrong codes lock the account, and the right password does not buy more of them', async () => {
  await using world = await startTenancyWorld()
  const { browser } = await world.found('Acme', email)
  const { secret } = await switchOn(world, browser)
  world.clock.advance(minute)
  let guesses = 0
  for (let round = 0; round < 10; round += 1) {
    try {
      await world.browser().signIn(email)
      await world.browser().signIn(email, { code: '000000' })
    } catch (thrown) {
      if (faultCode(thrown) === 'session.wrong') guesses += 1
      else assert.equal(faultCode(thrown), 'session.locked')
    }
  }
  assert.equal(guesses, 5)
  const right = codeAt(secret, world.clock.now())
  await assert.rejects(world.browser().signIn(email, { code: right }), faultOf('session.locked'))
})

test('a recovery code signs in once', async () => {
  await using world = await startTenancyWorld()
  const { browser } = await world.found('Acme', email)
  const { recoveryCodes } = await switchOn(world, browser)
  assert.equal(new Set(recoveryCodes).size, 10)
  const [code = ''] = recoveryCodes
  assert.ok((await world.browser().signIn(email, { code: code.toUpperCase() })).done)
  await assert.rejects(world.browser().signIn(email, { code }), faultOf('session.wrong'))
  const stored = await world.db.read.selectFrom('recovery_code').selectAll().execute()
  assert.equal(stored.length, 9)
  assert.ok(!recoveryCodes.some((one) => JSON.stringify(stored).includes(one)))
})

test('one-time codes go off with the password only', async () => {
  await using world = await startTenancyWorld()
  const { browser } = await world.found('Acme', email)
  await switchOn(world, browser)
  await assert.rejects(browser.call(session.startTotp), faultOf('session.totp_on'))
  await assert.rejects(browser.call(session.removeTotp, { body: { password: 'wrong' } }), faultOf('session.wrong'))
  await browser.call(session.removeTotp, { body: { password } })
  assert.ok((await world.browser().signIn(email)).done)
  assert.equal((await world.db.read.selectFrom('recovery_code').selectAll().execute()).length, 0)
})

test('an organisation that requires a second factor gives nothing to who has none', async () => {
  await using world = await startTenancyWorld()
  const { browser } = await world.found('Acme', email)
  const bob = await world.join(browser, 'bob@example.com', { role: 'auditor' })
  const { token } = await bob.browser.call(people.createToken, { body: { name: 'x', permissions: ['people.read'] } })
  const require = { body: { requireSecondFactor: true } }
  await assert.rejects(browser.call(people.changeOrganisation, require), faultOf('people.second_factor_first'))
  await switchOn(world, browser)
  await browser.call(people.changeOrganisation, require)
  await browser.call(people.list)
  await assert.rejects(bob.browser.call(people.list), faultOf('access.denied'))
  assert.deepEqual((await bob.browser.call(session.me)).permissions, [])
  const program = world.browser()
  program.token = token
  await assert.rejects(program.call(people.list), faultOf('access.denied'))
  const { secret } = await bob.browser.call(session.startTotp)
  await bob.browser.call(session.confirmTotp, { body: { code: codeAt(secret, world.clock.now()) } })
  await bob.browser.call(people.list)
  await program.call(people.list)
})

test('an invitation does not open an account that has a second factor with its password alone', async () => {
  await using world = await startTenancyWorld()
  const acme = await world.found('Acme', email)
  const globex = await world.found('Globex', 'hank@example.com')
  await switchOn(world, acme.browser)
  const { link } = await globex.browser.call(people.invite, { body: { email, grants: [{ role: 'auditor' }] } })
  const body = { secret: secretOfLink(link), password }
  await assert.rejects(world.browser().call(session.acceptInvitation, { body }), faultOf('session.sign_in_first'))
  const me = await acme.browser.call(session.acceptInvitation, { body })
  assert.equal(me.organisations.length, 2)
})

test('who lost everything gets back in through the server’s own command line, and it is recorded', async () => {
  await using world = await startTenancyWorld()
  const { browser } = await world.found('Acme', email)
  await switchOn(world, browser)
  await world.tenancy.recoverAccount(systemActor('command line'), email, 'a wholly new password')
  await assert.rejects(browser.call(session.me), faultOf('session.ended'))
  assert.ok((await world.browser().signIn(email, { password: 'a wholly new password' })).done)
  assert.equal((await world.records('people.account_recovered')).length, 1)
})

test('codes are taken one step early or late, and in no other shape', () => {
  const secret = new Uint8Array(20).fill(7)
  const base32 = new Secret({ buffer: secret.buffer }).base32
  const now = Date.UTC(2026, 0, 5)
  const found = [-2, -1, 0, 1, 2].map((steps) => findTotpStep(secret, codeAt(base32, now + steps * 30_000), 0, now))
  assert.deepEqual(
    found.map((step) => step !== undefined),
    [false, true, true, true, false],
  )
  for (const bad of ['', '12345', '1234567', 'abcdef', '１２３４５６', '-12345']) {
    assert.equal(findTotpStep(secret, bad, 0, now), undefined)
  }
  for (const code of newRecoveryCodes()) assert.equal(readRecoveryCode(` ${code.toUpperCase()} `), code)
})

function faultCode(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : String(thrown)
}
