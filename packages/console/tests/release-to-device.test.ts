import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { generateKey, type KeyPair, publicKeyPem } from '@holdfast/crypto/keys'
import { startWorld, type World } from '@holdfast/lab/world'
import { type Browser, launch, missingBrowser, open, type Page, requireBuilt, signIn } from './browser.ts'
import { artifactOf, type FleetDevice, makeDevices, makePending } from './fleet.ts'

const skip = missingBrowser()

describe('from a release to devices, in the browser', { skip }, () => {
  let world: World
  let browser: Browser
  let directory: string
  let signer: KeyPair
  let devices: readonly FleetDevice[]
  const type = 'pump-controller'

  before(async () => {
    await requireBuilt()
    directory = await mkdtemp(join(tmpdir(), 'holdfast-console-'))
    world = await startWorld()
    browser = await launch(world.apiUrl)
    signer = await generateKey('p256')
  })
  after(async () => {
    await browser?.close()
    await world?.[Symbol.asyncDispose]()
    await rm(directory, { recursive: true, force: true })
  })

  async function upload(page: Page, version: string, by: KeyPair | undefined): Promise<void> {
    const file = join(directory, `${type}-${version}.mender`)
    await writeFile(file, await artifactOf(version, type, by))
    await page.goto('/releases/new')
    await page.getByLabel('Version').fill(version)
    await page.getByLabel('Artifacts').setInputFiles(file)
    await page.getByRole('button', { name: 'Upload', exact: true }).click()
    await page.getByRole('heading', { level: 1, name: `Pump controller ${version}` }).waitFor()
  }

  test('a product is made and given the key that signs its releases', async () => {
    await using visit = await open(browser, { url: world.apiUrl })
    const { page } = visit
    await signIn(page, world.owner)
    await page.goto('/products/new')
    await page.getByLabel('Name').fill('Pump controller')
    assert.equal(await page.getByLabel('Key', { exact: true }).inputValue(), type)
    await page.getByLabel('Device types').fill(type)
    await page.getByRole('button', { name: 'Make the product' }).click()
    await page.getByRole('heading', { level: 1, name: 'Pump controller' }).waitFor()
    await page.getByRole('button', { name: 'Trust a key' }).first().click()
    await page.getByLabel('Name').fill('Release key')
    await page.getByLabel('Public key or certificate').fill('nonsense')
    await page.getByRole('button', { name: 'Trust it' }).click()
    await page.getByRole('alert').waitFor()
    await page.getByLabel('Public key or certificate').fill(publicKeyPem(signer.publicKey))
    await page.getByRole('button', { name: 'Trust it' }).click()
    await page.getByRole('cell', { name: 'Release key' }).waitFor()
    assert.deepEqual(visit.faults, [])
  })

  test('an upload shows who signed it; only what its product trusts can be released', async () => {
    await using visit = await open(browser, { url: world.apiUrl })
    const { page } = visit
    await signIn(page, world.owner)
    await upload(page, '0.9.0', undefined)
    await page.getByText('Not signed').waitFor()
    assert.equal(await page.getByRole('button', { name: 'Release', exact: true }).isDisabled(), true)
    await upload(page, '1.0.0', signer)
    await page.getByText('Trusted signature').waitFor()
    await page.getByRole('button', { name: 'Release', exact: true }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Release' }).click()
    await page.getByText('Released', { exact: true }).first().waitFor()
    assert.deepEqual(visit.faults, [])
  })

  test('a file that is no artifact is refused with the reason, where it was chosen', async () => {
    await using visit = await open(browser, { url: world.apiUrl })
    const { page } = visit
    await signIn(page, world.owner)
    const file = join(directory, 'broken.mender')
    await writeFile(file, 'this is not an artifact')
    await page.goto('/releases/new')
    await page.getByLabel('Version').fill('6.6.6')
    await page.getByLabel('Artifacts').setInputFiles(file)
    await page.getByRole('button', { name: 'Upload', exact: true }).click()
    await page.getByRole('alert').filter({ hasText: 'broken.mender' }).waitFor()
    assert.deepEqual(visit.faults, [])
  })

  test('devices that wait are accepted together', async () => {
    for (const serial of ['W-1', 'W-2']) await makePending(world, serial)
    await using visit = await open(browser, { url: world.apiUrl })
    const { page } = visit
    await signIn(page, world.owner)
    await page.goto('/devices?state=pending')
    await page.getByRole('checkbox', { name: 'Choose W-1' }).check()
    await page.getByRole('checkbox', { name: 'Choose W-2' }).check()
    await page.getByRole('button', { name: 'Accept 2' }).click()
    await page.getByText('2 devices accepted').waitFor()
    await page.getByText('No device matches').waitFor()
    assert.deepEqual(visit.faults, [])
  })

  test('the wizard shows who gets what, and the deployment’s progress appears by itself', async () => {
    devices = await makeDevices(world, type, 6, '0.1.0')
    await using visit = await open(browser, { url: world.apiUrl })
    const { page } = visit
    await signIn(page, world.owner)
    await page.goto('/deployments/new')
    await page.getByRole('radio', { name: /1\.0\.0/ }).check()
    await page.getByRole('button', { name: 'Next: Target' }).click()
    await page.getByText('A filter', { exact: true }).click()
    const filter = page.getByRole('combobox', { name: 'Filter of the group' })
    await filter.fill(`inventory.device_type = ${type}`)
    await page.getByText('6 devices').first().waitFor()
    await filter.press('Escape')
    await page.getByRole('button', { name: 'Next: Phases and policy' }).click()
    await page.getByRole('button', { name: 'All at once' }).click()
    await page.getByLabel('Halt at failures, %').fill('')
    await page.getByRole('button', { name: 'Add a phase' }).click()
    await page.getByLabel('Per cent').first().fill('34')
    await page.getByRole('button', { name: 'Next: Review' }).click()
    await page.getByRole('button', { name: 'Deploy to 6 devices' }).click()
    const confirm = page.getByRole('dialog')
    await confirm.getByText('6 devices are affected').waitFor()
    await confirm.getByText('No failure limit is set').waitFor()
    await confirm.getByRole('button', { name: 'Deploy', exact: true }).click()
    await page.getByRole('heading', { level: 1, name: 'Pump controller 1.0.0' }).waitFor()
    await page.getByText('0 of 6 devices finished').waitFor()

    const [first, work] = await firstWithWork(devices)
    await first.report(work, 'downloading')
    await page.getByText('Downloading').last().waitFor()
    await first.report(work, 'installing', 'writing app.tar')
    await page.getByText('writing app.tar').waitFor()
    await first.report(work, 'failure', 'ArtifactInstall')
    await first.log(work, ['installing', 'it failed: no space left'])
    await page.getByText('1 of 6 devices finished').waitFor()
    await page.getByRole('button', { name: `Steps and log of ${first.name}` }).click()
    await page.getByRole('button', { name: 'Show its log' }).click()
    await page.getByText('it failed: no space left').waitFor()
    assert.deepEqual(visit.faults, [])
  })

  test('aborting names what happens to how many devices, and ends the deployment', async () => {
    await using visit = await open(browser, { url: world.apiUrl })
    const { page } = visit
    await signIn(page, world.owner)
    await page.goto('/deployments')
    await page.getByRole('link', { name: 'Pump controller 1.0.0' }).click()
    await page.getByRole('button', { name: 'Abort' }).click()
    const confirm = page.getByRole('dialog')
    await confirm.getByText('5 devices are affected').waitFor()
    await confirm.getByLabel('Reason').fill('wrong release')
    await confirm.getByRole('button', { name: 'Abort' }).click()
    await page.getByText('Aborted', { exact: true }).first().waitFor()
    await page.getByText('wrong release').first().waitFor()
    for (const device of devices) assert.equal(await device.next(), undefined, 'nothing is handed out any more')
    assert.deepEqual(visit.faults, [])
  })

  test('an audit record shows its proof of inclusion', async () => {
    await using visit = await open(browser, { url: world.apiUrl })
    const { page } = visit
    await signIn(page, world.owner)
    await page.goto('/audit?type=deployment.aborted')
    await page.getByRole('button', { name: 'Proof of deployment.aborted' }).first().click()
    await page.getByText('In the log', { exact: true }).waitFor()
    await page.getByRole('group', { name: 'Checkpoint' }).waitFor()
    assert.deepEqual(visit.faults, [])
  })
})

async function firstWithWork(devices: readonly FleetDevice[]): Promise<[FleetDevice, string]> {
  for (const device of devices) {
    const work = await device.next()
    if (work !== undefined) return [device, work]
  }
  throw new Error('no device was given work')
}
