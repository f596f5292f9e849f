import { writeFile } from 'node:fs/promises'
import { createTokens } from '@holdfast/server/domains/devices/tokens'
import { startWorld, type World } from '../src/world.ts'
import { answerCalls } from './child.ts'
import { keyIdOf } from './fleet-member.ts'

let world: World | undefined

const calls = {
  async start({ data }: { data: string }) {
    world = await startWorld({ data, config: { limits: { perAddressPerMinute: 1_000_000, minFreeDiskMiB: 1 } } })
    await world.app.devices.ready()
    const { apiUrl, deviceUrl, authority, token, app, organisation } = world
    return {
      apiPort: Number(new URL(apiUrl).port),
      devicePort: Number(new URL(deviceUrl).port),
      authority,
      token,
      organisation: organisation.id,
      tls: { key: app.foundation.tls.key, cert: app.foundation.tls.cert },
    }
  },

  /** A token for each of the first `count` devices of the fleet, one a line, as their own authentication would get. */
  async writeTokens({ count, file }: { count: number; file: string }) {
    const { app, organisation } = requireWorld()
    const rows = await app.foundation.db.read
      .selectFrom('device')
      .select(['number', 'id'])
      .where('organisation', '=', organisation.id)
      .orderBy('number')
      .limit(count)
      .execute()
    const tokens = createTokens(app.foundation.secrets.tokenKey)
    const now = Date.now()
    const lines = rows.map(({ number, id }) =>
      tokens.issue({
        device: id,
        number,
        organisation: organisation.id,
        key: keyIdOf(id),
        epoch: 0,
        issuedAt: now,
        expires: now + 86_400_000,
      }),
    )
    await writeFile(file, lines.join('\n'))
    return lines.length
  },

  async stop() {
    await world?.[Symbol.asyncDispose]()
  },
}

export type HoldfastServer = typeof calls

function requireWorld(): World {
  if (world === undefined) throw new Error('the server was not started')
  return world
}

answerCalls(calls)
