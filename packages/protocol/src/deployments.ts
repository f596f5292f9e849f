import { z } from 'zod'
import { FilterText } from './device-shapes.ts'
import { operation } from './operation.ts'
import { Id, Name, PageQuery, page, Time } from './shapes.ts'

export const DeploymentState = z.enum(['scheduled', 'running', 'paused', 'finished', 'halted', 'aborted', 'expired'])

/** Where one device is in one deployment. The last five are final. */
export const DeviceStatus = z.enum([
  'pending',
  'downloading',
  'downloaded',
  'paused_before_installing',
  'installing',
  'paused_before_rebooting',
  'rebooting',
  'paused_before_committing',
  'success',
  'failure',
  'already_installed',
  'aborted',
  'incompatible',
])

export const Target = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('devices'), devices: z.array(Id).min(1).max(1_000) }),
  z.object({ kind: z.literal('group'), group: Id, continuous: z.boolean().default(false) }),
  z.object({ kind: z.literal('filter'), filter: FilterText, continuous: z.boolean().default(false) }),
])

export const Phase = z.object({
  /** Share of the population in percent, or a number of devices; the last phase may leave both out: the rest. */
  percent: z.number().gt(0).max(100).optional(),
  count: z.number().int().min(1).optional(),
  /** Wait this long after the phase before has met its threshold. */
  delayMinutes: z.number().int().min(0).max(525_600).default(0),
  /** Somebody must open this phase by hand. */
  gate: z.boolean().default(false),
})

export const Window = z.object({
  /** ISO weekdays, 1 = Monday; empty: every day. */
  days: z.array(z.number().int().min(1).max(7)).max(7).default([]),
  /** `HH:MM`, device-local; an end before the start goes past midnight. */
  from: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/),
  to: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/),
  /** Used for devices whose own zone is unknown. */
  timeZone: z.string().max(64).default('UTC'),
})

export const Policy = z.object({
  phases: z
    .array(Phase)
    .min(1)
    .max(50)
    .default([{ delayMinutes: 0, gate: false }]),
  /** Per cent of a phase's devices that must have succeeded before the next one opens; incompatible ones do not count. */
  successPercent: z.number().min(0).max(100).default(100),
  /** The deployment halts by itself when this share of an open phase's devices has failed … */
  haltAtFailurePercent: z.number().gt(0).max(100).optional(),
  /** … or at this number of failures in all. */
  haltAtFailures: z.number().int().min(1).optional(),
  priority: z.number().int().min(-1_000).max(1_000).default(0),
  startAt: Time.optional(),
  expiresAt: Time.optional(),
  windows: z.array(Window).max(20).default([]),
  retries: z.number().int().min(0).max(20).default(0),
  /** First wait between two attempts of a device; doubles each time. */
  retryBackoffMinutes: z.number().int().min(0).max(1_440).default(5),
  /** Download at once and install only when somebody says so. */
  downloadOnly: z.boolean().default(false),
  /** A person at the device must confirm. */
  confirmation: z.boolean().default(false),
  /** Points at which clients that can (mender-client 3.x) wait for a person. */
  pauseBefore: z.array(z.enum(['installing', 'rebooting', 'committing'])).default([]),
  /** Install also where the same version already runs, and outside of windows. */
  force: z.boolean().default(false),
})

export const PhaseProgress = z.object({
  number: z.number().int(),
  devices: z.number().int(),
  state: z.enum(['waiting', 'gated', 'open', 'passed', 'failed']),
  openedAt: Time.optional(),
  counts: z.partialRecord(DeviceStatus, z.number().int()),
})

export const Deployment = z.object({
  id: Id,
  name: Name,
  release: z.object({ id: Id, version: z.string(), product: z.object({ id: Id, name: Name }) }),
  /** `update`, or `configuration` for a signed configuration artifact. */
  kind: z.enum(['update', 'configuration']),
  target: Target,
  policy: Policy,
  state: DeploymentState,
  /** Why it is in its state, for people: `halted: 3 of 20 devices of phase 1 failed (limit 10 %)`. */
  reason: z.string().optional(),
  devices: z.number().int(),
  counts: z.partialRecord(DeviceStatus, z.number().int()),
  phases: z.array(PhaseProgress),
  createdAt: Time,
  createdBy: z.string(),
  startedAt: Time.optional(),
  finishedAt: Time.optional(),
  /** The deployment that this one rolls back. */
  rollbackOf: Id.optional(),
})

export const DeploymentDevice = z.object({
  device: z.object({ id: Id, name: z.string() }),
  phase: z.number().int(),
  status: DeviceStatus,
  substate: z.string().optional(),
  attempt: z.number().int(),
  progress: z.object({ done: z.number(), of: z.number() }).optional(),
  hasLog: z.boolean(),
  updatedAt: Time,
})

export const TimelineEvent = z.object({
  at: Time,
  status: DeviceStatus.optional(),
  substate: z.string().optional(),
  message: z.string().optional(),
})

const ByDeployment = z.object({ deployment: Id })
const ByDeploymentDevice = z.object({ deployment: Id, device: Id })
const NewDeployment = z.object({
  name: Name,
  release: Id,
  target: Target,
  policy: Policy.default(() => Policy.parse({})),
})

export const deployments = {
  list: operation({
    id: 'deployments.list',
    method: 'GET',
    path: '/deployments',
    requires: 'deployments.read',
    summary: 'Deployments, newest first',
    query: PageQuery.extend({
      state: z.string().max(100).optional(),
      product: Id.optional(),
      release: Id.optional(),
      device: Id.optional(),
    }),
    answer: page(Deployment),
  }),
  get: operation({
    id: 'deployments.get',
    method: 'GET',
    path: '/deployments/{deployment}',
    requires: 'deployments.read',
    summary: 'One deployment with its progress',
    params: ByDeployment,
    answer: Deployment,
  }),
  preview: operation({
    id: 'deployments.preview',
    method: 'POST',
    path: '/deployments/preview',
    requires: 'deployments.read',
    summary: 'Who would get what: devices a phase, examples, and what stands in the way',
    body: NewDeployment.omit({ name: true }),
    answer: z.object({
      devices: z.number().int(),
      phases: z.array(
        z.object({
          number: z.number().int(),
          devices: z.number().int(),
          examples: z.array(z.object({ id: Id, name: z.string() })),
        }),
      ),
      /** Devices by compatibility with the release's artifacts. */
      compatible: z.number().int(),
      alreadyInstalled: z.number().int(),
      incompatible: z.number().int(),
      warnings: z.array(z.string()),
    }),
  }),
  create: operation({
    id: 'deployments.create',
    method: 'POST',
    path: '/deployments',
    requires: 'deployments.create',
    summary: 'Deploy a release',
    body: NewDeployment,
    answer: z.object({ id: Id, devices: z.number().int() }),
    status: 201,
  }),
  devices: operation({
    id: 'deployments.devices',
    method: 'GET',
    path: '/deployments/{deployment}/devices',
    requires: 'deployments.read',
    summary: 'Its devices that have been heard of, latest first',
    params: ByDeployment,
    query: PageQuery.extend({ status: DeviceStatus.optional(), phase: z.coerce.number().int().optional() }),
    answer: page(DeploymentDevice),
  }),
  timeline: operation({
    id: 'deployments.timeline',
    method: 'GET',
    path: '/deployments/{deployment}/devices/{device}',
    requires: 'deployments.read',
    summary: 'What one device did in it, step by step',
    params: ByDeploymentDevice,
    answer: DeploymentDevice.extend({ events: z.array(TimelineEvent) }),
  }),
  log: operation({
    id: 'deployments.log',
    method: 'GET',
    path: '/deployments/{deployment}/devices/{device}/log',
    requires: 'deployments.read',
    summary: 'The log that the device sent',
    params: ByDeploymentDevice,
    answer: z.object({ messages: z.array(z.object({ at: z.string(), level: z.string(), message: z.string() })) }),
  }),
  ofDevice: operation({
    id: 'deployments.ofDevice',
    method: 'GET',
    path: '/devices/{device}/deployments',
    requires: 'deployments.read',
    summary: 'The deployments of one device, latest first',
    params: z.object({ device: Id }),
    query: PageQuery,
    answer: page(
      DeploymentDevice.omit({ device: true }).extend({
        deployment: z.object({ id: Id, name: Name }),
        release: z.string(),
      }),
    ),
  }),
  wouldDo: operation({
    id: 'deployments.wouldDo',
    method: 'GET',
    path: '/devices/{device}/next',
    requires: 'deployments.read',
    summary: 'What this device would get if it asked now, and why',
    params: z.object({ device: Id }),
    answer: z.object({
      answer: z.enum(['nothing', 'deliver', 'cancel', 'already_installed', 'incompatible']),
      why: z.string(),
      deployment: z.object({ id: Id, name: Name }).optional(),
      considered: z.array(z.object({ deployment: z.object({ id: Id, name: Name }), why: z.string() })),
    }),
  }),
  pause: operation({
    id: 'deployments.pause',
    method: 'POST',
    path: '/deployments/{deployment}/pause',
    requires: 'deployments.stop',
    summary: 'Hand out nothing new until resumed',
    params: ByDeployment,
    answer: 'nothing',
  }),
  resume: operation({
    id: 'deployments.resume',
    method: 'POST',
    path: '/deployments/{deployment}/resume',
    requires: 'deployments.control',
    summary: 'Go on',
    params: ByDeployment,
    answer: 'nothing',
  }),
  abort: operation({
    id: 'deployments.abort',
    method: 'POST',
    path: '/deployments/{deployment}/abort',
    requires: 'deployments.stop',
    summary: 'Stop for good; devices that are at it are told to cancel',
    params: ByDeployment,
    body: z.object({ reason: z.string().max(500).default('') }),
    answer: 'nothing',
  }),
  abortAll: operation({
    id: 'deployments.abortAll',
    method: 'POST',
    path: '/deployments/abort-all',
    requires: 'deployments.stop',
    summary: 'Stop every deployment of the organisation',
    body: z.object({ reason: z.string().min(1).max(500) }),
    answer: z.object({ aborted: z.number().int() }),
  }),
  openPhase: operation({
    id: 'deployments.openPhase',
    method: 'POST',
    path: '/deployments/{deployment}/phases/{phase}/open',
    requires: 'deployments.control',
    summary: 'Open a gated phase, or a waiting one early',
    params: z.object({ deployment: Id, phase: z.coerce.number().int().min(1) }),
    answer: 'nothing',
  }),
  install: operation({
    id: 'deployments.install',
    method: 'POST',
    path: '/deployments/{deployment}/install',
    requires: 'deployments.control',
    summary: 'Let a download-only deployment install',
    params: ByDeployment,
    answer: 'nothing',
  }),
  continue: operation({
    id: 'deployments.continue',
    method: 'POST',
    path: '/deployments/{deployment}/devices/{device}/continue',
    requires: 'deployments.control',
    summary: 'Let a device go on that waits at a pause point or for confirmation',
    params: ByDeploymentDevice,
    answer: 'nothing',
  }),
  retry: operation({
    id: 'deployments.retry',
    method: 'POST',
    path: '/deployments/{deployment}/devices/{device}/retry',
    requires: 'deployments.control',
    summary: 'Let a failed device try again',
    params: ByDeploymentDevice,
    answer: 'nothing',
  }),
  force: operation({
    id: 'deployments.force',
    method: 'POST',
    path: '/deployments/{deployment}/force',
    requires: 'deployments.control',
    summary: 'Ignore windows and installed versions from now on',
    params: ByDeployment,
    answer: 'nothing',
  }),
  extend: operation({
    id: 'deployments.extend',
    method: 'POST',
    path: '/deployments/{deployment}/extend',
    requires: 'deployments.control',
    summary: 'Move the expiry',
    params: ByDeployment,
    body: z.object({ expiresAt: Time }),
    answer: 'nothing',
  }),
  rollBack: operation({
    id: 'deployments.rollBack',
    method: 'POST',
    path: '/deployments/{deployment}/roll-back',
    requires: 'deployments.create',
    summary: 'Deploy the release before to the same devices, in one step',
    params: ByDeployment,
    body: z.object({ release: Id.optional() }),
    answer: z.object({ id: Id, devices: z.number().int() }),
    status: 201,
  }),
}
