import { useInfiniteQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Rocket, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { useRefresh } from '../../api/act.ts'
import { client, type Release } from '../../api/client.ts'
import { ask } from '../../api/questions.ts'
import { useMay } from '../../app/session.ts'
import { Button, LinkButton } from '../../ui/button.tsx'
import { Confirm } from '../../ui/confirm.tsx'
import { plural } from '../../ui/format.ts'
import { isOver } from '../../ui/states.ts'

type Act = 'release' | 'withdraw' | 'remove'

export function ReleaseActions({ of: release }: { of: Release }) {
  const may = useMay()
  const refresh = useRefresh()
  const navigate = useNavigate()
  const [asking, setAsking] = useState<Act>()
  const running = useInfiniteQuery({
    ...ask.deployments({ release: release.id, limit: 100 }),
    enabled: asking === 'withdraw',
  })
  const open = (running.data?.pages[0]?.items ?? []).filter((one) => !isOver(one.state))
  const params = { release: release.id }
  const draft = release.state === 'draft' || release.state === 'signed'
  const ready = release.artifacts.length > 0 && release.signatures.trusted >= release.signatures.required
  const close = (): void => setAsking(undefined)
  return (
    <>
      {draft && may('releases.upload') && (
        <Button icon={Trash2} onClick={() => setAsking('remove')}>
          Remove
        </Button>
      )}
      {draft && may('releases.release') && (
        <Button
          look="primary"
          disabled={!ready}
          title={ready ? undefined : 'It needs an artifact and the signatures that its product demands'}
          onClick={() => setAsking('release')}
        >
          Release
        </Button>
      )}
      {release.state === 'released' && may('releases.withdraw') && (
        <Button look="danger" onClick={() => setAsking('withdraw')}>
          Withdraw
        </Button>
      )}
      {release.state === 'released' && may('deployments.create') && (
        <LinkButton to="/deployments/new" search={{ release: release.id }} look="primary" icon={Rocket}>
          Deploy
        </LinkButton>
      )}
      <Confirm
        open={asking === 'release'}
        onClose={close}
        title={`Release ${release.version}`}
        verb="Release"
        look="primary"
        consequences={[
          'From now on it can be deployed.',
          'Its artifacts and version no longer change.',
          'No device gets it before somebody deploys it.',
        ]}
        act={async () => {
          await client.releases.release({ params })
          await refresh(['releases'], `${release.version} released`)
        }}
      />
      <Confirm
        open={asking === 'withdraw'}
        onClose={close}
        title={`Withdraw ${release.version}`}
        verb="Withdraw"
        always
        reason="required"
        devices={open.reduce((sum, one) => sum + one.devices, 0)}
        consequences={[
          `${plural(open.length, 'deployment')} of it ${open.length === 1 ? 'halts' : 'halt'} at once.`,
          'No device gets it any more; devices that already run it keep it.',
          'It cannot be released again.',
        ]}
        act={async (reason) => {
          await client.releases.withdraw({ params, body: { reason } })
          await refresh(['releases', 'deployments'], `${release.version} withdrawn`)
        }}
      />
      <Confirm
        open={asking === 'remove'}
        onClose={close}
        title={`Remove ${release.version}`}
        verb="Remove"
        consequences={['The release and its artifacts are deleted.', 'It was never released, so no device has it.']}
        act={async () => {
          await client.releases.remove({ params })
          await navigate({ to: '/releases' })
          await refresh(['releases'], `${release.version} removed`)
        }}
      />
    </>
  )
}
