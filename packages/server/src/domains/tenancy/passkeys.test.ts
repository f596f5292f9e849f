import assert from 'node:assert/strict'
import { test } from 'node:test'
import { minute } from '@holdfast/kernel'
import { operations } from '@holdfast/protocol'
import { type Authenticator, createAuthenticator } from './software-authenticator.test-support.ts'
import { type Browser, faultOf, ownUrl, startTenancyWorld } from './testing.ts'

const { session } = operations
const email = 'ada@example.com'
const rpId = 'holdfast.example'

async function add(browser: Browser, authenticator: Authenticator) {
  const options = await browser.call(session.startPasskey)
  const response = authenticator.create(String(options.challenge), String((options.user as { id: string }).id))
  return await browser.call(session.addPasskey, { body: { name: 'My key', response } })
}

async function signIn(browser: Browser, authenticator: Authenticator, options: { challenge?: string } = {}) {
  const { challenge } = await browser.call(session.startPasskeySignIn)
  const response = authenticator.get(options.challenge ?? String(challenge))
  return await browser.call(session.passkeySignIn, { body: { response } })
}

test('a passkey signs in without a password, and a password alone no longer does', async () => {
  await using world = await startTenancyWorld()
  const { browser, owner } = await world.found('Acme', email)
  const authenticator = createAuthenticator({ rpId, origin: ownUrl })
  const { id } = await add(browser, authenticator)
  const other = world.browser()
  const me = await signIn(other, authenticator)
  assert.equal(me.user.id, owner)
  assert.deepEqual(me.secondFactor, { totp: false, passkeys: 1 })
  assert.deepEqual(await world.browser().signIn(email), { done: false, needs: ['passkey'] })
  const { items } = await other.call(session.passkeys)
  assert.deepEqual(
    items.map((item) => [item.id, item.name, item.usedAt !== undefined]),
    [[id, 'My key', true]],
  )
  await other.call(session.removePasskey, { params: { passkey: id } })
  await assert.rejects(signIn(world.browser(), authenticator), faultOf('session.passkey_refused'))
  assert.ok((await world.browser().signIn(email)).done)
})

test('a challenge is answered once, in time, and by the browser session that asked to add a passkey', async () => {
  await using world = await startTenancyWorld()
  const { browser } = await world.found('Acme', email)
  const authenticator = createAuthenticator({ rpId, origin: ownUrl })
  await add(browser, authenticator)
  const { challenge } = await world.browser().call(session.startPasskeySignIn)
  await signIn(world.browser(), authenticator, { challenge: String(challenge) })
  const again = () => signIn(world.browser(), authenticator, { challenge: String(challenge) })
  await assert.rejects(again(), faultOf('session.passkey_refused'))
  const never = () => signIn(world.browser(), authenticator, { challenge: 'bm90IG91cnM' })
  await assert.rejects(never(), faultOf('session.passkey_refused'))
  const late = await world.browser().call(session.startPasskeySignIn)
  world.clock.advance(10 * minute)
  const response = authenticator.get(String(late.challenge))
  await assert.rejects(
    world.browser().call(session.passkeySignIn, { body: { response } }),
    faultOf('session.passkey_refused'),
  )
  const options = await browser.call(session.startPasskey)
  const foreign = await world.found('Globex', 'hank@example.com')
  const made = createAuthenticator({ rpId, origin: ownUrl }).create(String(options.challenge), 'x')
  const body = { name: 'x', response: made }
  await assert.rejects(foreign.browser.call(session.addPasskey, { body }), faultOf('session.passkey_refused'))
})

test('a wrong origin, relying party, signature, flag, handle or counter is refused', async () => {
  await using world = await startTenancyWorld()
  const { browser } = await world.found('Acme', email)
  const good = createAuthenticator({ rpId, origin: ownUrl })
  await add(browser, good)
  const flaws = [
    { origin: 'https://evil.example' },
    { origin: 'http://holdfast.example:8443' },
    { rpId: 'evil.example' },
    { breakSignature: true },
    { userVerified: false },
    { userHandle: 'somebody else' },
    { type: 'webauthn.create' },
  ]
  for (const flaw of flaws) {
    await assert.rejects(signIn(world.browser(), good.flawed(flaw)), faultOf('session.passkey_refused'))
  }
  await signIn(world.browser(), good)
  const clone = good.flawed({ counter: 1 })
  await assert.rejects(signIn(world.browser(), clone), faultOf('session.passkey_refused'))
  await signIn(world.browser(), good)
})

test('a passkey is added with user verification only, once, and without certificates', async () => {
  await using world = await startTenancyWorld()
  const { browser } = await world.found('Acme', email)
  const good = createAuthenticator({ rpId, origin: ownUrl })
  const flaws = [
    { userVerified: false },
    { origin: 'https://evil.example' },
    { attestation: 'packed' },
    { type: 'webauthn.get' },
  ]
  for (const flaw of flaws) await assert.rejects(add(browser, good.flawed(flaw)), faultOf('session.passkey_refused'))
  await add(browser, good)
  await assert.rejects(add(browser, good), faultOf('session.passkey_known'))
  const nonsense = { name: 'x', response: { id: 'a', rawId: 'a', type: 'public-key', response: {} } }
  await assert.rejects(browser.call(session.addPasskey, { body: nonsense }), faultOf('protocol.invalid'))
})
