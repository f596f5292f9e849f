import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { type AuditQuery, client, type DeviceQuery, type NewDeployment } from './client.ts'

/**
 * Every question that the console asks, with the key under which its answer is kept. A key begins with the domain, so
 * that a live event about a domain makes all of its answers stale.
 */
export const ask = {
  setupState: () => queryOptions({ queryKey: ['session', 'setup'], queryFn: () => client.session.setupState() }),
  me: () => queryOptions({ queryKey: ['session', 'me'], queryFn: () => client.session.me(), staleTime: 60_000 }),
  passkeys: () => queryOptions({ queryKey: ['session', 'passkeys'], queryFn: () => client.session.passkeys() }),

  overview: () => queryOptions({ queryKey: ['overview'], queryFn: () => client.system.overview() }),
  server: () => queryOptions({ queryKey: ['server'], queryFn: () => client.system.server(), staleTime: 300_000 }),

  organisation: () =>
    queryOptions({ queryKey: ['people', 'organisation'], queryFn: () => client.people.organisation() }),
  people: () =>
    queryOptions({ queryKey: ['people', 'list'], queryFn: () => client.people.list({ query: { limit: 500 } }) }),
  invitations: () => queryOptions({ queryKey: ['people', 'invitations'], queryFn: () => client.people.invitations() }),
  roles: () => queryOptions({ queryKey: ['people', 'roles'], queryFn: () => client.people.roles() }),
  tokens: () => queryOptions({ queryKey: ['people', 'tokens'], queryFn: () => client.people.tokens() }),
  supportAccess: () => queryOptions({ queryKey: ['people', 'support'], queryFn: () => client.people.supportAccess() }),

  products: () => queryOptions({ queryKey: ['products', 'list'], queryFn: () => client.products.list() }),
  product: (product: string) =>
    queryOptions({ queryKey: ['products', product], queryFn: () => client.products.get({ params: { product } }) }),

  deviceCount: (filter: string) =>
    queryOptions({
      queryKey: ['devices', 'count', filter],
      queryFn: () => client.devices.count({ query: filter === '' ? {} : { filter } }),
      retry: false,
    }),
  devicePages: (query: DeviceQuery) =>
    infiniteQueryOptions({
      queryKey: ['devices', 'list', query],
      queryFn: ({ pageParam }) =>
        client.devices.list({ query: { ...query, limit: 100, ...(pageParam === '' ? {} : { cursor: pageParam }) } }),
      initialPageParam: '',
      getNextPageParam: (page) => page.next,
      retry: false,
    }),
  deviceSearch: (search: string) =>
    queryOptions({
      queryKey: ['devices', 'search', search],
      queryFn: () => client.devices.list({ query: { search, limit: 8 } }),
      enabled: search.length > 1,
    }),
  deviceExamples: (filter: string) =>
    queryOptions({
      queryKey: ['devices', 'examples', filter],
      queryFn: () => client.devices.list({ query: { filter, limit: 8 } }),
      retry: false,
    }),
  attributes: () =>
    queryOptions({
      queryKey: ['devices', 'attributes'],
      queryFn: () => client.devices.attributes(),
      staleTime: 60_000,
    }),
  facets: (attribute: string) =>
    queryOptions({
      queryKey: ['devices', 'facets', attribute],
      queryFn: () => client.devices.facets({ query: { attribute, limit: 50 } }),
      staleTime: 60_000,
      retry: false,
    }),
  device: (device: string) =>
    queryOptions({ queryKey: ['devices', device], queryFn: () => client.devices.get({ params: { device } }) }),
  inventoryHistory: (device: string) =>
    infiniteQueryOptions({
      queryKey: ['devices', device, 'history'],
      queryFn: ({ pageParam }) =>
        client.devices.inventoryHistory({ params: { device }, query: pageParam === '' ? {} : { cursor: pageParam } }),
      initialPageParam: '',
      getNextPageParam: (page) => page.next,
    }),
  configuration: (device: string) =>
    queryOptions({
      queryKey: ['devices', device, 'configuration'],
      queryFn: () => client.configuration.get({ params: { device } }),
    }),
  configurationHistory: (device: string) =>
    queryOptions({
      queryKey: ['devices', device, 'configuration', 'history'],
      queryFn: () => client.configuration.history({ params: { device }, query: { limit: 50 } }),
    }),
  deviceDeployments: (device: string) =>
    queryOptions({
      queryKey: ['deployments', 'of', device],
      queryFn: () => client.deployments.ofDevice({ params: { device }, query: { limit: 50 } }),
    }),
  wouldDo: (device: string) =>
    queryOptions({
      queryKey: ['deployments', 'next', device],
      queryFn: () => client.deployments.wouldDo({ params: { device } }),
    }),

  groups: () => queryOptions({ queryKey: ['groups', 'list'], queryFn: () => client.devices.groups() }),
  group: (group: string) =>
    queryOptions({ queryKey: ['groups', group], queryFn: () => client.devices.getGroup({ params: { group } }) }),
  acceptRules: () => queryOptions({ queryKey: ['devices', 'rules'], queryFn: () => client.devices.acceptRules() }),
  authorities: () =>
    queryOptions({ queryKey: ['devices', 'authorities'], queryFn: () => client.devices.authorities() }),

  releases: (query: { product?: string; search?: string; state?: 'draft' | 'signed' | 'released' | 'withdrawn' }) =>
    infiniteQueryOptions({
      queryKey: ['releases', 'list', query],
      queryFn: ({ pageParam }) =>
        client.releases.list({ query: { ...query, ...(pageParam === '' ? {} : { cursor: pageParam }) } }),
      initialPageParam: '',
      getNextPageParam: (page) => page.next,
    }),
  release: (release: string) =>
    queryOptions({ queryKey: ['releases', release], queryFn: () => client.releases.get({ params: { release } }) }),

  deployments: (query: { state?: string; product?: string; release?: string; limit?: number }) =>
    infiniteQueryOptions({
      queryKey: ['deployments', 'list', query],
      queryFn: ({ pageParam }) =>
        client.deployments.list({ query: { ...query, ...(pageParam === '' ? {} : { cursor: pageParam }) } }),
      initialPageParam: '',
      getNextPageParam: (page) => page.next,
    }),
  deployment: (deployment: string) =>
    queryOptions({
      queryKey: ['deployments', deployment],
      queryFn: () => client.deployments.get({ params: { deployment } }),
    }),
  deploymentDevices: (deployment: string, query: { status?: DeviceStatusText; phase?: number }) =>
    infiniteQueryOptions({
      queryKey: ['deployments', deployment, 'devices', query],
      queryFn: ({ pageParam }) =>
        client.deployments.devices({
          params: { deployment },
          query: { ...query, ...(pageParam === '' ? {} : { cursor: pageParam }) },
        }),
      initialPageParam: '',
      getNextPageParam: (page) => page.next,
    }),
  timeline: (deployment: string, device: string) =>
    queryOptions({
      queryKey: ['deployments', deployment, 'timeline', device],
      queryFn: () => client.deployments.timeline({ params: { deployment, device } }),
    }),
  log: (deployment: string, device: string) =>
    queryOptions({
      queryKey: ['deployments', deployment, 'log', device],
      queryFn: () => client.deployments.log({ params: { deployment, device } }),
    }),
  preview: (body: Omit<NewDeployment, 'name'>) =>
    queryOptions({
      queryKey: ['deployments', 'preview', body],
      queryFn: () => client.deployments.preview({ body }),
      retry: false,
    }),

  audit: (query: AuditQuery) =>
    infiniteQueryOptions({
      queryKey: ['audit', 'list', query],
      queryFn: ({ pageParam }) =>
        client.audit.list({ query: { ...query, ...(pageParam === '' ? {} : { cursor: pageParam }) } }),
      initialPageParam: '',
      getNextPageParam: (page) => page.next,
    }),
  auditRecord: (record: string) =>
    queryOptions({ queryKey: ['audit', record], queryFn: () => client.audit.get({ params: { record } }) }),
  auditState: () => queryOptions({ queryKey: ['audit', 'state'], queryFn: () => client.audit.state() }),
}

type DeviceStatusText = NonNullable<NonNullable<Parameters<typeof client.deployments.devices>[0]['query']>['status']>
