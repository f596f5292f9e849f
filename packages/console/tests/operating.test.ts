import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { AxeBuilder } from '@axe-core/playwright'
import { startWorld, type World } from '@holdfast/lab/world'
import { type Browser, launch, missingBrowser, open, type Page, requireBuilt, signIn } from './browser.ts'
import { type FleetDevice, makeDevices, makePending, makeProduct, makeRelease } from './fleet.ts'

const skip = missingBrowser()
const picturing = process.env.HOLDFAST_SCREENSHOTS === '1'
const type = 'edge-gateway'

describe('operating a fleet in the browser', { skip }, () => {
  let world: World
  let browser: Browser
  let paths: Readonly<Record<string, string>>

  before(async () => {
    await requireBuilt()
    world = await startWorld()
    browser = await launch(world.apiUrl)
    paths = await furnish(world)
  })
  after(async () => {
    await browser?.close()
    await world?.[Symbol.asyncDispose]()
  })

  test('pictures for the README are taken', {
    skip: picturing ? false : 'HOLDFAST_SCREENSHOTS=1 takes them',
  }, async () => {
    const directory = fileURLToPath(new URL('../../../docs/screenshots', import.meta.url))
    await mkdir(directory, { recursive: true })
    for (const [name, scheme] of [
      ['overview', 'light'],
      ['devices', 'light'],
      ['deployment', 'dark'],
    ] as const) {
      await using visit = await open(browser, { url: world.apiUrl, scheme, width: 1280, height: 760 })
      await signIn(visit.page, world.owner)
      await visit.page.goto(paths[name] ?? '/')
      await settled(visit.page)
      await visit.page.screenshot({ path: `${directory}/${name}.png` })
    }
  })

  for (const scheme of ['light', 'dark'] as const) {
    test(`no page has an accessibility fault that axe knows, in ${scheme}`, async () => {
      await using visit = await open(browser, { url: world.apiUrl, scheme })
      const { page } = visit
      await page.goto('/sign-in')
      await settled(page)
      const found = await violations(page, 'sign-in')
      await signIn(page, world.owner)
      for (const [name, path] of Object.entries(paths)) {
        await page.goto(path)
        await settled(page)
        found.push(...(await violations(page, name)))
      }
      assert.deepEqual(found, [])
      assert.deepEqual(visit.faults, [])
    })
  }

  test('an accessibility fault that is planted is found', async () => {
    await using visit = await open(browser, { url: world.apiUrl })
    const { page } = visit
    await signIn(page, world.owner)
    await page.evaluate(() => {
      const planted = document.createElement('button')
      planted.style.cssText = 'width:40px;height:40px'
      document.querySelector('main')?.append(planted)
    })
    const found = await violations(page, 'planted')
    assert.ok(found.some((one) => one.includes('button-name')))
  })

  test('no page scrolls sideways on a narrow telephone', async () => {
    await using visit = await open(browser, { url: world.apiUrl, width: 360, height: 740 })
    const { page } = visit
    await signIn(page, world.owner)
    const wide: string[] = []
    for (const [name, path] of Object.entries(paths)) {
      await page.goto(path)
      await settled(page)
      const widest = await page.evaluate(() => {
        const main = document.querySelector('main')
        const overflows = document.documentElement.scrollWidth > innerWidth || (main?.scrollWidth ?? 0) > innerWidth
        if (!overflows) return undefined
        const outside = [...(main?.querySelectorAll('*') ?? [])].filter(
          (one) => one.getBoundingClientRect().right > innerWidth,
        )
        return outside
          .map((one) => `${one.tagName} ${one.className}`)
          .slice(0, 3)
          .join(' > ')
      })
      if (widest !== undefined) wide.push(`${name}: ${widest}`)
    }
    assert.deepEqual(wide, [])
    await page.getByRole('button', { name: 'Open navigation' }).click()
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Devices' }).click()
    await page.getByRole('heading', { level: 1, name: 'Devices' }).waitFor()
    assert.deepEqual(visit.faults, [])
  })

  test('the keyboard reaches everything: palette, places, search and help', async () => {
    await using visit = await open(browser, { url: world.apiUrl })
    const { page } = visit
    await signIn(page, world.owner)
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox', { name: 'Command palette' }).fill('ED-10003')
    await page.getByRole('option', { name: /ED-10003/, selected: true }).waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: 'ED-10003' }).waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('d')
    await page.getByRole('heading', { level: 1, name: 'Devices' }).waitFor()
    await page.getByRole('table', { name: 'Devices' }).waitFor()
    await page.keyboard.press('/')
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('aria-label')), 'Filter devices')
    await page.keyboard.press('Escape')
    await page.getByRole('group', { name: /^Devices; j and k/ }).focus()
    await page.keyboard.press('j')
    await page.keyboard.press('x')
    await page.getByText('1 device chosen').waitFor()
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keys' }).waitFor()
    await page.keyboard.press('Escape')
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox', { name: 'Command palette' }).fill('dark')
    await page.keyboard.press('Enter')
    await page.waitForFunction(() => document.documentElement.dataset.theme === 'dark')
    await page.reload()
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark')
    assert.deepEqual(visit.faults, [])
  })

  test('the first key that is pressed leads past the navigation', async () => {
    await using visit = await open(browser, { url: world.apiUrl })
    const { page } = visit
    await signIn(page, world.owner)
    await page.goto('/devices')
    await page.getByRole('table', { name: 'Devices' }).waitFor()
    await page.keyboard.press('Tab')
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Skip to content')
    await page.keyboard.press('Enter')
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'main')
  })

  test('a filter is completed as it is typed, says where it is wrong, and can be kept', async () => {
    await using visit = await open(browser, { url: world.apiUrl })
    const { page } = visit
    await signIn(page, world.owner)
    await page.goto('/devices')
    const filter = page.getByRole('combobox', { name: 'Filter devices' })
    await filter.fill('inventory.ker')
    await page.getByRole('option', { name: /inventory\.kernel/ }).waitFor()
    await filter.press('ArrowDown')
    await filter.press('Enter')
    assert.equal(await filter.inputValue(), 'inventory.kernel ')
    await filter.pressSequentially('like "*6.6.32"')
    await filter.press('Escape')
    await filter.press('Enter')
    await page.getByRole('heading', { level: 1, name: 'Devices' }).waitFor()
    await page
      .getByText('No device matches')
      .or(page.getByRole('table', { name: 'Devices' }))
      .first()
      .waitFor()
    await page.getByRole('button', { name: 'Saved' }).click()
    await page.getByRole('menuitem', { name: 'Save this filter…' }).click()
    await page.getByLabel('Name').fill('Old kernel')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await filter.fill('state == accepted')
    await filter.press('Escape')
    await filter.press('Enter')
    await page.getByText('column 8').waitFor()
    await page.getByRole('button', { name: 'Saved' }).click()
    await page.getByRole('menuitem', { name: 'Old kernel' }).click()
    await page.waitForFunction(() => location.search.includes('kernel'))
    assert.equal(await filter.inputValue(), 'inventory.kernel like "*6.6.32"')
    assert.deepEqual(visit.faults, [])
  })

  test('what changes elsewhere appears by itself, and a broken stream is told', async () => {
    await using visit = await open(browser, { url: world.apiUrl })
    const { page, context } = visit
    await signIn(page, world.owner)
    await page.goto('/devices?state=pending')
    await page.getByText('Live', { exact: true }).filter({ visible: true }).waitFor()
    await makePending(world, 'LATE-1')
    await page.getByRole('link', { name: 'LATE-1' }).waitFor()
    await context.setOffline(true)
    await page.reload().catch(() => {})
    await context.setOffline(false)
    await page.route('**/api/v1/events', (route) => route.abort())
    await page.goto('/devices')
    await page.getByText('Reconnecting').filter({ visible: true }).waitFor()
  })

  test('ten tabs share one stream, and another takes over when its reader closes', async () => {
    await using visit = await open(browser, { url: world.apiUrl })
    const { page, context } = visit
    await signIn(page, world.owner)
    await page.goto('/devices?state=pending')
    const others: Page[] = []
    for (let tab = 0; tab < 9; tab += 1) {
      const other = await context.newPage()
      await other.goto('/devices?state=pending')
      await other.getByRole('heading', { level: 1, name: 'Devices' }).waitFor()
      others.push(other)
    }
    await makePending(world, 'TAB-1')
    await others[8]?.getByRole('link', { name: 'TAB-1' }).waitFor()
    await page.close()
    await makePending(world, 'TAB-2')
    await others[3]?.getByRole('link', { name: 'TAB-2' }).waitFor()
    await others[3]?.getByText('Live', { exact: true }).filter({ visible: true }).waitFor()
    assert.deepEqual(visit.faults, [])
  })

  test('what cannot be undone asks for the word', async () => {
    await using visit = await open(browser, { url: world.apiUrl })
    const { page } = visit
    await signIn(page, world.owner)
    await page.goto(paths.device ?? '')
    await page.getByRole('button', { name: 'More actions' }).click()
    await page.getByRole('menuitem', { name: 'Retire…' }).click()
    const dialog = page.getByRole('dialog')
    const retire = dialog.getByRole('button', { name: 'Retire' })
    await dialog.getByLabel('Reason').fill('broken screen')
    assert.equal(await retire.isDisabled(), true)
    await dialog.getByLabel('Type retire to go on').fill('retire')
    await retire.click()
    await page.getByText('Retired', { exact: true }).first().waitFor()
    assert.deepEqual(visit.faults, [])
  })
})

/** Every page’s address, over a fleet that gives each of them something to show. */
async function furnish(world: World): Promise<Record<string, string>> {
  const product = await makeProduct(world, 'Edge gateway', type)
  await makeRelease(world, product, type, '2.3.1', { notes: 'Baseline' })
  const release = await makeRelease(world, product, type, '2.4.0', {
    notes: 'Reconnects faster after a power cut.\nMends a leak in the Modbus bridge.',
  })
  await makeRelease(world, product, type, '2.5.0-rc1', { released: false })
  const devices = await makeDevices(world, type, picturing ? 48 : 12, '2.3.1')
  await makePending(world, 'ED-90001')
  const { client } = world
  for (const [index, { id }] of devices.entries()) {
    const tags = [index % 4 === 0 ? ['line-1'] : [], index % 7 === 0 ? ['beta'] : []].flat()
    if (tags.length > 0) await client.devices.change({ params: { device: id }, body: { tags } })
  }
  const { id: group } = await client.devices.createGroup({ body: { name: 'Canaries' } })
  await client.devices.changeMembers({ params: { group }, body: { add: devices.slice(0, 3).map((one) => one.id) } })
  await client.devices.createGroup({ body: { name: 'Hamburg', filter: 'inventory.site = Hamburg' } })
  const { id: deployment } = await client.deployments.create({
    body: {
      name: 'Edge gateway 2.4.0',
      release,
      target: { kind: 'filter', filter: `inventory.device_type = ${type}` },
      policy: { phases: [{ count: 3 }, { percent: 50 }, { gate: true }], successPercent: 60, haltAtFailurePercent: 60 },
    },
  })
  const first = await runPhase(devices, ['success'], 3)
  await openSecond(world, deployment)
  await runPhase(devices, ['success', 'success', 'installing', 'failure', 'success', 'downloading'])
  const device = `/devices/${first}`
  return {
    overview: '/',
    devices: '/devices',
    'add devices': '/devices/add',
    acceptance: '/devices/rules',
    device,
    inventory: `${device}/inventory`,
    keys: `${device}/keys`,
    configuration: `${device}/configuration`,
    groups: '/groups',
    'new group': '/groups/new?filter=state%20%3D%20accepted',
    group: `/groups/${group}`,
    products: '/products',
    'new product': '/products/new',
    product: `/products/${product.id}`,
    releases: '/releases',
    'new release': '/releases/new',
    release: `/releases/${release}`,
    deployments: '/deployments',
    'new deployment': `/deployments/new?release=${release}&group=${group}`,
    deployment: `/deployments/${deployment}`,
    audit: '/audit',
    people: '/people',
    invite: '/people/invite',
    roles: '/people/roles',
    tokens: '/people/tokens',
    support: '/people/support',
    account: '/settings',
    organisation: '/settings/organisation',
    connect: '/settings/connect',
  }
}

/** Every device that is given work, but not more than `most`, ends as told, in turn; answers the first one’s id. */
async function runPhase(
  devices: readonly FleetDevice[],
  outcomes: readonly string[],
  most = Number.POSITIVE_INFINITY,
): Promise<string> {
  let given = 0
  let first = ''
  for (const device of devices) {
    if (given === most) break
    const work = await device.next()
    if (work === undefined) continue
    first ||= device.id
    const outcome = outcomes[given % outcomes.length] ?? 'success'
    given += 1
    await device.report(work, 'downloading')
    if (outcome === 'downloading') continue
    await device.report(work, 'installing', 'writing app.tar')
    if (outcome === 'installing') continue
    if (outcome === 'failure') await device.log(work, ['installing 2.4.0', 'it failed: no space left on device'])
    else await device.report(work, 'rebooting')
    await device.report(work, outcome)
    if (outcome !== 'success') continue
    device.become('2.4.0')
    await device.next()
  }
  return first
}

/** The second phase opens by itself once the first is through; waits for it. */
async function openSecond(world: World, deployment: string): Promise<void> {
  for (let attempt = 0; attempt < 1_200; attempt += 1) {
    const { phases } = await world.client.deployments.get({ params: { deployment } })
    if (phases[1]?.state === 'open') return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('the second phase did not open')
}

/** The page has its heading and nothing on it still loads. */
async function settled(page: Page): Promise<void> {
  await page.getByRole('heading', { level: 1 }).waitFor()
  await page.waitForFunction(() => document.querySelector('[data-loading]') === null)
  await page.evaluate(() => document.fonts.ready)
}

async function violations(page: Page, name: string): Promise<string[]> {
  const { violations: found } = await new AxeBuilder({ page })
    .options({ resultTypes: ['violations'] })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
    .analyze()
  return found.map(
    (one) =>
      `${name}: ${one.id} at ${one.nodes
        .slice(0, 3)
        .map((node) => node.target.join(' '))
        .join(' | ')}`,
  )
}
