import { type Bench, clientOf } from './bench.ts'
import { fleet, shapes } from './device-questions.ts'
import { atMost, percentile } from './figure.ts'

const samples = 100
const mostMilliseconds = 50

/** Each shape of question many times through the REST interface, to a server that has its fleet on disk. */
export const deviceList: Bench = async (room, report) => {
  const { data } = await room.fleet(fleet)
  const running = await room.server(data)
  const client = clientOf(running)
  const all: { name: string; p99: number }[] = []
  for (const { name, query, total } of shapes) {
    const took: number[] = []
    const cpu: number[] = []
    for (let sample = -5; sample < samples; sample += 1) {
      const before = (await running.server.usage()).cpu
      const begun = performance.now()
      const page = await client.devices.list({ query: query(Math.abs(sample)) })
      const ended = performance.now()
      if (total !== undefined && page.total !== total) throw new Error(`${name}: ${page.total} found, not ${total}`)
      if (sample < 0) continue
      took.push(ended - begun)
      cpu.push(((await running.server.usage()).cpu - before) * 1_000)
    }
    const p99 = percentile(took, 0.99)
    all.push({ name, p99 })
    report(atMost(`device-list, ${name}`, p99, mostMilliseconds, 'ms p99'))
    report({ name: `device-list, ${name}, CPU`, value: percentile(cpu, 0.99), unit: 'ms p99' })
  }
  const worst = all.reduce((one, other) => (one.p99 > other.p99 ? one : other))
  report(atMost('device-list', worst.p99, mostMilliseconds, 'ms p99'))
}

export const diskPerDevice: Bench = async (room, report) => {
  const { bytesPerDevice } = await room.fleet(fleet)
  report(atMost('disk-per-device', bytesPerDevice / 1_000, 1.5, 'KB'))
}

/** After whatever other benches did to the same server. */
export const memory: Bench = async (room, report) => {
  const { data } = await room.fleet(fleet)
  const { server } = await room.server(data)
  report(atMost('memory', (await server.usage()).memory / 1e6, 300, 'MB'))
}
