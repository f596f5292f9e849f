import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { startWorld, type World } from '@holdfast/lab/world'
import { type Browser, launch, missingBrowser, open, type Page, requireBuilt, signIn } from './browser.ts'

const skip = missingBrowser()

describe('people in the browser', { skip }, () => {
  let world: World
  let browser: Browser
  const person = { email: 'ada@example.com', password: 'a long enough password' }

  before(async () => {
    await requireBuilt()
    world = await startWorld({ withoutOwner: true })
    browser = await launch(world.apiUrl)
  })
  after(async () => {
    await browser?.close()
    await world?.[Symbol.asyncDispose]()
  })

  const atHome = (page: Page) => page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()

  async function signOut(page: Page): Promise<void> {
    await page.getByRole('button', { name: /^(Ada|Grace) / }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  }

  test('the first owner is made with the one-time link, and with that link only', async () => {
    const link = new URL((await world.app.setupLink()) ?? '')
    await using visit = await open(browser, { url: world.apiUrl })
    const { page } = visit
    await page.goto('/setup')
    await page.getByRole('heading', { name: 'Set-up link needed' }).waitFor()
    await page.goto(`/setup${link.hash.slice(0, -3)}xxx`)
    await page.reload()
    await fillSetup(page)
    await page.getByRole('alert').waitFor()
    await page.goto(link.pathname + link.hash)
    await page.reload()
    await fillSetup(page)
    await atHome(page)
    await page.getByText('Connect the first device').waitFor()
    await page.goto(link.pathname + link.hash)
    await page.reload()
    await page.getByRole('heading', { name: 'Already set up' }).waitFor()
    assert.deepEqual(visit.faults, [])
  })

  async function fillSetup(page: Page): Promise<void> {
    await page.getByLabel('Organisation').fill('Analytical Engines')
    await page.getByLabel('Your name').fill('Ada')
    await page.getByLabel('E-mail').fill(person.email)
    await page.getByLabel('Password').fill(person.password)
    await page.getByRole('button', { name: 'Set up' }).click()
  }

  test('a wrong password is told, a right one leads where somebody wanted to go, and signing out ends it', async () => {
    await using visit = await open(browser, { url: world.apiUrl })
    const { page } = visit
    await page.goto('/people')
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await page.getByLabel('E-mail').fill(person.email)
    await page.getByLabel('Password').fill('not the password at all')
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByRole('alert').waitFor()
    await page.getByLabel('Password').fill(person.password)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByRole('heading', { level: 1, name: 'People' }).waitFor()
    await signOut(page)
    await page.goto('/devices')
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    assert.deepEqual(visit.faults, [])
  })

  test('a passkey is added and signs in without a password', async () => {
    await using visit = await open(browser, { url: world.apiUrl })
    const { page, context } = visit
    const cdp = await context.newCDPSession(page)
    await cdp.send('WebAuthn.enable')
    await cdp.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    })
    await signIn(page, person)
    await page.goto('/settings')
    await page.getByRole('button', { name: 'Add a passkey' }).click()
    await page.getByLabel('Name').fill('Laptop')
    await page.getByRole('button', { name: 'Go on' }).click()
    await page.getByRole('cell', { name: 'Laptop', exact: true }).waitFor()
    await signOut(page)
    await page.getByRole('button', { name: 'Use a passkey' }).click()
    await atHome(page)
    await page.goto('/settings')
    await page.getByRole('button', { name: 'Remove Laptop' }).click()
    await page.getByRole('button', { name: 'Remove', exact: true }).click()
    await page.getByRole('cell', { name: 'Laptop', exact: true }).waitFor({ state: 'detached' })
    assert.deepEqual(visit.faults, [])
  })

  test('one-time codes are set up from their secret, asked for at sign-in, and a recovery code stands in', async () => {
    await using visit = await open(browser, { url: world.apiUrl })
    const { page } = visit
    await signIn(page, person)
    await page.goto('/settings')
    await page.getByRole('button', { name: 'Set up one-time codes' }).click()
    await page.getByRole('img', { name: 'QR code of the secret' }).waitFor()
    const named = await page.getByRole('button', { name: /^Copy secret / }).getAttribute('title')
    const secret = named ?? ''
    await page.getByLabel('The code that it shows').fill(codeOf(secret, 0))
    await page.getByRole('button', { name: 'Switch on' }).click()
    const shown = await page.getByRole('button', { name: /^Copy recovery codes/ }).getAttribute('title')
    const recovery = (shown ?? '').split('\n')[0] ?? ''
    assert.notEqual(recovery, '')
    await signOut(page)
    await page.getByLabel('E-mail').fill(person.email)
    await page.getByLabel('Password').fill(person.password)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByRole('heading', { name: 'Second factor' }).waitFor()
    await page.getByLabel('One-time code').fill('000000')
    await page.getByRole('button', { name: 'Go on' }).click()
    await page.getByRole('alert').waitFor()
    await page.getByLabel('One-time code').fill(recovery)
    await page.getByRole('button', { name: 'Go on' }).click()
    await atHome(page)
    await page.goto('/settings')
    await page.getByRole('button', { name: 'Switch off' }).click()
    await page.getByLabel('Your password').fill(person.password)
    await page.getByRole('dialog').getByRole('button', { name: 'Switch off' }).click()
    await page.getByRole('button', { name: 'Set up one-time codes' }).waitFor()
    assert.deepEqual(visit.faults, [])
  })

  test('somebody who is invited joins with the link and may only what was given', async () => {
    await using owner = await open(browser, { url: world.apiUrl })
    await signIn(owner.page, person)
    await owner.page.goto('/people/invite')
    await owner.page.getByLabel('E-mail').fill('grace@example.com')
    await owner.page.getByLabel('Role', { exact: true }).selectOption('auditor')
    await owner.page.getByRole('button', { name: 'Make the link' }).click()
    const shown = await owner.page.getByRole('button', { name: /^Copy invitation link/ }).getAttribute('title')
    const link = new URL(shown ?? '')
    await using visit = await open(browser, { url: world.apiUrl })
    const { page } = visit
    await page.goto(link.pathname + link.hash)
    await page.getByLabel('Your name').fill('Grace')
    await page.getByLabel('Password').fill('another long password')
    await page.getByRole('button', { name: 'Join' }).click()
    await atHome(page)
    assert.equal(await page.getByRole('link', { name: 'Deploy a release' }).count(), 0)
    await page.goto('/audit')
    await page.getByRole('table', { name: 'Audit records' }).waitFor()
    assert.deepEqual([...owner.faults, ...visit.faults], [])
  })
})

/** RFC 6238 with its usual settings, as an authenticator app does it. */
function codeOf(secret: string, step: number): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  const bits = [...secret.replaceAll(/[\s=]/g, '')]
    .map((one) => alphabet.indexOf(one).toString(2).padStart(5, '0'))
    .join('')
  const key = Buffer.from(bits.match(/.{8}/g)?.map((byte) => Number.parseInt(byte, 2)) ?? [])
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + step))
  const hash = createHmac('sha1', key).update(counter).digest()
  const place = (hash.at(-1) ?? 0) & 15
  return String((hash.readUInt32BE(place) & 0x7fff_ffff) % 1_000_000).padStart(6, '0')
}
