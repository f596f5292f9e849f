import { setTimeout as sleep } from 'node:timers/promises'
import { Fault } from '@holdfast/kernel'
import type { Operator } from '../connection.ts'
import { deploymentLines, finalStates, summaryLine } from '../view/deployment-view.ts'
import { createLiveScreen } from '../view/live-screen.ts'

const lookEvery = 1_000
const patience = 60

/**
 * Shows a deployment until it ends: redrawn in a terminal, a line per change elsewhere, a JSON document per change with
 * `--json`. Throws `cli.not_finished` when it ends in another way than finished.
 */
export async function watchDeployment({ client, out }: Pick<Operator, 'client' | 'out'>, id: string): Promise<void> {
  const screen = process.stdout.isTTY && !out.json ? createLiveScreen() : undefined
  let shown = ''
  let misses = 0
  while (true) {
    const deployment = await client.deployments.get({ params: { deployment: id } }).catch((thrown: unknown) => {
      // A server that restarts in between is no reason to look away.
      misses += 1
      if (thrown instanceof Fault && thrown.kind === 'unavailable' && misses < patience) return undefined
      throw thrown
    })
    if (deployment !== undefined) {
      misses = 0
      const text = out.json ? JSON.stringify(deployment) : summaryLine(deployment)
      if (screen !== undefined) screen.draw(deploymentLines(deployment))
      else if (text !== shown) process.stdout.write(`${text}\n`)
      shown = text
      if (finalStates.has(deployment.state)) {
        if (deployment.state === 'finished') return
        throw new Fault(
          'refused',
          'cli.not_finished',
          `the deployment is ${deployment.state}${deployment.reason === undefined ? '' : `: ${deployment.reason}`}`,
        )
      }
    }
    await sleep(lookEvery)
  }
}
