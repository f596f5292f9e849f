import { useQuery } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { ask } from '../../api/questions.ts'
import { useMay } from '../../app/session.ts'
import { Asked } from '../../ui/ask.tsx'
import { LinkButton } from '../../ui/button.tsx'
import { Panel } from '../../ui/page.tsx'
import { MenderSteps, SwupdateSteps } from '../settings/connect-steps.tsx'

/** What an empty fleet is shown: how the first device gets here. */
export function FirstDevice() {
  const may = useMay()
  const server = useQuery(ask.server())
  const organisation = useQuery({ ...ask.organisation(), enabled: may('organisation.read') })
  return (
    <>
      <section className="panel grid gap-3 p-5">
        <h2 className="text-lg">Connect the first device</h2>
        <p className="max-w-2xl text-muted">
          Devices keep the update client that they have. Point it at this server; the device appears here as pending,
          you accept its key once, and from then on it can be given releases.
        </p>
        <div className="flex flex-wrap gap-2">
          {may('devices.accept') && (
            <LinkButton to="/devices/add" look="primary" icon={Plus}>
              Preauthorise devices
            </LinkButton>
          )}
          {may('products.manage') && <LinkButton to="/products/new">Make a product</LinkButton>}
        </div>
      </section>
      <Asked of={server}>
        {(facts) => (
          <div className="grid grid-cols-[minmax(0,1fr)] items-start gap-5 lg:grid-cols-2">
            <Panel title="A device with mender-client" padded>
              <MenderSteps of={facts} {...(organisation.data && { tenantToken: organisation.data.tenantToken })} />
            </Panel>
            <Panel title="A device with SWUpdate" padded>
              <SwupdateSteps of={facts} {...(organisation.data && { tenant: organisation.data.ddiTenant })} />
            </Panel>
          </div>
        )}
      </Asked>
    </>
  )
}
