import { type Bench, metered } from './bench.ts'
import { atLeast, atMostTimes, median } from './figure.ts'
import type { Outcome } from './load-generator.ts'

type Sample = Outcome & { readonly cpu: number }

const devices = 100_000
const connections = 32
const rounds = 5
const milliseconds = 3_000

/** Authenticated check-ins that are answered "nothing to do", beside a bare server that sends the same bytes. */
export const checkIn: Bench = async (room, report) => {
  const fleet = await room.fleet(devices)
  const tokens = await room.tokens(fleet, devices)
  const holdfast = await room.server(fleet.data)
  const bare = room.bare()
  const load = room.load()
  const { authority } = holdfast
  const ours = { port: holdfast.devicePort, authority, tokens, devices, connections }
  const theirs = { ...ours, port: await bare.https(holdfast.tls) }

  await load.checkIn(ours)
  await load.checkIn({ ...theirs, milliseconds })
  const samples: { ours: Sample; theirs: Sample }[] = []
  for (let round = 0; round < rounds; round += 1) {
    samples.push({
      ours: await metered(holdfast.server, () => load.checkIn({ ...ours, milliseconds })),
      theirs: await metered(bare, () => load.checkIn({ ...theirs, milliseconds })),
    })
  }
  const each = (figure: (sample: Sample) => number) =>
    [
      median(samples.map((sample) => figure(sample.ours))),
      median(samples.map((sample) => figure(sample.theirs))),
    ] as const
  report(atLeast('check-in', ...each(({ answers, cpu }) => answers / cpu), 0.6, '/s of the server’s CPU'))
  report(atLeast('check-in by the clock', ...each(({ answers, seconds }) => answers / seconds), 0.6, '/s'))
  report(atMostTimes('check-in p99', ...each(({ p99 }) => p99), 2, 'ms'))
}
