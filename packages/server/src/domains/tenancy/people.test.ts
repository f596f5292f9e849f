import assert from 'node:assert/strict'
import { test } from 'node:test'
import { day, hour } from '@holdfast/kernel'
import { operations } from '@holdfast/protocol'
import { faultOf, password, secretOfLink, startTenancyWorld } from './testing.ts'

const { session, people } = operations
const product = '018f0000-0000-7000-8000-000000000001'

test('an invitation makes an account with exactly the grants that it names, once', async () => {
  await using world = await startTenancyWorld()
  const { browser: owner } = await world.found('Acme', 'ada@example.com')
  const invited = { email: 'bob@example.com', grants: [{ role: 'operator', product }] }
  const { link } = await owner.call(people.invite, { body: invited })
  const secret = secretOfLink(link)
  const browser = world.browser()
  await assert.rejects(
    browser.call(session.acceptInvitation, { body: { secret, password } }),
    faultOf('people.name_needed'),
  )
  const me = await browser.call(session.acceptInvitation, { body: { secret, name: 'Bob', password } })
  assert.ok(me.permissions.every((held) => held.product === product))
  assert.ok(me.permissions.some((held) => held.permission === 'devices.accept'))
  await assert.rejects(
    world.browser().call(session.acceptInvitation, { body: { secret, name: 'Eve', password } }),
    faultOf('people.invitation_spent'),
  )
  const { items } = await owner.call(people.list)
  assert.deepEqual(items.find(({ email }) => email === invited.email)?.grants, invited.grants)
})

test('an existing account joins another organisation with its own password, and works in one at a time', async () => {
  await using world = await startTenancyWorld()
  const acme = await world.found('Acme', 'ada@example.com')
  const globex = await world.found('Globex', 'hank@example.com')
  const { link } = await globex.browser.call(people.invite, {
    body: { email: 'Ada@example.com', grants: [{ role: 'auditor' }] },
  })
  const secret = secretOfLink(link)
  const wrong = { secret, password: 'something else altogether' }
  await assert.rejects(world.browser().call(session.acceptInvitation, { body: wrong }), faultOf('session.wrong'))
  const browser = world.browser()
  const me = await browser.call(session.acceptInvitation, { body: { secret, password } })
  assert.equal(me.user.id, acme.owner)
  assert.equal(me.organisation.id, globex.organisation.id)
  await assert.rejects(
    browser.call(people.invite, { body: { email: 'x@example.com', grants: [{ role: 'auditor' }] } }),
    faultOf('access.denied'),
  )
  const back = await browser.call(session.switchOrganisation, { body: { organisation: acme.organisation.id } })
  assert.ok(back.permissions.some(({ permission }) => permission === 'people.manage'))
  const nowhere = { organisation: '018f0000-0000-7000-8000-00000000ffff' }
  await assert.rejects(
    browser.call(session.switchOrganisation, { body: nowhere }),
    faultOf('people.no_such_organisation'),
  )
})

test('an invitation is void when it is withdrawn, too old, or when who invited lost the rights', async () => {
  await using world = await startTenancyWorld()
  const { browser: owner } = await world.found('Acme', 'ada@example.com')
  const second = await world.join(owner, 'bob@example.com', { role: 'owner' })
  const invite = async (email: string, days = 7) =>
    second.browser.call(people.invite, { body: { email, grants: [{ role: 'owner' }], days } })
  const accept = (link: string) =>
    world.browser().call(session.acceptInvitation, { body: { secret: secretOfLink(link), name: 'X', password } })
  const withdrawn = await invite('one@example.com')
  await owner.call(people.revokeInvitation, { params: { invitation: withdrawn.id } })
  await assert.rejects(accept(withdrawn.link), faultOf('people.invitation_spent'))
  const old = await invite('two@example.com', 1)
  const kept = await invite('three@example.com', 30)
  world.clock.advance(day)
  await assert.rejects(accept(old.link), faultOf('people.invitation_spent'))
  await owner.signIn('ada@example.com')
  await owner.call(people.changeGrants, { params: { person: second.id }, body: { grants: [{ role: 'auditor' }] } })
  await assert.rejects(accept(kept.link), faultOf('people.invitation_void'))
})

test('nobody gives, takes or removes what they do not have themselves', async () => {
  await using world = await startTenancyWorld()
  const { browser: owner, owner: ownerId } = await world.found('Acme', 'ada@example.com')
  await owner.call(people.putRole, {
    params: { role: 'people_desk' },
    body: { permissions: ['people.read', 'people.manage'] },
  })
  const desk = await world.join(owner, 'desk@example.com', { role: 'people_desk' })
  const bob = await world.join(owner, 'bob@example.com', { role: 'operator' })
  const give = (person: string, ...roles: string[]) =>
    desk.browser.call(people.changeGrants, { params: { person }, body: { grants: roles.map((role) => ({ role })) } })
  await assert.rejects(give(desk.id, 'owner'), faultOf('people.beyond_own'))
  await assert.rejects(give(bob.id), faultOf('people.beyond_own'))
  await assert.rejects(give(ownerId, 'people_desk'), faultOf('people.beyond_own'))
  await assert.rejects(desk.browser.call(people.remove, { params: { person: ownerId } }), faultOf('people.beyond_own'))
  const invited = { email: 'x@example.com', grants: [{ role: 'operator' }] }
  await assert.rejects(desk.browser.call(people.invite, { body: invited }), faultOf('people.beyond_own'))
  const wider = { permissions: ['people.read', 'people.manage', 'devices.read'] as const }
  await assert.rejects(
    desk.browser.call(people.putRole, {
      params: { role: 'people_desk' },
      body: { permissions: [...wider.permissions] },
    }),
    faultOf('people.beyond_own'),
  )
  await give(bob.id, 'operator', 'people_desk')
  assert.ok((await bob.browser.call(session.me)).permissions.some(({ permission }) => permission === 'people.manage'))
})

test('one owner always remains', async () => {
  await using world = await startTenancyWorld()
  const { browser, owner } = await world.found('Acme', 'ada@example.com')
  const second = await world.join(browser, 'bob@example.com', { role: 'owner', product })
  const only = { params: { person: owner } }
  await assert.rejects(browser.call(people.remove, only), faultOf('people.last_owner'))
  await assert.rejects(
    browser.call(people.changeGrants, { ...only, body: { grants: [] } }),
    faultOf('people.last_owner'),
  )
  await browser.call(people.changeGrants, { params: { person: second.id }, body: { grants: [{ role: 'owner' }] } })
  const leave = (who: typeof browser, person: string) => who.call(people.remove, { params: { person } })
  const both = await Promise.allSettled([leave(browser, owner), leave(second.browser, second.id)])
  assert.equal(both.filter(({ status }) => status === 'fulfilled').length, 1)
})

test('whoever is removed has nothing left there, and keeps what they have elsewhere', async () => {
  await using world = await startTenancyWorld()
  const acme = await world.found('Acme', 'ada@example.com')
  const globex = await world.found('Globex', 'hank@example.com')
  const { browser, id } = await world.join(acme.browser, 'bob@example.com', { role: 'operator' })
  const { token } = await browser.call(people.createToken, { body: { name: 'ci', permissions: ['devices.read'] } })
  await acme.browser.call(people.remove, { params: { person: id } })
  await assert.rejects(browser.call(session.me), faultOf('session.ended'))
  const program = world.browser()
  program.token = token
  await assert.rejects(program.call(session.me), faultOf('session.bad_token'))
  await assert.rejects(world.browser().signIn('bob@example.com'), faultOf('session.no_organisation'))
  const { link } = await globex.browser.call(people.invite, {
    body: { email: 'bob@example.com', grants: [{ role: 'auditor' }] },
  })
  const back = await world.browser().call(session.acceptInvitation, { body: { secret: secretOfLink(link), password } })
  assert.equal(back.organisations.length, 1)
})

test('a permission within a product opens nothing that belongs to the whole organisation', async () => {
  await using world = await startTenancyWorld()
  const { browser: owner } = await world.found('Acme', 'ada@example.com')
  const { browser } = await world.join(owner, 'bob@example.com', { role: 'owner', product })
  await browser.call(people.organisation)
  await assert.rejects(browser.call(people.list), faultOf('access.denied'))
  await assert.rejects(browser.call(people.changeOrganisation, { body: { name: 'Mine' } }), faultOf('access.denied'))
  const invited = { email: 'x@example.com', grants: [{ role: 'auditor', product }] }
  await assert.rejects(browser.call(people.invite, { body: invited }), faultOf('access.denied'))
})

test('two organisations never see each other', async () => {
  await using world = await startTenancyWorld()
  const acme = await world.found('Acme', 'ada@example.com')
  const globex = await world.found('Globex', 'hank@example.com')
  const mine = acme.browser
  await globex.browser.call(people.putRole, {
    params: { role: 'secret_role' },
    body: { permissions: ['devices.read'] },
  })
  const invitation = await globex.browser.call(people.invite, {
    body: { email: 'x@example.com', grants: [{ role: 'auditor' }] },
  })
  const token = await globex.browser.call(people.createToken, {
    body: { name: 'theirs', permissions: ['devices.read'] },
  })
  const access = await globex.browser.call(people.grantSupport, { body: { email: 'help@example.com', reason: 'r' } })
  const person = globex.owner
  const attempts: [string, () => Promise<unknown>][] = [
    ['people.no_such_person', () => mine.call(people.remove, { params: { person } })],
    ['people.no_such_person', () => mine.call(people.unlock, { params: { person } })],
    ['people.no_such_person', () => mine.call(people.changeGrants, { params: { person }, body: { grants: [] } })],
    ['people.no_such_invitation', () => mine.call(people.revokeInvitation, { params: { invitation: invitation.id } })],
    ['people.no_such_token', () => mine.call(people.revokeToken, { params: { token: token.id } })],
    ['people.no_such_access', () => mine.call(people.revokeSupport, { params: { access: access.id } })],
    ['people.no_such_role', () => mine.call(people.removeRole, { params: { role: 'secret_role' } })],
    [
      'people.no_such_organisation',
      () => mine.call(session.switchOrganisation, { body: { organisation: globex.organisation.id } }),
    ],
  ]
  for (const [code, attempt] of attempts) await assert.rejects(attempt(), faultOf(code))
  const seen = JSON.stringify([
    await mine.call(people.organisation),
    await mine.call(people.list),
    await mine.call(people.roles),
    await mine.call(people.invitations),
    await mine.call(people.tokens),
    await mine.call(people.supportAccess),
    await mine.call(session.me),
  ])
  for (const theirs of ['hank@example.com', 'Globex', 'secret_role', token.id, access.id, invitation.id, person]) {
    assert.ok(!seen.includes(theirs), `${theirs} is visible`)
  }
  assert.ok(seen.includes('ada@example.com'))
})

test('organisations are found by their tenant token and by their DDI name', async () => {
  await using world = await startTenancyWorld()
  const acme = await world.found('Ácme & Söhne', 'ada@example.com')
  const namesake = await world.found('acme söhne', 'hank@example.com')
  assert.equal(acme.organisation.ddiTenant, 'acme-sohne')
  assert.equal(namesake.organisation.ddiTenant, 'acme-sohne-2')
  const { tenancy } = world
  assert.deepEqual(await tenancy.findOrganisationByDdiTenant('acme-sohne'), acme.organisation)
  assert.deepEqual(await tenancy.findOrganisationByTenantToken(acme.organisation.tenantToken), acme.organisation)
  assert.equal(await tenancy.findOrganisationByTenantToken(''), undefined)
  assert.deepEqual(await tenancy.organisationIds(), [acme.organisation.id, namesake.organisation.id])
})

test('the people are listed page by page, and who is locked out can be let in', async () => {
  await using world = await startTenancyWorld()
  const { browser } = await world.found('Acme', 'ada@example.com')
  const bob = await world.join(browser, 'bob@example.com', { role: 'operator' })
  for (let failure = 0; failure < 5; failure += 1) {
    await assert.rejects(world.browser().signIn('bob@example.com', { password: 'wrong' }), faultOf('session.wrong'))
  }
  const first = await browser.call(people.list, { query: { limit: 1 } })
  assert.ok(first.next !== undefined)
  const second = await browser.call(people.list, { query: { limit: 1, cursor: first.next } })
  assert.equal(second.next, undefined)
  assert.deepEqual([...first.items, ...second.items].map(({ email, locked }) => [email, locked]).sort(), [
    ['ada@example.com', false],
    ['bob@example.com', true],
  ])
  await browser.call(people.unlock, { params: { person: bob.id } })
  assert.ok((await world.browser().signIn('bob@example.com')).done)
})

test('support looks in only where it was let in, reads only, and leaves a record of what it did', async () => {
  await using world = await startTenancyWorld()
  const acme = await world.found('Acme', 'ada@example.com')
  const vendor = await world.found('Vendor', 'help@vendor.example')
  const enter = { body: { organisation: acme.organisation.id } }
  await assert.rejects(vendor.browser.call(session.switchOrganisation, enter), faultOf('people.no_such_organisation'))
  const granted = { email: 'help@vendor.example', reason: 'devices do not update', hours: 2 }
  const { id: access } = await acme.browser.call(people.grantSupport, { body: granted })
  const me = await vendor.browser.call(session.switchOrganisation, enter)
  assert.ok(me.permissions.every(({ permission }) => permission.endsWith('.read')))
  await vendor.browser.call(people.organisation)
  await assert.rejects(vendor.browser.call(people.list), faultOf('access.denied'))
  const token = { name: 'x', permissions: ['devices.read' as const] }
  await assert.rejects(vendor.browser.call(people.createToken, { body: token }), faultOf('people.not_for_support'))
  await world.tenancy.settled()
  const denied = await world.records('people.support_denied')
  assert.equal(denied.length, 1)
  const types = (await world.records()).filter(({ organisation }) => organisation === acme.organisation.id)
  for (const type of [
    'people.support_granted',
    'people.support_entered',
    'people.support_read',
    'people.support_denied',
  ]) {
    assert.ok(
      types.some((one) => one.type === type),
      `${type} was recorded`,
    )
  }
  assert.ok(!JSON.stringify(await acme.browser.call(people.list)).includes('vendor.example'))
  await acme.browser.call(people.revokeSupport, { params: { access } })
  await assert.rejects(vendor.browser.call(people.organisation), faultOf('session.ended'))
})

test('support access ends by itself, and is not for who takes the address later', async () => {
  await using world = await startTenancyWorld()
  const acme = await world.found('Acme', 'ada@example.com')
  const body = { email: 'help@vendor.example', reason: 'r', hours: 2 }
  await acme.browser.call(people.grantSupport, { body })
  world.clock.advance(1)
  const squatter = await world.found('Vendor', 'help@vendor.example')
  const enter = { body: { organisation: acme.organisation.id } }
  await assert.rejects(squatter.browser.call(session.switchOrganisation, enter), faultOf('people.no_such_organisation'))
  await acme.browser.call(people.grantSupport, { body })
  await squatter.browser.call(session.switchOrganisation, enter)
  world.clock.advance(2 * hour)
  await assert.rejects(squatter.browser.call(people.organisation), faultOf('session.ended'))
})
