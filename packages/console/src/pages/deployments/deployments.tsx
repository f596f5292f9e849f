import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { OctagonX, Rocket } from 'lucide-react'
import { useState } from 'react'
import { useRefresh } from '../../api/act.ts'
import { client, type Deployment } from '../../api/client.ts'
import { ask } from '../../api/questions.ts'
import { useMay } from '../../app/session.ts'
import { Asked } from '../../ui/ask.tsx'
import { Button, LinkButton } from '../../ui/button.tsx'
import { Confirm } from '../../ui/confirm.tsx'
import { Empty } from '../../ui/empty.tsx'
import { plural } from '../../ui/format.ts'
import { More } from '../../ui/more.tsx'
import { Page } from '../../ui/page.tsx'
import { deploymentStates, isOver } from '../../ui/states.ts'
import { DeploymentLine } from './deployment-line.tsx'

export function DeploymentsPage() {
  const { state = '', product = '' } = useSearch({ from: '/shell/deployments' })
  const navigate = useNavigate({ from: '/deployments' })
  const may = useMay()
  const products = useQuery(ask.products())
  const pages = useInfiniteQuery(
    ask.deployments({ ...(state === '' ? {} : { state }), ...(product === '' ? {} : { product }) }),
  )
  const [stopping, setStopping] = useState(false)
  const items = pages.data?.pages.flatMap((page) => page.items) ?? []
  const open = items.filter((one) => !isOver(one.state))
  const deploy = may('deployments.create') && (
    <LinkButton to="/deployments/new" look="primary" icon={Rocket}>
      Deploy a release
    </LinkButton>
  )
  return (
    <Page
      title="Deployments"
      actions={
        <>
          {may('deployments.stop') && open.length > 0 && (
            <Button look="danger" icon={OctagonX} onClick={() => setStopping(true)}>
              Stop all
            </Button>
          )}
          {deploy}
        </>
      }
    >
      <div className="flex flex-wrap gap-2">
        <select
          aria-label="State"
          className="input w-auto"
          value={state}
          onChange={(event) =>
            void navigate({ search: (before) => ({ ...before, state: event.target.value }), replace: true })
          }
        >
          <option value="">Every state</option>
          {Object.entries(deploymentStates).map(([value, { label }]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
        <select
          aria-label="Product"
          className="input w-auto"
          value={product}
          onChange={(event) =>
            void navigate({ search: (before) => ({ ...before, product: event.target.value }), replace: true })
          }
        >
          <option value="">All products</option>
          {products.data?.items.map((one) => (
            <option key={one.id} value={one.id}>
              {one.name}
            </option>
          ))}
        </select>
      </div>
      <div className="panel">
        <Asked of={pages}>
          {() =>
            items.length === 0 ? (
              <Empty
                icon={Rocket}
                title={state === '' && product === '' ? 'No deployment yet' : 'No deployment matches'}
                action={deploy}
              >
                Choose a release and who gets it. Phases let a few devices go first; the deployment halts by itself when
                too many fail.
              </Empty>
            ) : (
              <>
                <ul className="divide-y divide-line">
                  {items.map((deployment) => (
                    <li key={deployment.id}>
                      <DeploymentLine of={deployment} />
                    </li>
                  ))}
                </ul>
                <More of={pages} />
              </>
            )
          }
        </Asked>
      </div>
      <StopAll open={stopping} onClose={() => setStopping(false)} deployments={open} />
    </Page>
  )
}

function StopAll({
  open,
  onClose,
  deployments,
}: {
  open: boolean
  onClose: () => void
  deployments: readonly Deployment[]
}) {
  const refresh = useRefresh()
  return (
    <Confirm
      open={open}
      onClose={onClose}
      title="Stop every deployment"
      verb="Stop all"
      always
      reason="required"
      devices={deployments.reduce((sum, one) => sum + one.devices, 0)}
      consequences={[
        `At least ${plural(deployments.length, 'deployment')} of this organisation end for good.`,
        'Devices that are at it are told to cancel; those that already installed keep what they have.',
        'It cannot be undone; make new deployments to go on.',
      ]}
      act={async (reason) => {
        const { aborted } = await client.deployments.abortAll({ body: { reason } })
        await refresh(['deployments'], `${plural(aborted, 'deployment')} stopped`)
      }}
    />
  )
}
