import type { Command } from 'commander'
import { operatorOf } from '../connection.ts'
import { toned } from '../output.ts'
import { formatFacts } from '../table.ts'

export function registerOverview(program: Command): void {
  program.command('overview').description('the fleet at a glance').action(overview)
}

async function overview(_options: object, command: Command): Promise<void> {
  const { client, out } = await operatorOf(command)
  const answer = await client.system.overview()
  const { devices, deployments, releases, software } = answer
  const states = Object.entries(devices.states).map(([state, number]) => `${number} ${state}`)
  const halted = deployments.halted === 0 ? '0 halted' : toned('bad', `${deployments.halted} halted`)
  out.show(answer, () =>
    formatFacts([
      ['devices', `${devices.total}: ${states.join(', ') || 'none yet'}`],
      ['seen', devices.seenLastDay === undefined ? undefined : `${devices.seenLastDay} within a day`],
      [
        'deployments',
        `${deployments.running} running, ${deployments.scheduled} scheduled, ${halted}, ${deployments.finishedLastWeek} finished within a week`,
      ],
      ['releases', `${releases.released} released of ${releases.total}`],
      ['software', software.map((item) => `${item.version}  ${item.devices}`).join('\n')],
    ]),
  )
}
