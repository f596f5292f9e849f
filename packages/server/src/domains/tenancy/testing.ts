import { scryptSync } from 'node:crypto'
import { createRootCertificate } from '@holdfast/crypto/issue'
import { generateKey, privateKeyPem } from '@holdfast/crypto/keys'
import { writePem } from '@holdfast/crypto/pem'
import { newMasterKey, openSecret, sealSecret } from '@holdfast/crypto/seal'
import { day, Fault, manualClock } from '@holdfast/kernel'
import { type Answer, apiPrefix, type Call, type Operation, operations } from '@holdfast/protocol'
import { openTestDatabase } from '../../../tests/test-database.ts'
import type { Config } from '../../config.ts'
import { systemActor } from '../../platform/actor.ts'
import type { Bus, Event } from '../../platform/bus/bus.ts'
import type { Database } from '../../platform/db/index.ts'
import { createApiServer } from '../../platform/http/api-server.ts'
import { auditMigrations } from '../audit/index.ts'
import { createTenancy, tenancyMigrations } from './index.ts'
import { changePerson, requirePerson } from './person-store.ts'
import { beginSession } from './sessions.ts'

export const ownUrl = 'https://holdfast.example:8443'
export const password = 'correct horse battery staple'
const start = Date.UTC(2026, 0, 5, 9)

type Sso = Config['sso'][number]

/** Tenancy behind the real REST edge over a real database, with as many nodes and browsers as a test wants. */
export async function startTenancyWorld(options: { sso?: readonly Sso[] } = {}) {
  const database = await openTestDatabase([...auditMigrations, ...tenancyMigrations])
  const { db } = database
  const clock = manualClock(start)
  const masterKey = newMasterKey()
  const sso = [...(options.sso ?? [])]
  const nodes: { close(): Promise<void> }[] = []

  const startNode = async () => {
    const bus = createTestBus(db)
    const tenancy = createTenancy({
      db,
      clock,
      bus,
      config: { sso, devices: { tokenMinutes: 60, pollSeconds: 60, downloadLinkHours: 1, maxPerOrganisation: 1_000 } },
      secrets: {
        seal: (plaintext, context) => sealSecret(masterKey, plaintext, context),
        open: (sealed, context) => openSecret(masterKey, sealed, context),
      },
    })
    const defects: unknown[] = []
    const served = [...Object.values(operations.session), ...Object.values(operations.people)] as Operation[]
    const api = createApiServer(
      {
        routes: tenancy.routes,
        authenticate: tenancy.authenticate,
        tls: await serverIdentity(),
        ownUrl: () => ownUrl,
        trustedProxies: [],
        logDefect: (thrown) => defects.push(thrown),
        admit: () => () => {},
        onAnswered: () => {},
      },
      served,
    )
    const node = {
      tenancy,
      bus,
      api,
      defects,
      async close() {
        await api.close()
        await tenancy.close()
        if (defects.length > 0) throw new AggregateError(defects, 'the server had defects')
      },
    }
    nodes.push(node)
    return node
  }

  const node = await startNode()
  const world = {
    db,
    clock,
    sso,
    node,
    tenancy: node.tenancy,
    startNode,
    /** Nobody's browser, or program, yet. */
    browser: (at: { api: typeof node.api } = node, address = '192.0.2.7') => new Browser(at.api, address),
    /** An organisation with an owner who is signed in. */
    async found(organisation: string, email: string) {
      const first = { organisation, name: `Owner of ${organisation}`, email, password }
      const { organisation: made, owner } = await node.tenancy.createOrganisation(systemActor('test'), first)
      const browser = world.browser()
      await cheapen(db, owner)
      // Signed in without the time that comparing the password takes.
      browser.cookie = await db.write(async (tx) => {
        const visit = { address: '192.0.2.7', ownUrl, sessionToken: undefined }
        const person = await requirePerson(tx, owner)
        return (await beginSession(tx, { person, method: 'password', organisation: made.id, visit }, clock.now())).token
      })
      return { organisation: made, owner, browser }
    },
    /** Invites somebody and accepts in their name; answers them signed in. */
    async join(inviter: Browser, email: string, ...grants: { role: string; product?: string; group?: string }[]) {
      const { link } = await inviter.call(operations.people.invite, { body: { email, grants } })
      const browser = world.browser()
      const secret = secretOfLink(link)
      const me = await browser.call(operations.session.acceptInvitation, { body: { secret, name: email, password } })
      await cheapen(db, me.user.id)
      return { browser, id: me.user.id, me }
    },
    records: async (type?: string) => {
      const rows = await db.read
        .selectFrom('audit_record')
        .select(['type', 'organisation', 'body'])
        .orderBy('seq')
        .execute()
      return rows.filter((row) => type === undefined || row.type === type)
    },
    async [Symbol.asyncDispose]() {
      try {
        for (const one of nodes) await one.close()
      } finally {
        await database[Symbol.asyncDispose]()
      }
    },
  }
  return world
}

export type TenancyWorld = Awaited<ReturnType<typeof startTenancyWorld>>

export function secretOfLink(link: string): string {
  return link.split('#')[1] ?? ''
}

type Api = ReturnType<typeof createApiServer>

/** A person's browser, or a program with a token. */
export class Browser {
  cookie: string | undefined
  token: string | undefined
  /** False: requests come from a foreign page. */
  ownPages = true
  readonly #api: Api
  readonly #address: string

  constructor(api: Api, address: string) {
    this.#api = api
    this.#address = address
  }

  /** The answer, or a thrown Fault with the code and `at` of the refusal and its status as the message. */
  async call<O extends Operation>(operation: O, call?: Call<O>): Promise<Answer<O>> {
    const { params = {}, query, body } = (call ?? {}) as Loose
    const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''))
    const search = query === undefined ? '' : `?${new URLSearchParams(query)}`
    const response = await this.#api.inject({
      method: operation.method,
      url: apiPrefix + path + search,
      remoteAddress: this.#address,
      headers: {
        ...(this.cookie === undefined ? {} : { cookie: `holdfast_session=${this.cookie}` }),
        ...(this.token === undefined ? {} : { authorization: `Bearer ${this.token}` }),
        ...(this.ownPages ? { 'x-holdfast-csrf': '1' } : {}),
      },
      ...(body === undefined ? {} : { payload: body }),
    })
    this.#keepCookie(response.headers['set-cookie'])
    if (response.statusCode >= 400) {
      const { code, at } = response.json() as { code: string; at?: string }
      throw new Fault('refused', code, String(response.statusCode), at === undefined ? {} : { at })
    }
    return (response.body === '' ? undefined : response.json()) as Answer<O>
  }

  signIn(email: string, given: { password?: string; code?: string } = {}) {
    return this.call(operations.session.signIn, { body: { email, password, ...given } })
  }

  #keepCookie(header: string | string[] | undefined): void {
    const text = Array.isArray(header) ? header[0] : header
    if (text === undefined) return
    this.cookie = /^holdfast_session=([^;]*)/.exec(text)?.[1] || undefined
  }
}

interface Loose {
  readonly params?: Readonly<Record<string, string>>
  readonly query?: Record<string, string>
  readonly body?: object
}

/** For `assert.rejects`: a refusal with this code. */
export function faultOf(code: string): (thrown: unknown) => boolean {
  return (thrown) => {
    if (thrown instanceof Fault && thrown.code === code) return true
    throw new Error(`expected ${code}, got ${thrown instanceof Fault ? thrown.code : String(thrown)}`, {
      cause: thrown,
    })
  }
}

/** A bus that delivers when it is told to, as a slow or broken one does. */
function createTestBus(db: Database) {
  const subscribers = new Set<{ prefix: string; handler: (event: Event) => void }>()
  let last = 0
  const bus: Bus & { deliver(): Promise<void> } = {
    subscribe(prefix, handler) {
      const subscriber = { prefix, handler }
      subscribers.add(subscriber)
      return () => subscribers.delete(subscriber)
    },
    // Claims that it has seen everything, whether it has or not.
    caughtUpAt: () => Number.MAX_SAFE_INTEGER,
    async deliver() {
      const rows = await db.read.selectFrom('audit_record').selectAll().where('seq', '>', last).orderBy('seq').execute()
      for (const row of rows) {
        last = row.seq
        const { subject } = JSON.parse(row.body) as Pick<Event, 'subject'>
        const { organisation, type, at } = row
        const event: Event = { position: row.seq, organisation, type, subject, at, detail: {} }
        for (const { prefix, handler } of subscribers) if (type.startsWith(prefix)) handler(event)
      }
    },
  }
  return bus
}

/** The same password at the least cost that is accepted, because tests compare it hundreds of times. */
async function cheapen(db: Database, person: string): Promise<void> {
  await db.write((tx) => changePerson(tx, person, { password_hash: cheapHash }))
}

const salt = Buffer.alloc(16, 5)
const base64 = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '')
const cheapHash = `$scrypt$ln=14,r=8,p=1$${base64(salt)}$${base64(scryptSync(password, salt, 32, { N: 2 ** 14, r: 8, p: 1 }))}`

let identity: Promise<{ key: string; cert: string }> | undefined

function serverIdentity() {
  identity ??= makeIdentity()
  return identity
}

async function makeIdentity(): Promise<{ key: string; cert: string }> {
  const { privateKey } = await generateKey('p256')
  const certificate = createRootCertificate({
    subject: { commonName: 'test' },
    key: privateKey,
    notBefore: start,
    notAfter: start + day,
  })
  return { key: privateKeyPem(privateKey), cert: writePem('CERTIFICATE', certificate) }
}
