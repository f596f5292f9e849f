import type { Command } from 'commander'
import { instant, integer } from '../arguments.ts'
import { type Operator, operatorOf } from '../connection.ts'
import { count, short } from '../wording.ts'

/** What people do to a deployment that is under way. */
export function registerDeployControl(deploy: Command): void {
  const simple = (
    name: string,
    description: string,
    act: (operator: Operator, id: string) => Promise<void>,
    said: string,
  ) =>
    deploy
      .command(name)
      .argument('<deployment>', 'id, name or latest')
      .description(description)
      .action(async (text: string, _options: object, command: Command) => {
        const operator = await operatorOf(command)
        const deployment = await operator.names.deployment(text)
        await act(operator, deployment.id)
        operator.out.done(`${deployment.name}: ${said}`, { id: deployment.id })
      })
  simple(
    'pause',
    'hand out nothing new until resumed',
    ({ client }, deployment) => client.deployments.pause({ params: { deployment } }),
    'paused; go on with holdfast deploy resume',
  )
  simple(
    'resume',
    'go on',
    ({ client }, deployment) => client.deployments.resume({ params: { deployment } }),
    'resumed',
  )
  simple(
    'install',
    'let a download-only deployment install',
    ({ client }, deployment) => client.deployments.install({ params: { deployment } }),
    'devices install from now on',
  )
  simple(
    'force',
    'ignore windows and installed versions from now on',
    ({ client }, deployment) => client.deployments.force({ params: { deployment } }),
    'forced',
  )
  deploy
    .command('abort')
    .argument('<deployment>', 'id, name or latest')
    .description('stop for good; devices that are at it are told to cancel')
    .option('--reason <text>', 'why', '')
    .action(abort)
  deploy
    .command('abort-all')
    .description('stop every deployment of the organisation')
    .requiredOption('--reason <text>', 'why')
    .action(abortAll)
  deploy
    .command('open-phase')
    .argument('<deployment>', 'id, name or latest')
    .argument('<phase>', 'its number', integer)
    .description('open a gated phase, or a waiting one early')
    .action(openPhase)
  deploy
    .command('extend')
    .argument('<deployment>', 'id, name or latest')
    .argument('<until>', 'a time, or a span from now such as 7d', instant)
    .description('move its expiry')
    .action(extend)
  deploy
    .command('roll-back')
    .argument('<deployment>', 'id, name or latest')
    .description('deploy the release before to the same devices, in one step')
    .option('--release <release>', 'another release than the one before')
    .action(rollBack)
}

async function abort(text: string, options: { reason: string }, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const { id, name } = await names.deployment(text)
  await client.deployments.abort({ params: { deployment: id }, body: options })
  out.done(`${name}: aborted`, { id })
}

async function abortAll(options: { reason: string }, command: Command): Promise<void> {
  const { client, out } = await operatorOf(command)
  const answer = await client.deployments.abortAll({ body: options })
  out.done(`Aborted ${count(answer.aborted, 'deployment')}`, answer)
}

async function openPhase(text: string, phase: number, _options: object, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const { id, name } = await names.deployment(text)
  await client.deployments.openPhase({ params: { deployment: id, phase } })
  out.done(`${name}: phase ${phase} is open`, { id, phase })
}

async function extend(text: string, expiresAt: string, _options: object, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const { id, name } = await names.deployment(text)
  await client.deployments.extend({ params: { deployment: id }, body: { expiresAt } })
  out.done(`${name}: expires ${expiresAt}`, { id, expiresAt })
}

async function rollBack(text: string, options: { release?: string }, command: Command): Promise<void> {
  const { client, out, names } = await operatorOf(command)
  const { id, name } = await names.deployment(text)
  const release = options.release === undefined ? {} : { release: (await names.release(options.release)).id }
  const answer = await client.deployments.rollBack({ params: { deployment: id }, body: release })
  out.done(
    `Rolling back ${name} on ${count(answer.devices, 'device')}; watch it: holdfast deploy watch ${short(answer.id)}`,
    answer,
  )
}
