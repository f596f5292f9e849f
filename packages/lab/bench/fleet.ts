import { generateKeyPairSync } from 'node:crypto'
import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { day } from '@holdfast/kernel'
import { newDevice, toRow } from '@holdfast/server/domains/devices/device-record'
import { createInventoryFields } from '@holdfast/server/domains/devices/field-names'
import { rebuildIndex } from '@holdfast/server/domains/devices/index'
import { encodeInventory } from '@holdfast/server/domains/devices/inventory'
import { deviceStates, keyOrigins, keyStates } from '@holdfast/server/domains/devices/state'
import { createTokens } from '@holdfast/server/domains/devices/tokens'
import { openSqlite } from '@holdfast/server/platform/db/index'
import { openSecrets } from '@holdfast/server/platform/secrets/secrets'
import { startWorld } from '../src/world.ts'
import { answerCalls } from './child.ts'
import { deviceType, fleetMember, keyIdOf } from './fleet-member.ts'

interface Place {
  readonly organisation: string
  readonly product: string
}

const rowsPerCommit = 20_000
const differentKeys = 256

const calls = {
  /**
   * Fills the data directory of a server with devices as if they had come one by one: rows as the registry writes them,
   * the index made by its own rebuilding. Answers the bytes on disk for each device.
   */
  async build({ data, devices }: { data: string; devices: number }) {
    const place = await prepare(data)
    const file = join(data, 'data', 'holdfast.db')
    const { size: before } = await stat(file)
    const db = openSqlite(file)
    const keys = await keysOfInventory(db, place.organisation)
    insertDevices(file, devices, place, keys)
    const indexed = await rebuildIndex(db)
    await db.close()
    if (indexed !== devices) throw new Error(`${indexed} devices were indexed, not ${devices}`)
    const { size: after } = await stat(file)
    return { ...place, bytesPerDevice: (after - before) / devices }
  },

  /** A token for each of the first `count` devices, one a line, as their own authentication would get them. */
  async writeTokens({ data, count, file }: { data: string; count: number; file: string }) {
    const { tokenKey } = await openSecrets(join(data, 'data'))
    const tokens = createTokens(tokenKey)
    const connection = new DatabaseSync(join(data, 'data', 'holdfast.db'), { readOnly: true })
    const rows = connection.prepare('select number, id, organisation from device order by number limit ?').all(count)
    connection.close()
    const issuedAt = Date.now()
    const lines = rows.map((row) => {
      const [device, organisation] = [String(row.id), String(row.organisation)]
      const claims = { device, number: Number(row.number), organisation, key: keyIdOf(device), epoch: 0 }
      return tokens.issue({ ...claims, issuedAt, expires: issuedAt + day })
    })
    await writeFile(file, lines.join('\n'))
  },
}

export type Fleet = typeof calls

/** The organisation and the product, made as an operator makes them. */
async function prepare(data: string): Promise<Place> {
  await using world = await startWorld({ data })
  const { id } = await world.client.products.create({
    body: { key: deviceType, name: 'Bench gateway', deviceTypes: [deviceType] },
  })
  return { organisation: world.organisation.id, product: id }
}

async function keysOfInventory(db: ReturnType<typeof openSqlite>, organisation: string) {
  const fields = createInventoryFields({ db })
  const keys = new Map<string, string>()
  for (const name of Object.keys(fleetMember(0).inventory)) {
    keys.set(name, await db.write((tx) => fields.keyOf(tx, organisation, name)))
  }
  return keys
}

function insertDevices(file: string, count: number, place: Place, keys: ReadonlyMap<string, string>): void {
  const { organisation, product } = place
  const now = Date.now()
  const connection = new DatabaseSync(file)
  connection.exec('pragma busy_timeout=5000; pragma synchronous=off; pragma cache_size=-64000')
  const columns = Object.keys(toRow(draftOf(0, place, keys, now)))
  const device = connection.prepare(
    `insert into device (${columns.join(', ')}) values (${columns.map(() => '?').join(', ')})`,
  )
  const key = connection.prepare('insert into device_key values (?, ?, ?, ?, ?, ?, ?)')
  const seen = connection.prepare('insert into presence values (?, ?)')
  const points = publicKeys()
  for (let start = 0; start < count; start += rowsPerCommit) {
    connection.exec('begin')
    for (let at = start; at < Math.min(count, start + rowsPerCommit); at += 1) {
      const draft = draftOf(at, place, keys, now)
      const { lastInsertRowid } = device.run(
        ...(Object.values(toRow(draft)) as (string | number | null | Uint8Array)[]),
      )
      const spki = points[at % differentKeys] as Uint8Array
      const accepted = keyStates.indexOf('accepted')
      key.run(lastInsertRowid, keyIdOf(draft.id), spki, accepted, keyOrigins.indexOf('request'), now, now)
      seen.run(lastInsertRowid, now - fleetMember(at).seenBefore)
    }
    connection.exec('commit')
  }
  const accepted = deviceStates.indexOf('accepted')
  connection.prepare('insert into device_tally values (?, ?, ?)').run(organisation, accepted, count)
  connection.prepare('update product set devices = ? where id = ?').run(count, product)
  connection.close()
}

function draftOf(at: number, { organisation, product }: Place, keys: ReadonlyMap<string, string>, now: number) {
  const { name, identity, software, tags, inventory } = fleetMember(at)
  const entries = Object.entries(inventory).map(
    ([name, value]) => [keys.get(name) ?? name, { value, changedAt: now }] as const,
  )
  return {
    ...newDevice({ organisation, identity, state: 'accepted', gateway: 'mender', product, tags, name }, now),
    software,
    provides: { device_type: deviceType },
    inventory: encodeInventory(new Map(entries)),
    revision: 3,
  }
}

/** Real keys, each of many devices: what they cost on disk is the same, and a million would take a minute to make. */
function publicKeys(): Uint8Array[] {
  return Array.from({ length: differentKeys }, () =>
    generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'der' }),
  )
}

answerCalls(calls)
