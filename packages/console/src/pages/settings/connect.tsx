import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useRefresh } from '../../api/act.ts'
import { client } from '../../api/client.ts'
import { ask } from '../../api/questions.ts'
import { useMay } from '../../app/session.ts'
import { Asked } from '../../ui/ask.tsx'
import { Button } from '../../ui/button.tsx'
import { Confirm } from '../../ui/confirm.tsx'
import { Copyable, OneTimeSecret } from '../../ui/copyable.tsx'
import { KeyValues } from '../../ui/key-values.tsx'
import { Page, Panel } from '../../ui/page.tsx'
import { AuthorityDownload, MenderSteps, SwupdateSteps } from './connect-steps.tsx'
import { SettingsTabs } from './settings-tabs.tsx'

export function ConnectPage() {
  const may = useMay()
  const server = useQuery(ask.server())
  const organisation = useQuery({ ...ask.organisation(), enabled: may('organisation.read') })
  return (
    <Page title="Connect devices" tabs={<SettingsTabs />}>
      <Asked of={server}>
        {(facts) => (
          <>
            <Panel title="Addresses" padded>
              <KeyValues
                items={[
                  ['Mender clients', <Copyable key="device" value={facts.deviceUrl} label="address" />],
                  ['DDI clients', <Copyable key="ddi" value={facts.ddiUrl} label="address" />],
                  organisation.data === undefined
                    ? undefined
                    : [
                        'Tenant token',
                        <Copyable key="tenant" value={organisation.data.tenantToken} short={40} label="tenant token" />,
                      ],
                  organisation.data === undefined
                    ? undefined
                    : [
                        'DDI tenant',
                        <Copyable key="ddi-tenant" value={organisation.data.ddiTenant} label="DDI tenant" />,
                      ],
                  ['Authority', <AuthorityDownload key="authority" of={facts} />],
                ]}
              />
            </Panel>
            <div className="grid grid-cols-[minmax(0,1fr)] items-start gap-5 lg:grid-cols-2">
              <Panel title="A device with mender-client" padded>
                <MenderSteps
                  of={facts}
                  {...(organisation.data === undefined ? {} : { tenantToken: organisation.data.tenantToken })}
                />
              </Panel>
              <Panel title="A device with SWUpdate" padded>
                <SwupdateSteps
                  of={facts}
                  {...(organisation.data === undefined ? {} : { tenant: organisation.data.ddiTenant })}
                />
              </Panel>
            </div>
            {may('organisation.manage') && <GatewayToken />}
          </>
        )}
      </Asked>
    </Page>
  )
}

function GatewayToken() {
  const refresh = useRefresh()
  const [asking, setAsking] = useState(false)
  const [token, setToken] = useState<string>()
  return (
    <Panel title="DDI gateway token" padded className="max-w-2xl">
      <div className="grid gap-3">
        <p className="text-muted">
          Lets a gateway act for any controller of this organisation. Prefer a target token for each device: it opens
          only that device.
        </p>
        {token === undefined ? (
          <Button className="w-fit" onClick={() => setAsking(true)}>
            Make a new gateway token
          </Button>
        ) : (
          <OneTimeSecret value={token} label="gateway token" note="Shown once. The one before it no longer works." />
        )}
      </div>
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        title="Make a new gateway token"
        verb="Make token"
        always
        consequences={[
          'Whoever has it can act for every DDI device of the organisation.',
          'The gateway token before it stops working at once.',
        ]}
        act={async () => {
          setToken((await client.devices.gatewayToken()).token)
          await refresh(['devices'])
        }}
      />
    </Panel>
  )
}
