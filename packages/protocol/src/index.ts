import { audit } from './audit.ts'
import { configuration } from './configuration.ts'
import { deployments } from './deployments.ts'
import { devices } from './devices.ts'
import type { Operation } from './operation.ts'
import { people } from './people.ts'
import { products } from './products.ts'
import { releases } from './releases.ts'
import { session } from './session.ts'
import { system } from './system.ts'

export type { Answer, Call, Input, Method, Operation } from './operation.ts'
export { type BuiltInRole, builtInRoles, type Permission, permissions, type Requirement } from './permissions.ts'
export { ErrorAnswer } from './shapes.ts'

/** The whole REST interface by domain. */
export const operations = { session, people, products, devices, releases, deployments, configuration, audit, system }

export const apiPrefix = '/api/v1'

export function allOperations(): Operation[] {
  return Object.values(operations).flatMap((domain) => Object.values(domain) as Operation[])
}
