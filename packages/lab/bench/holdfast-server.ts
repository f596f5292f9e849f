import { startWorld, type World } from '../src/world.ts'
import { answerCalls } from './child.ts'

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

  async stop() {
    await world?.[Symbol.asyncDispose]()
  },
}

export type HoldfastServer = typeof calls

answerCalls(calls)
