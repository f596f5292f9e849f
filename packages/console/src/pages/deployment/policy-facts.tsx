import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { Deployment } from '../../api/client.ts'
import { ask } from '../../api/questions.ts'
import { plural, shortId } from '../../ui/format.ts'
import { KeyValues } from '../../ui/key-values.tsx'
import { Panel } from '../../ui/page.tsx'
import { Ago } from '../../ui/time.tsx'

/** Who it goes to and by which rules, in sentences. */
export function PolicyFacts({ of: deployment }: { of: Deployment }) {
  const { policy } = deployment
  return (
    <Panel title="Target and policy" padded className="max-xl:order-first">
      <KeyValues
        items={[
          ['Target', <TargetText key="target" of={deployment.target} />],
          [
            'Begun',
            <Ago
              key="begun"
              at={deployment.startedAt}
              none={policy.startAt === undefined ? 'not yet' : `on ${policy.startAt}`}
            />,
          ],
          ['By', deployment.createdBy],
          deployment.finishedAt === undefined ? undefined : ['Ended', <Ago key="ended" at={deployment.finishedAt} />],
          policy.expiresAt === undefined ? undefined : ['Expires', <Ago key="expires" at={policy.expiresAt} />],
          ['Halts at', haltText(policy)],
          [
            'Retries',
            policy.retries === 0
              ? 'none'
              : `${plural(policy.retries, 'retry', 'retries')}, first after ${String(policy.retryBackoffMinutes)} min`,
          ],
          ['Windows', policy.windows.length === 0 ? 'at any time' : policy.windows.map(windowText).join('; ')],
          policy.priority === 0 ? undefined : ['Priority', policy.priority],
          ...flagsOf(deployment).map((flag) => ['Also', flag] as const),
          deployment.rollbackOf === undefined
            ? undefined
            : [
                'Rolls back',
                <Link
                  key="rollback"
                  to="/deployments/$deployment"
                  params={{ deployment: deployment.rollbackOf }}
                  className="link"
                >
                  a deployment before
                </Link>,
              ],
        ]}
      />
    </Panel>
  )
}

function TargetText({ of: target }: { of: Deployment['target'] }) {
  const groups = useQuery({ ...ask.groups(), enabled: target.kind === 'group' })
  if (target.kind === 'devices') return <>{plural(target.devices.length, 'chosen device')}</>
  const lasting = target.continuous ? ', and those that join later' : ''
  if (target.kind === 'filter') {
    return (
      <>
        devices with <code className="text-xs break-words">{target.filter === '' ? 'any state' : target.filter}</code>
        {lasting}
      </>
    )
  }
  return (
    <>
      group{' '}
      <Link to="/groups/$group" params={{ group: target.group }} className="link">
        {groups.data?.items.find((group) => group.id === target.group)?.name ?? shortId(target.group)}
      </Link>
      {lasting}
    </>
  )
}

function haltText(policy: Deployment['policy']): string {
  const limits = [
    policy.haltAtFailurePercent === undefined
      ? undefined
      : `${String(policy.haltAtFailurePercent)} % failures of a phase`,
    policy.haltAtFailures === undefined ? undefined : `${plural(policy.haltAtFailures, 'failure')} in all`,
  ].filter((limit) => limit !== undefined)
  return limits.length === 0 ? 'no limit set' : limits.join(', or ')
}

const days = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']

function windowText(window: Deployment['policy']['windows'][number]): string {
  const when = window.days.length === 0 ? 'daily' : window.days.map((day) => days[day - 1]).join(', ')
  return `${when} ${window.from}–${window.to} device-local`
}

function flagsOf({ policy }: Deployment): string[] {
  return [
    policy.downloadOnly ? 'downloads only, installs when told' : undefined,
    policy.confirmation ? 'a person at the device confirms' : undefined,
    policy.force ? 'installs the same version again, outside of windows too' : undefined,
    policy.pauseBefore.length > 0 ? `pauses before ${policy.pauseBefore.join(', ')}` : undefined,
  ].filter((flag) => flag !== undefined)
}
