import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { publicKeyDer } from '@holdfast/crypto/keys'
import { createClientCertificate, createRootCertificate } from '@holdfast/crypto/x509'
import { type Clock, day, newId, systemClock } from '@holdfast/kernel'
import { openTestDatabase } from '../../../tests/test-database.ts'
import { readConfig } from '../../config.ts'
import { systemActor } from '../../platform/actor.ts'
import type { Database } from '../../platform/db/index.ts'
import type { AccessScope } from '../../platform/http/caller.ts'
import { jobMigrations } from '../../platform/jobs/jobs.ts'
import { auditMigrations, createEventFeed, sequenceJob } from '../audit/index.ts'
import { createProducts, productMigrations } from '../products/index.ts'
import type { Identity } from './device.ts'
import { createDevices, deviceMigrations } from './index.ts'
import type { Operator } from './operate.ts'

export const migrations = [...jobMigrations, ...auditMigrations, ...productMigrations, ...deviceMigrations]
const tokenKey = new Uint8Array(32).fill(7)
const logKey = generateKeyPairSync('ed25519').privateKey
const settings = { maxPerOrganisation: 10_000_000 }

/** One server process on a database: registry, events, and the job that puts events in order. */
async function startNode(db: Database, clock: Clock, limits: typeof settings) {
  const fail = (thrown: unknown) => {
    throw thrown
  }
  const feed = createEventFeed({ db, clock, onFailure: fail })
  const products = createProducts({ db, clock })
  const config = readConfig({}, { devices: limits })
  const devices = createDevices({ db, clock, config, bus: feed, tokenKey, products, onFailure: fail })
  await feed.start()
  return {
    db,
    products,
    devices,
    feed,
    async close() {
      await feed.stop()
      await devices.close()
    },
  }
}

export type World = Awaited<ReturnType<typeof startWorld>>

export async function startWorld(clock: Clock = systemClock, limits = settings) {
  const place = await openTestDatabase(migrations)
  const nodes = [await startNode(place.db, clock, limits)]
  const [first] = nodes as [Awaited<ReturnType<typeof startNode>>]
  const organisation = newId()
  const sequencer = sequenceJob({ db: place.db, clock, logKey, originOf: (id) => `test/${id}`, onSequenced: () => {} })
  return {
    ...first,
    clock,
    organisation,
    operator: operatorOf(organisation),
    async anotherNode() {
      const node = await startNode(place.openAgain(), clock, limits)
      nodes.push(node)
      return node
    },
    /** Puts what happened in order, as the background job does, and lets every node hear of it. */
    async sequence() {
      while ((await sequencer.run()) === true);
    },
    async auditTypes(): Promise<string[]> {
      const rows = await place.db.read.selectFrom('audit_record').select('type').orderBy('seq').execute()
      return rows.map((row) => row.type)
    },
    async [Symbol.asyncDispose]() {
      for (const node of nodes) await node.close()
      await place[Symbol.asyncDispose]()
    },
  }
}

export function operatorOf(organisation: string, scope: AccessScope = 'everywhere'): Operator {
  return { actor: systemActor('test'), organisation, scope }
}

export function newKey(): { spki: Uint8Array; privateKey: KeyObject } {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  return { spki: publicKeyDer(privateKey), privateKey }
}

/** What a Mender client asks for, with its signature verified. */
export function request(organisation: string, identity: Identity, publicKey: Uint8Array) {
  return { organisation, identity, publicKey, gateway: 'mender', origin: '192.0.2.1' } as const
}

export function newAuthority(name: string, now: number) {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const validity = { notBefore: now - day, notAfter: now + 365 * day }
  const certificate = createRootCertificate({ subject: { commonName: name }, key: privateKey, ...validity })
  return {
    certificate,
    certify(commonName: string, key: KeyObject, notAfter = now + 30 * day): Uint8Array {
      return createClientCertificate({
        issuer: { certificate, key: privateKey },
        subject: { commonName },
        publicKey: key,
        notBefore: now - day,
        notAfter,
      })
    },
  }
}

/** A device that was accepted by an operator, with its token. */
export async function acceptedDevice(
  { devices, organisation, operator }: World,
  serial: string,
  attributes?: Identity,
) {
  const key = newKey()
  const asked = request(organisation, { serial, ...attributes }, key.spki)
  await devices.askAuthorisation(asked).catch(() => {})
  await settleIndex(devices)
  const found = await devices.lists.list(operator, { search: serial, sort: 'newest', limit: 10 })
  const id = found.items.find((item) => item.identity.serial === serial)?.id
  if (id === undefined) throw new Error(`device ${serial} was not registered`)
  await devices.operate.accept(operator, [id], undefined)
  const token = await devices.askAuthorisation(asked)
  return { id, key, token, asked, principal: await devices.authenticate(token) }
}

/** Takes everything into the search index, as the background job does. */
export async function settleIndex({ jobs }: Pick<World['devices'], 'jobs'>): Promise<void> {
  for (const job of jobs) while ((await job.run()) === true);
}
