import { existsSync, readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { Fault, messageOf } from '@holdfast/kernel'
import { parse } from 'yaml'
import { z } from 'zod'

const Port = z.coerce.number().int().min(0).max(65_535)
const Flag = z.union([z.boolean(), z.stringbool()])

const AddressOrNetwork = z.string().refine((text) => {
  const [address = '', bits, ...more] = text.split('/')
  const longest = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1
  return (
    longest >= 0 && more.length === 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= longest))
  )
}, 'neither an address nor a network such as 10.0.0.0/8')

const OidcProvider = z.strictObject({
  id: z.string().regex(/^[a-z0-9-]{1,64}$/),
  name: z.string().min(1),
  issuer: z.url(),
  clientId: z.string().min(1),
  clientSecret: z.string().min(1),
  /** Organisation that people from here join at their first sign-in, and the role they get. */
  organisation: z.uuid().optional(),
  role: z.string().default('auditor'),
})

/** The whole configuration. Every setting has a default that works on one machine. */
const ConfigShape = z.strictObject({
  data: z.string().min(1).default('.holdfast'),
  listen: z
    .strictObject({
      host: z.string().default('127.0.0.1'),
      /** The console and the REST interface. */
      port: Port.default(8443),
      /** The device gateways. */
      devicePort: Port.default(8444),
      /** Metrics and health, plain HTTP, loopback unless told otherwise. */
      metricsPort: Port.default(9464),
      metricsHost: z.string().default('127.0.0.1'),
    })
    .prefault({}),
  /** How browsers and devices reach this server; by default made from `listen`. */
  publicUrl: z.url().optional(),
  publicDeviceUrl: z.url().optional(),
  tls: z
    .strictObject({
      certificate: z.string().optional(),
      key: z.string().optional(),
      names: z.array(z.string()).default(['localhost', '127.0.0.1']),
    })
    .refine(
      ({ certificate, key }) => (certificate === undefined) === (key === undefined),
      'certificate and key go together',
    )
    .prefault({}),
  database: z
    .strictObject({ url: z.string().optional(), connections: z.coerce.number().int().min(2).max(200).default(16) })
    .prefault({}),
  blobs: z
    .strictObject({
      s3: z
        .strictObject({
          endpoint: z.url().optional(),
          region: z.string().default('us-east-1'),
          bucket: z.string().min(1),
          prefix: z.string().default(''),
          accessKeyId: z.string().optional(),
          secretAccessKey: z.string().optional(),
          forcePathStyle: Flag.default(false),
        })
        .optional(),
      maxArtifactBytes: z.coerce
        .number()
        .int()
        .min(1)
        .default(10 * 1024 ** 3),
    })
    .prefault({}),
  devices: z
    .strictObject({
      /** Lifetime of a device's token. */
      tokenMinutes: z.coerce.number().int().min(1).max(10_080).default(1_440),
      pollSeconds: z.coerce.number().int().min(5).max(86_400).default(300),
      downloadLinkHours: z.coerce.number().int().min(1).max(168).default(24),
      maxPerOrganisation: z.coerce.number().int().min(1).default(10_000_000),
    })
    .prefault({}),
  proxies: z.strictObject({ trusted: z.array(AddressOrNetwork).default([]) }).prefault({}),
  limits: z
    .strictObject({
      inFlight: z.coerce.number().int().min(1).default(2_000),
      handshakes: z.coerce.number().int().min(1).default(64),
      waitingConnections: z.coerce.number().int().min(1).default(20_000),
      perAddressPerMinute: z.coerce.number().int().min(1).default(6_000),
      minFreeDiskMiB: z.coerce.number().int().min(1).default(64),
    })
    .prefault({}),
  sso: z.array(OidcProvider).max(20).default([]),
  log: z.strictObject({ level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info') }).prefault({}),
})

export type Config = z.output<typeof ConfigShape>

/** Values that must never be printed, by path. */
export const secretSettings: readonly string[] = [
  'database.url',
  'blobs.s3.secretAccessKey',
  'blobs.s3.accessKeyId',
  'sso[].clientSecret',
]

/**
 * Reads `holdfast.yaml` (or the file that HOLDFAST_CONFIG names) and the environment, which wins. A setting
 * `listen.devicePort` is HOLDFAST_LISTEN_DEVICE_PORT. Throws `config.invalid` naming every fault at once.
 */
export function readConfig(environment: NodeJS.ProcessEnv, overrides: Record<string, unknown> = {}): Config {
  const faults: string[] = []
  const settings = fromFile(environment.HOLDFAST_CONFIG, faults)
  applyEnvironment(settings, environment, faults)
  merge(settings, overrides)
  const parsed = ConfigShape.safeParse(settings)
  if (!parsed.success) {
    for (const issue of parsed.error.issues)
      faults.push(`${issue.path.map(String).join('.') || 'the file'}: ${issue.message}`)
  }
  if (faults.length > 0 || !parsed.success) {
    throw new Fault(
      'malformed',
      'config.invalid',
      `the configuration has ${faults.length} fault(s):\n  ${faults.join('\n  ')}`,
    )
  }
  return { ...parsed.data, data: resolve(parsed.data.data) }
}

type Settings = { [key: string]: unknown }

function fromFile(path: string | undefined, faults: string[]): Settings {
  const file = path ?? 'holdfast.yaml'
  if (!existsSync(file)) {
    if (path !== undefined) faults.push(`HOLDFAST_CONFIG: there is no file ${path}`)
    return {}
  }
  try {
    const content: unknown = parse(readFileSync(file, 'utf8')) ?? {}
    if (typeof content === 'object' && !Array.isArray(content)) return content as Settings
    faults.push(`${file}: not a mapping of settings`)
  } catch (thrown) {
    faults.push(`${file}: ${messageOf(thrown)}`)
  }
  return {}
}

/** Settings that may come from the environment: every scalar one. */
const variables = new Map(scalarPaths(ConfigShape).map((path) => [variableName(path), path]))
const notSettings = new Set([
  'HOLDFAST_CONFIG',
  'HOLDFAST_URL',
  'HOLDFAST_TOKEN',
  'HOLDFAST_CA',
  'HOLDFAST_SCREENSHOTS',
])

function applyEnvironment(settings: Settings, environment: NodeJS.ProcessEnv, faults: string[]): void {
  for (const [name, value] of Object.entries(environment)) {
    if (
      !name.startsWith('HOLDFAST_') ||
      notSettings.has(name) ||
      name.startsWith('HOLDFAST_TEST_') ||
      value === undefined
    )
      continue
    const path = variables.get(name)
    if (path === undefined) faults.push(`${name}: there is no such setting`)
    else assign(settings, path, value)
  }
}

function scalarPaths(shape: z.ZodType, path: readonly string[] = []): string[][] {
  const inner = unwrap(shape)
  if (inner instanceof z.ZodObject) {
    return Object.entries(inner.shape).flatMap(([key, member]) => scalarPaths(member as z.ZodType, [...path, key]))
  }
  return inner instanceof z.ZodArray ? [] : [[...path]]
}

function unwrap(shape: z.ZodType): z.ZodType {
  if (shape instanceof z.ZodDefault || shape instanceof z.ZodPrefault || shape instanceof z.ZodOptional) {
    return unwrap(shape.unwrap() as z.ZodType)
  }
  return shape
}

function variableName(path: readonly string[]): string {
  return ['HOLDFAST', ...path.map((part) => part.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase())].join('_')
}

function assign(settings: Settings, path: readonly string[], value: unknown): void {
  let place = settings
  for (const key of path.slice(0, -1)) {
    const inner = place[key]
    if (typeof inner !== 'object' || inner === null) place[key] = {}
    place = place[key] as Settings
  }
  place[path.at(-1) as string] = value
}

function merge(settings: Settings, overrides: Settings): void {
  for (const [key, value] of Object.entries(overrides)) {
    const present = settings[key]
    if (value !== undefined && isPlain(value) && isPlain(present)) merge(present, value)
    else if (value !== undefined) settings[key] = value
  }
}

function isPlain(value: unknown): value is Settings {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
