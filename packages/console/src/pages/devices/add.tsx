import { Page } from '../../ui/page.tsx'
import { DevicesTabs } from './devices-tabs.tsx'
import { ImportPanel } from './import-panel.tsx'
import { PreauthorisePanel } from './preauthorise-panel.tsx'

export function AddDevicesPage() {
  return (
    <Page title="Add devices" tabs={<DevicesTabs />}>
      <div className="grid grid-cols-[minmax(0,1fr)] items-start gap-5 xl:grid-cols-2">
        <PreauthorisePanel />
        <ImportPanel />
      </div>
    </Page>
  )
}
