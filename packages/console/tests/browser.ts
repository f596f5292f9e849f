import { createHash, X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import { connect } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Why the browser's tests cannot run here, or nothing. */
export function missingBrowser(): string | false {
  return places.some((place) => existsSync(place)) ? false : 'chromium is not installed'
}

/** Builds the console if nobody has: the server serves what is built. */
export async function requireBuilt(): Promise<void> {
  const root = fileURLToPath(new URL('..', import.meta.url))
  if (existsSync(`${root}/dist/index.html`)) return
  const { build } = await import('vite')
  await build({ root, logLevel: 'error' })
}

/**
 * A browser that trusts one server's own key, and nothing else: passkeys do not work where a certificate is merely
 * excused.
 */
export async function launch(url: string): Promise<Browser> {
  const executablePath = places.find((place) => existsSync(place))
  if (executablePath === undefined) throw new Error('chromium is not installed')
  return chromium.launch({
    executablePath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      `--ignore-certificate-errors-spki-list=${await keyHashOf(url)}`,
    ],
  })
}

function keyHashOf(url: string): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
      const { raw } = socket.getPeerCertificate()
      socket.end()
      const spki = new X509Certificate(raw).publicKey.export({ type: 'spki', format: 'der' })
      resolve(createHash('sha256').update(spki).digest('base64'))
    })
    socket.once('error', reject)
  })
}

export interface Visit {
  readonly url: string
  readonly scheme?: 'light' | 'dark'
  readonly width?: number
  readonly height?: number
}

/** A person’s browser window. Anything that the page itself logs as an error makes the test fail at its end. */
export async function open(browser: Browser, { url, scheme = 'light', width = 1280, height = 800 }: Visit) {
  const context = await browser.newContext({
    baseURL: url,
    colorScheme: scheme,
    viewport: { width, height },
    reducedMotion: 'reduce',
    acceptDownloads: true,
  })
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  context.setDefaultTimeout(60_000)
  const page = await context.newPage()
  const faults: string[] = []
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of 4\d\d/.test(message.text()))
      faults.push(`${page.url()}: ${message.text()} ${message.location().url}`)
  })
  return { context, page, faults, [Symbol.asyncDispose]: () => context.close() }
}

export async function signIn(page: Page, { email, password }: { email: string; password: string }): Promise<void> {
  await page.goto('/sign-in')
  await page.getByLabel('E-mail').fill(email)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.waitForURL(({ pathname }) => pathname !== '/sign-in')
  // The frame around every page: until it is there, the page before it still is.
  await page.locator('main#main').getByRole('heading', { level: 1 }).waitFor()
}

export type { Browser, BrowserContext, Page }
