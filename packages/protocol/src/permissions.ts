/** Everything that an actor may be allowed to do. Roles are sets of these; grants give a role within a scope. */
export const permissions = [
  'organisation.read',
  'organisation.manage',
  'people.read',
  'people.manage',
  'support.grant',
  'products.read',
  'products.manage',
  'devices.read',
  'devices.accept',
  'devices.manage',
  'devices.quarantine',
  'devices.retire',
  'releases.read',
  'releases.upload',
  'releases.sign',
  'releases.release',
  'releases.withdraw',
  'deployments.read',
  'deployments.create',
  'deployments.control',
  'deployments.stop',
  'configuration.read',
  'configuration.manage',
  'audit.read',
] as const

export type Permission = (typeof permissions)[number]

/**
 * Who may call an operation: a permission, or `public` (nobody signed in), `session` (anybody signed in, about themselves).
 */
export type Requirement = Permission | 'public' | 'session'

const reading: readonly Permission[] = permissions.filter((permission) => permission.endsWith('.read'))

/** The built-in roles. An organisation may add its own; these do not change. */
export const builtInRoles = {
  owner: permissions,
  release_manager: [
    'products.read',
    'devices.read',
    'releases.read',
    'releases.upload',
    'releases.release',
    'releases.withdraw',
    'deployments.read',
    'deployments.create',
    'deployments.control',
    'deployments.stop',
    'configuration.read',
    'configuration.manage',
  ],
  signer: ['products.read', 'releases.read', 'releases.upload', 'releases.sign'],
  operator: [
    'products.read',
    'devices.read',
    'devices.accept',
    'devices.manage',
    'devices.retire',
    'releases.read',
    'deployments.read',
    'deployments.create',
    'deployments.control',
    'deployments.stop',
    'configuration.read',
    'configuration.manage',
  ],
  security: [...reading, 'devices.quarantine', 'devices.retire', 'deployments.stop', 'releases.withdraw'],
  auditor: reading,
  support: [
    'organisation.read',
    'products.read',
    'devices.read',
    'releases.read',
    'deployments.read',
    'configuration.read',
  ],
} as const satisfies Record<string, readonly Permission[]>

export type BuiltInRole = keyof typeof builtInRoles
