import { createAuthority } from '../src/peers/authority.ts'
import { type Bench, metered } from './bench.ts'
import { atLeast, median } from './figure.ts'

const devices = 5_000
const rounds = 5
const shaking = { connections: 32, milliseconds: 3_000 }

/** Full handshakes with client certificates, beside a bare TLS server that asks for them too. */
export const handshakes: Bench = async (room, report) => {
  const { data } = await room.fleet(devices)
  const holdfast = await room.server(data)
  const bare = room.bare()
  const load = room.load()
  const { authority } = holdfast
  const { pem: cert, keyPem: key } = await (await createAuthority('bench')).issueClient('bench')
  const ours = { port: holdfast.devicePort, authority, cert, key, ...shaking }
  const theirs = { ...ours, port: await bare.tls(holdfast.tls) }

  const samples: { ours: number; theirs: number }[] = []
  const clock: { ours: number; theirs: number }[] = []
  for (let round = 0; round <= rounds; round += 1) {
    const one = await metered(holdfast.server, () => load.shakeHands(ours))
    const other = await metered(bare, () => load.shakeHands(theirs))
    // The first round warms both up.
    if (round === 0) continue
    samples.push({ ours: one.answers / one.cpu, theirs: other.answers / other.cpu })
    clock.push({ ours: one.answers / one.seconds, theirs: other.answers / other.seconds })
  }
  const middle = (list: typeof samples) => [median(list.map((s) => s.ours)), median(list.map((s) => s.theirs))] as const
  report(atLeast('handshakes', ...middle(samples), 0.8, '/s of the server’s CPU'))
  report(atLeast('handshakes by the clock', ...middle(clock), 0.8, '/s'))
}

/** A fleet that comes back all at once: everybody must be served in the end, and in between only be told to wait. */
export const storm: Bench = async (room, report) => {
  const fleet = await room.fleet(devices)
  const tokens = await room.tokens(fleet, devices)
  const holdfast = await room.server(fleet.data)
  const load = room.load()
  const { pem: cert, keyPem: key } = await (await createAuthority('bench')).issueClient('bench')
  const { devicePort: port, authority } = holdfast
  const { served, faults, firstFault, seconds, toldToWait } = await load.storm({
    port,
    authority,
    tokens,
    devices,
    key,
    cert,
  })
  if (faults > 0) console.error(`The first fault of the storm: ${firstFault}`)
  const goal = `${devices} served, none with an error`
  report({ name: 'storm', value: served, unit: 'clients served', goal, ok: served === devices && faults === 0 })
  report({ name: 'storm until all were served', value: seconds, unit: 's' })
  report({ name: 'storm answers of 503', value: toldToWait, unit: '' })
}
