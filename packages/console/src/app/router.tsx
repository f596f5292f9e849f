import { Fault } from '@holdfast/kernel'
import type { QueryClient } from '@tanstack/react-query'
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router'
import { ask } from '../api/questions.ts'
import { Loading } from '../ui/skeleton.tsx'
import { Failed, NotFound } from './failed.tsx'
import { Shell } from './shell.tsx'

interface Context {
  queries: QueryClient
}

const root = createRootRouteWithContext<Context>()({ component: Outlet })

const shell = createRoute({
  getParentRoute: () => root,
  id: 'shell',
  component: Shell,
  beforeLoad: async ({ context, location }) => {
    try {
      await context.queries.ensureQueryData(ask.me())
    } catch (thrown) {
      if (!(thrown instanceof Fault) || thrown.kind !== 'unauthenticated') throw thrown
      throw redirect({ to: '/sign-in', search: location.href === '/' ? {} : { next: location.href } })
    }
  },
})

type Search = Record<string, unknown>
function words<const K extends string>(...names: K[]): (search: Search) => { [P in K]?: string } {
  return (search) =>
    Object.fromEntries(
      names.flatMap((name) => {
        const value = search[name]
        return value === undefined || value === '' ? [] : [[name, String(value)]]
      }),
    ) as { [P in K]?: string }
}

const setup = createRoute({
  getParentRoute: () => root,
  path: '/setup',
  component: lazyRouteComponent(() => import('../pages/session/setup.tsx'), 'SetupPage'),
})
const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  validateSearch: words('next'),
  component: lazyRouteComponent(() => import('../pages/session/sign-in.tsx'), 'SignInPage'),
})
const invitation = createRoute({
  getParentRoute: () => root,
  path: '/invitation',
  component: lazyRouteComponent(() => import('../pages/session/invitation.tsx'), 'InvitationPage'),
})
const sso = createRoute({
  getParentRoute: () => root,
  path: '/sso/$provider',
  component: lazyRouteComponent(() => import('../pages/session/sso.tsx'), 'SsoPage'),
})

const overview = createRoute({
  getParentRoute: () => shell,
  path: '/',
  component: lazyRouteComponent(() => import('../pages/overview/overview.tsx'), 'OverviewPage'),
})

const devices = createRoute({
  getParentRoute: () => shell,
  path: '/devices',
  validateSearch: words('filter', 'search', 'state', 'sort'),
  component: lazyRouteComponent(() => import('../pages/devices/devices.tsx'), 'DevicesPage'),
})
const addDevices = createRoute({
  getParentRoute: () => shell,
  path: '/devices/add',
  component: lazyRouteComponent(() => import('../pages/devices/add.tsx'), 'AddDevicesPage'),
})
const acceptRules = createRoute({
  getParentRoute: () => shell,
  path: '/devices/rules',
  component: lazyRouteComponent(() => import('../pages/devices/rules.tsx'), 'AcceptRulesPage'),
})
const device = createRoute({
  getParentRoute: () => shell,
  path: '/devices/$device',
  component: lazyRouteComponent(() => import('../pages/device/device.tsx'), 'DevicePage'),
})
const deviceDeployments = createRoute({
  getParentRoute: () => device,
  path: '/',
  component: lazyRouteComponent(() => import('../pages/device/deployments.tsx'), 'DeviceDeployments'),
})
const deviceInventory = createRoute({
  getParentRoute: () => device,
  path: 'inventory',
  component: lazyRouteComponent(() => import('../pages/device/inventory.tsx'), 'DeviceInventory'),
})
const deviceKeys = createRoute({
  getParentRoute: () => device,
  path: 'keys',
  component: lazyRouteComponent(() => import('../pages/device/keys.tsx'), 'DeviceKeys'),
})
const deviceConfiguration = createRoute({
  getParentRoute: () => device,
  path: 'configuration',
  component: lazyRouteComponent(() => import('../pages/device/configuration.tsx'), 'DeviceConfiguration'),
})

const groups = createRoute({
  getParentRoute: () => shell,
  path: '/groups',
  component: lazyRouteComponent(() => import('../pages/groups/groups.tsx'), 'GroupsPage'),
})
const newGroup = createRoute({
  getParentRoute: () => shell,
  path: '/groups/new',
  validateSearch: words('filter'),
  component: lazyRouteComponent(() => import('../pages/groups/new.tsx'), 'NewGroupPage'),
})
const group = createRoute({
  getParentRoute: () => shell,
  path: '/groups/$group',
  component: lazyRouteComponent(() => import('../pages/groups/group.tsx'), 'GroupPage'),
})

const products = createRoute({
  getParentRoute: () => shell,
  path: '/products',
  component: lazyRouteComponent(() => import('../pages/products/products.tsx'), 'ProductsPage'),
})
const newProduct = createRoute({
  getParentRoute: () => shell,
  path: '/products/new',
  component: lazyRouteComponent(() => import('../pages/products/new.tsx'), 'NewProductPage'),
})
const product = createRoute({
  getParentRoute: () => shell,
  path: '/products/$product',
  component: lazyRouteComponent(() => import('../pages/products/product.tsx'), 'ProductPage'),
})

const releases = createRoute({
  getParentRoute: () => shell,
  path: '/releases',
  validateSearch: words('product', 'search'),
  component: lazyRouteComponent(() => import('../pages/releases/releases.tsx'), 'ReleasesPage'),
})
const newRelease = createRoute({
  getParentRoute: () => shell,
  path: '/releases/new',
  validateSearch: words('product'),
  component: lazyRouteComponent(() => import('../pages/releases/new.tsx'), 'NewReleasePage'),
})
const release = createRoute({
  getParentRoute: () => shell,
  path: '/releases/$release',
  component: lazyRouteComponent(() => import('../pages/releases/release.tsx'), 'ReleasePage'),
})

const deployments = createRoute({
  getParentRoute: () => shell,
  path: '/deployments',
  validateSearch: words('state', 'product'),
  component: lazyRouteComponent(() => import('../pages/deployments/deployments.tsx'), 'DeploymentsPage'),
})
const newDeployment = createRoute({
  getParentRoute: () => shell,
  path: '/deployments/new',
  validateSearch: words('release', 'group', 'filter', 'device'),
  component: lazyRouteComponent(() => import('../pages/deploy/deploy.tsx'), 'DeployPage'),
})
const deployment = createRoute({
  getParentRoute: () => shell,
  path: '/deployments/$deployment',
  validateSearch: words('status', 'phase', 'device'),
  component: lazyRouteComponent(() => import('../pages/deployment/deployment.tsx'), 'DeploymentPage'),
})

const audit = createRoute({
  getParentRoute: () => shell,
  path: '/audit',
  validateSearch: words('type', 'subject', 'actor', 'from', 'to', 'record'),
  component: lazyRouteComponent(() => import('../pages/audit/audit.tsx'), 'AuditPage'),
})

const people = createRoute({
  getParentRoute: () => shell,
  path: '/people',
  component: lazyRouteComponent(() => import('../pages/people/people.tsx'), 'PeoplePage'),
})
const invite = createRoute({
  getParentRoute: () => shell,
  path: '/people/invite',
  component: lazyRouteComponent(() => import('../pages/people/invite.tsx'), 'InvitePage'),
})
const roles = createRoute({
  getParentRoute: () => shell,
  path: '/people/roles',
  component: lazyRouteComponent(() => import('../pages/people/roles.tsx'), 'RolesPage'),
})
const tokens = createRoute({
  getParentRoute: () => shell,
  path: '/people/tokens',
  component: lazyRouteComponent(() => import('../pages/people/tokens.tsx'), 'TokensPage'),
})
const support = createRoute({
  getParentRoute: () => shell,
  path: '/people/support',
  component: lazyRouteComponent(() => import('../pages/people/support.tsx'), 'SupportPage'),
})

const settings = createRoute({
  getParentRoute: () => shell,
  path: '/settings',
  component: lazyRouteComponent(() => import('../pages/settings/account.tsx'), 'AccountPage'),
})
const organisation = createRoute({
  getParentRoute: () => shell,
  path: '/settings/organisation',
  component: lazyRouteComponent(() => import('../pages/settings/organisation.tsx'), 'OrganisationPage'),
})
const connect = createRoute({
  getParentRoute: () => shell,
  path: '/settings/connect',
  component: lazyRouteComponent(() => import('../pages/settings/connect.tsx'), 'ConnectPage'),
})

const tree = root.addChildren([
  setup,
  signIn,
  invitation,
  sso,
  shell.addChildren([
    overview,
    devices,
    addDevices,
    acceptRules,
    device.addChildren([deviceDeployments, deviceInventory, deviceKeys, deviceConfiguration]),
    groups,
    newGroup,
    group,
    products,
    newProduct,
    product,
    releases,
    newRelease,
    release,
    deployments,
    newDeployment,
    deployment,
    audit,
    people,
    invite,
    roles,
    tokens,
    support,
    settings,
    organisation,
    connect,
  ]),
])

export function makeRouter(queries: QueryClient) {
  return createRouter({
    routeTree: tree,
    context: { queries },
    defaultPreload: 'intent',
    defaultPendingMs: 300,
    defaultPendingComponent: Loading,
    defaultErrorComponent: Failed,
    defaultNotFoundComponent: NotFound,
    scrollRestoration: false,
  })
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof makeRouter>
  }
}
