import { TabLinks } from '../../ui/tabs.tsx'

export function DevicesTabs() {
  return (
    <TabLinks
      label="Devices"
      tabs={[
        { label: 'Registry', to: '/devices', exact: true },
        { label: 'Add', to: '/devices/add' },
        { label: 'Acceptance', to: '/devices/rules' },
      ]}
    />
  )
}
