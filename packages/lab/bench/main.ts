import { parseArgs } from 'node:util'
import { type Bench, BenchRoom } from './bench.ts'
import { checkIn } from './check-in.ts'
import { handshakes, storm } from './connections.ts'
import { deploymentCreate } from './deployment-create.ts'
import { deviceList, diskPerDevice, memory } from './device-list.ts'
import { type Figure, toJson, toLine } from './figure.ts'
import { statusReports } from './status-reports.ts'
import { upload } from './upload.ts'

/** In the order in which they run; those that need no large fleet first. */
const benches: Readonly<Record<string, Bench>> = {
  handshakes,
  storm,
  'status-reports': statusReports,
  upload,
  'check-in': checkIn,
  'disk-per-device': diskPerDevice,
  'device-list': deviceList,
  'deployment-create': deploymentCreate,
  memory,
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false } },
})
const unknown = positionals.filter((name) => !Object.hasOwn(benches, name))
if (unknown.length > 0) {
  console.error(`There is no bench ${unknown.join(', ')}; there are: ${Object.keys(benches).join(', ')}`)
  process.exit(2)
}

const figures: Figure[] = []
const report = (figure: Figure) => {
  figures.push(figure)
  console.log(values.json ? toJson(figure) : toLine(figure))
}
{
  await using room = new BenchRoom()
  for (const [name, bench] of Object.entries(benches)) {
    if (positionals.length === 0 || positionals.includes(name)) await bench(room, report)
  }
}
const missed = figures.filter(({ ok }) => ok === false).map(({ name }) => name)
if (missed.length > 0) console.error(`Missed: ${missed.join(', ')}`)
process.exitCode = missed.length > 0 ? 1 : 0
