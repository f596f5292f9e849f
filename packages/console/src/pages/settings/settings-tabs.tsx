import { TabLinks } from '../../ui/tabs.tsx'

export function SettingsTabs() {
  return (
    <TabLinks
      label="Settings"
      tabs={[
        { label: 'Account', to: '/settings', exact: true },
        { label: 'Organisation', to: '/settings/organisation' },
        { label: 'Connect devices', to: '/settings/connect' },
      ]}
    />
  )
}
