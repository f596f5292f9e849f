import { Fault } from '@holdfast/kernel'
import { z } from 'zod'
import type { Report } from '../../domains/deployments/index.ts'
import type { Provides } from '../../domains/devices/index.ts'

/** What the Mender device API sends, as it stands in the bodies. */
export const bodyLimits = {
  authentication: 64 * 1024,
  next: 64 * 1024,
  status: 16 * 1024,
  /** Mender itself takes 1 MiB; a bigger log of a failure would be lost there. */
  log: 4 * 1024 * 1024,
  inventory: 1024 * 1024,
  configuration: 1024 * 1024,
}

export const AuthenticationRequest = z.object({
  /** A JSON object as text. */
  id_data: z.string().min(2).max(16_384),
  pubkey: z.string().min(1).max(16_384),
  tenant_token: z.string().max(4_096).default(''),
})

export const IdentityData = z.record(
  z.string().min(1).max(128),
  z.union([z.string().max(1_024), z.array(z.string().max(1_024)).max(32)]),
)

const statuses: Readonly<Record<string, Report['status']>> = {
  downloading: 'downloading',
  pause_before_installing: 'paused_before_installing',
  installing: 'installing',
  pause_before_rebooting: 'paused_before_rebooting',
  rebooting: 'rebooting',
  pause_before_committing: 'paused_before_committing',
  success: 'success',
  failure: 'failure',
  'already-installed': 'already_installed',
}

export const StatusReport = z.object({
  status: z.enum(Object.keys(statuses) as [string, ...string[]]),
  substate: z.string().optional(),
})

/** The domain's word for a status that `StatusReport` let through. */
export function statusOf(wire: string): Report['status'] {
  return statuses[wire] as Report['status']
}

/** Words are shortened, not refused: a refusal would make the client roll back, or lose its log. */
const cut = (length: number) => z.string().transform((text) => text.slice(0, length))

export const DeploymentLog = z.object({
  messages: z
    .array(
      z.object({
        timestamp: cut(64).default(''),
        level: cut(32).default('info'),
        message: z.string().default(''),
      }),
    )
    .max(50_000),
})

const Attribute = z.union([z.string(), z.number(), z.boolean()])

export const InventoryAttributes = z
  .array(z.object({ name: z.string().min(1).max(128), value: z.union([Attribute, z.array(Attribute).max(100)]) }))
  .max(1_000)

export const ConfigurationReport = z.record(z.string().max(128), z.string().max(8_192))

export interface NextRequest {
  readonly provides: Provides
  /** The client honours pause points. */
  readonly pauses: boolean
}

const maxProvides = 256

/** The body of `POST v2 … next`; written by hand because every check-in passes here. */
export function readNextV2(body: unknown): NextRequest {
  const { device_provides, update_control_map } = requireObject(body)
  return { provides: readProvides(device_provides), pauses: update_control_map === true }
}

/** A flat map of texts; throws `malformed`. */
export function readProvides(value: unknown): Provides {
  const provides = requireObject(value)
  const names = Object.keys(provides)
  if (names.length > maxProvides) throw notProvides(`more than ${maxProvides} entries`)
  for (const name of names) {
    const text = provides[name]
    if (typeof text !== 'string' || text.length > 1_024 || name.length > 256) throw notProvides(`${name.slice(0, 64)}`)
  }
  return provides as Provides
}

function requireObject(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw notProvides('not an object')
  return value as Record<string, unknown>
}

function notProvides(what: string): Fault {
  return new Fault('malformed', 'mender.provides', `what the device provides must be a map of texts: ${what}`)
}
