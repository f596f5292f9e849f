/** What a device says about itself: `device_type`, `artifact_name` and every `artifact_provides` it ever installed. */
export type Provides = Readonly<Record<string, string>>

export interface ReleaseArtifact {
  readonly id: string
  readonly format: string
  /** For each key, the values of which the device must provide one. */
  readonly depends: Readonly<Record<string, readonly string[]>>
  readonly provides: Provides
}

export interface DeployedRelease {
  readonly id: string
  readonly version: string
  readonly artifacts: readonly ReleaseArtifact[]
}

export type Compatibility =
  | { readonly kind: 'fits'; readonly artifact: ReleaseArtifact }
  /** The device has not said enough yet; asking again later is sensible. */
  | { readonly kind: 'unknown'; readonly why: string }
  | { readonly kind: 'incompatible'; readonly why: string }

/**
 * Chooses the artifact of a release for a device: its client reads the format, and every `depends` is met by what
 * it provides. Among several the one with the most conditions wins, then the smaller id, so the choice is stable.
 */
export function decideCompatible(
  release: DeployedRelease,
  provides: Provides,
  formats: readonly string[],
): Compatibility {
  const readable = release.artifacts.filter(({ format }) => formats.includes(format))
  if (readable.length === 0) {
    const offered = [...new Set(release.artifacts.map(({ format }) => format))].join(', ') || 'no artifact at all'
    return { kind: 'incompatible', why: `its client reads ${formats.join(', ')}; the release has ${offered}` }
  }
  const fitting = readable.filter((artifact) => findUnmet(artifact, provides) === undefined).sort(bySpecificity)
  const [artifact] = fitting
  if (artifact !== undefined) return { kind: 'fits', artifact }
  const unmet = readable.map((one) => findUnmet(one, provides)).filter((one) => one !== undefined)
  const unsaid = unmet.find(({ key }) => provided(provides, key) === undefined && key === 'device_type')
  if (unsaid !== undefined) return { kind: 'unknown', why: 'the device has not said what type it is' }
  const reasons = unmet.map(({ key, wanted }) => `${key} is ${provided(provides, key) ?? 'unset'}, needs ${wanted}`)
  return { kind: 'incompatible', why: reasons.join('; ') }
}

/**
 * True when the device already runs the artifact: it says the same in everything that it says at all, and its
 * `artifact_name`, which old clients report alone, is among that where the artifact has one.
 */
export function isInstalled(artifact: ReleaseArtifact, provides: Provides): boolean {
  const { artifact_name, ...rest } = artifact.provides
  const wanted = Object.entries(rest)
  if (artifact_name === undefined) {
    return wanted.length > 0 && wanted.every(([key, value]) => provided(provides, key) === value)
  }
  if (provided(provides, 'artifact_name') !== artifact_name) return false
  return wanted.every(([key, value]) => (provided(provides, key) ?? value) === value)
}

function findUnmet({ depends }: ReleaseArtifact, provides: Provides): { key: string; wanted: string } | undefined {
  for (const [key, values] of Object.entries(depends)) {
    const value = provided(provides, key)
    if (value === undefined || !values.includes(value)) return { key, wanted: values.join(' or ') }
  }
  return undefined
}

function provided(provides: Provides, key: string): string | undefined {
  return Object.hasOwn(provides, key) ? provides[key] : undefined
}

function bySpecificity(one: ReleaseArtifact, other: ReleaseArtifact): number {
  const more = Object.keys(other.depends).length - Object.keys(one.depends).length
  return more || (one.id < other.id ? -1 : one.id > other.id ? 1 : 0)
}
