import { type Bench, clientOf } from './bench.ts'
import { atMost, atMostTimes, median } from './figure.ts'
import { createRelease } from './status-reports.ts'

const fleet = 1_000_000
const rounds = 15
const mostMilliseconds = 50

/** Deployments that begin at once, to ten devices and to all of a million, through the REST interface. */
export const deploymentCreate: Bench = async (room, report) => {
  const { data, product } = await room.fleet(fleet)
  const client = clientOf(await room.server(data))
  const release = await createRelease(client, product, '6.1.0')
  const took: { few: number[]; all: number[] } = { few: [], all: [] }
  for (let round = 0; round <= rounds; round += 1) {
    for (const [name, filter, expected] of [
      ['few', 'tag = "first-ten"', 10],
      ['all', 'state = accepted', fleet],
    ] as const) {
      const body = { name: `${name} ${round}`, release, target: { kind: 'filter' as const, filter }, policy: {} }
      const begun = performance.now()
      const { id: deployment, devices } = await client.deployments.create({ body })
      if (round > 0) took[name].push(performance.now() - begun)
      if (devices !== expected) throw new Error(`the deployment is to ${devices} devices, not ${expected}`)
      await client.deployments.abort({ params: { deployment }, body: { reason: 'the round is over' } })
    }
  }
  const [few, all] = [median(took.few), median(took.all)]
  report(atMost('deployment-create for 10', few, mostMilliseconds, 'ms'))
  report(atMost('deployment-create for 1,000,000', all, mostMilliseconds, 'ms'))
  report(atMostTimes('deployment-create', all, few, 2, 'ms'))
}
