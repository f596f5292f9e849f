import { TabLinks } from '../../ui/tabs.tsx'

export function PeopleTabs() {
  return (
    <TabLinks
      label="People"
      tabs={[
        { label: 'Members', to: '/people', exact: true },
        { label: 'Invite', to: '/people/invite' },
        { label: 'Roles', to: '/people/roles' },
        { label: 'API tokens', to: '/people/tokens' },
        { label: 'Support access', to: '/people/support' },
      ]}
    />
  )
}
