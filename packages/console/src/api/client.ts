import { createClient } from '@holdfast/client'
import type { Answer, operations } from '@holdfast/protocol'
import { browserTransport } from './transport.ts'

export const client = createClient(browserTransport)

type Operations = typeof operations
type Item<A> = A extends { items: (infer I)[] } ? I : never

export type Me = Answer<Operations['session']['me']>
export type Overview = Answer<Operations['system']['overview']>
export type Device = Item<Answer<Operations['devices']['list']>>
export type DeviceDetail = Answer<Operations['devices']['get']>
export type DeviceState = Device['state']
export type DeviceKey = DeviceDetail['keys'][number]
export type DeviceQuery = NonNullable<NonNullable<Parameters<typeof client.devices.list>[0]>['query']>
export type Group = Answer<Operations['devices']['getGroup']>
export type Product = Answer<Operations['products']['get']>
export type Release = Answer<Operations['releases']['get']>
export type Artifact = Release['artifacts'][number]
export type Deployment = Answer<Operations['deployments']['get']>
export type DeploymentDevice = Item<Answer<Operations['deployments']['devices']>>
export type DeviceStatus = DeploymentDevice['status']
export type NewDeployment = Parameters<typeof client.deployments.create>[0]['body']
export type Target = NewDeployment['target']
export type Policy = NonNullable<NewDeployment['policy']>
export type Preview = Answer<Operations['deployments']['preview']>
export type AuditRecord = Item<Answer<Operations['audit']['list']>>
export type AuditQuery = NonNullable<NonNullable<Parameters<typeof client.audit.list>[0]>['query']>
export type Person = Item<Answer<Operations['people']['list']>>
export type Grant = Person['grants'][number]
export type Role = Item<Answer<Operations['people']['roles']>>
