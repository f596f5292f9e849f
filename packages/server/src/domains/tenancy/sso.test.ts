import assert from 'node:assert/strict'
import { test } from 'node:test'
import { minute } from '@holdfast/kernel'
import { operations } from '@holdfast/protocol'
import { startProvider } from './sso-provider.test-support.ts'
import { type Browser, faultOf, ownUrl, password, secretOfLink, startTenancyWorld } from './testing.ts'

const { session, people } = operations
const params = { provider: 'corp' }

async function startSsoWorld() {
  const provider = await startProvider('corp')
  const world = await startTenancyWorld()
  const acme = await world.found('Acme', 'ada@example.com')
  const use = async (settings: { organisation?: string }) => {
    world.sso.splice(0, 1, { ...provider.settings, ...settings })
    return await world.startNode()
  }
  return {
    world,
    provider,
    acme,
    use,
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]()
      await provider.close()
    },
  }
}

type Provider = Awaited<ReturnType<typeof startProvider>>

async function signIn(browser: Browser, provider: Provider, subject: string) {
  const { redirect } = await browser.call(session.startSso, { params })
  const url = await provider.visit(redirect, subject)
  return await browser.call(session.finishSso, { params, body: { url } })
}

test('somebody new from the organisation’s provider joins it with the role that is configured', async () => {
  await using one = await startSsoWorld()
  const { world, provider, acme } = one
  const node = await one.use({ organisation: acme.organisation.id })
  provider.account('s-1', { email: 'Bob@Corp.example', email_verified: true, name: 'Bob' })
  const browser = world.browser(node)
  assert.deepEqual((await browser.call(session.setupState)).sso, [{ id: 'corp', name: 'Corp' }])
  const me = await signIn(browser, provider, 's-1')
  assert.equal(me.organisation.id, acme.organisation.id)
  assert.deepEqual(me.user.email, 'bob@corp.example')
  await browser.call(people.list)
  const again = await signIn(world.browser(node), provider, 's-1')
  assert.equal(again.user.id, me.user.id)
  await assert.rejects(world.browser(node).signIn('bob@corp.example'), faultOf('session.wrong'))
})

test('an address that the provider did not verify, or did not give, signs nobody in', async () => {
  await using one = await startSsoWorld()
  const { world, provider, acme } = one
  const node = await one.use({ organisation: acme.organisation.id })
  provider.account('s-1', { email: 'ada@example.com', email_verified: false })
  provider.account('s-2', { email: 'ada@example.com' })
  for (const subject of ['s-1', 's-2', 's-none']) {
    await assert.rejects(signIn(world.browser(node), provider, subject), faultOf('session.sso_email_unverified'))
  }
})

test('only the browser that began can finish, once, in time, and with what the provider answered to it', async () => {
  await using one = await startSsoWorld()
  const { world, provider, acme } = one
  const node = await one.use({ organisation: acme.organisation.id })
  provider.account('s-1', { email: 'bob@corp.example', email_verified: true })
  const browser = world.browser(node)
  const begin = async (from = browser) => {
    const { redirect } = await from.call(session.startSso, { params })
    return await provider.visit(redirect, 's-1')
  }
  const finish = (url: string, from = browser) => from.call(session.finishSso, { params, body: { url } })
  const other = world.browser(node)
  await assert.rejects(finish(await begin(), other), faultOf('session.sso_not_begun'))
  await begin(other)
  await assert.rejects(finish(await begin(), other), faultOf('session.sso_not_begun'))
  const late = await begin()
  world.clock.advance(10 * minute)
  await assert.rejects(finish(late), faultOf('session.sso_not_begun'))
  const [first, second] = [new URL(await begin()), new URL(await begin())]
  second.searchParams.set('code', first.searchParams.get('code') ?? '')
  await assert.rejects(finish(second.href), faultOf('session.sso_refused'))
  const forged = new URL(await begin())
  forged.searchParams.set('state', `${forged.searchParams.get('state')}x`)
  await assert.rejects(finish(forged.href), faultOf('session.sso_refused'))
  const good = await begin()
  const { cookie } = browser
  await finish(good)
  browser.cookie = cookie
  await assert.rejects(finish(good), faultOf('session.sso_not_begun'))
})

test('an account that exists is taken over by its own session only', async () => {
  await using one = await startSsoWorld()
  const { world, provider, acme } = one
  const node = await one.use({})
  provider.account('s-ada', { email: 'ada@example.com', email_verified: true })
  provider.account('s-new', { email: 'new@example.com', email_verified: true })
  await assert.rejects(signIn(world.browser(node), provider, 's-ada'), faultOf('session.sso_not_linked'))
  await assert.rejects(signIn(world.browser(node), provider, 's-new'), faultOf('session.sso_no_account'))
  const own = world.browser(node)
  own.cookie = acme.browser.cookie
  const redirect = await own.call(session.startSso, { params })
  assert.equal(own.cookie, acme.browser.cookie)
  const url = await provider.visit(redirect.redirect, 's-ada')
  assert.equal((await own.call(session.finishSso, { params, body: { url } })).user.id, acme.owner)
  assert.equal((await signIn(world.browser(node), provider, 's-ada')).user.id, acme.owner)
  await assert.rejects(signIn(own, provider, 's-new'), faultOf('session.sso_other_address'))
})

test('a member of the provider’s organisation alone is recognised, a member of another too is not', async () => {
  await using one = await startSsoWorld()
  const { world, provider, acme } = one
  const globex = await world.found('Globex', 'hank@example.com')
  const invited = { email: 'hank@example.com', grants: [{ role: 'auditor' }] }
  const { link } = await acme.browser.call(people.invite, { body: invited })
  await globex.browser.call(session.acceptInvitation, { body: { secret: secretOfLink(link), password } })
  const node = await one.use({ organisation: acme.organisation.id })
  provider.account('s-ada', { email: 'ada@example.com', email_verified: true })
  provider.account('s-hank', { email: 'hank@example.com', email_verified: true })
  assert.equal((await signIn(world.browser(node), provider, 's-ada')).user.id, acme.owner)
  await assert.rejects(signIn(world.browser(node), provider, 's-hank'), faultOf('session.sso_not_linked'))
})

test('a provider that is away or unknown gives a clear refusal', async () => {
  await using one = await startSsoWorld()
  const { world, provider } = one
  const lost = await one.use({ organisation: '018f0000-0000-7000-8000-00000000ffff' })
  provider.account('s-1', { email: 'bob@corp.example', email_verified: true })
  await assert.rejects(signIn(world.browser(lost), provider, 's-1'), faultOf('session.sso_misconfigured'))
  const node = await one.use({})
  const nowhere = world.browser(node).call(session.startSso, { params: { provider: 'other' } })
  await assert.rejects(nowhere, faultOf('session.no_such_provider'))
  provider.setAway(true)
  await assert.rejects(world.browser(node).call(session.startSso, { params }), faultOf('session.sso_unreachable'))
  provider.setAway(false)
  const { redirect } = await world.browser(node).call(session.startSso, { params })
  const asked = new URL(redirect).searchParams
  assert.equal(asked.get('redirect_uri'), `${ownUrl}/sso/corp`)
  assert.equal(asked.get('code_challenge_method'), 'S256')
})
