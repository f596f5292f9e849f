import { type Clock, day, Fault } from '@holdfast/kernel'
import type { Database } from '../../platform/db/index.ts'
import type { Artifacts, StoredArtifact } from '../artifacts/index.ts'
import { Bitmap, type DeviceView, type Filter } from '../devices/index.ts'
import type { ReleaseArtifact } from './compatibility.ts'
import type { ActiveDeployment } from './decision.ts'
import { hasEnded, isContinuous } from './deployment.ts'
import { listUnsettledNumbers } from './device-store.ts'
import { compareDeployments } from './ordering.ts'
import { type Roster, rosterOf } from './population.ts'
import { findDeployment, findPopulation, listOpen, type StoredDeployment } from './store.ts'
import { joins, type Populations, readTarget } from './target.ts'

/** Devices that reported nothing this long after the end of a deployment are no longer told to stop. */
const lingering = 30 * day

interface EntryParts {
  readonly stored: StoredDeployment
  readonly population: Bitmap
  readonly artifacts: readonly StoredArtifact[]
  /** Who may join; undefined: nobody, because the target cannot be read any more. */
  readonly filter: Filter | undefined
  /** Numbers of late joiners that were given something. */
  readonly joined: Iterable<number>
}

/** One deployment that can still concern devices, ready to be decided on without a query. */
export class ActiveEntry {
  readonly stored: StoredDeployment
  /** Undefined before the start. */
  readonly population: Bitmap | undefined
  readonly artifacts: ReadonlyMap<string, StoredArtifact>
  readonly #release: ActiveDeployment['release']
  readonly #roster: Roster
  readonly #filter: Filter | undefined
  /** Numbers of devices that joined later and were given something: they stay, whatever their attributes become. */
  readonly #joined: Set<number>
  /** A bit for each device number that this deployment has nothing left to say to. */
  #settled = new Uint32Array(0)

  constructor({ stored, population, artifacts, filter, joined }: EntryParts) {
    this.stored = stored
    this.population = stored.phase < 0 ? undefined : population
    this.artifacts = new Map(artifacts.map((artifact) => [artifact.id, artifact]))
    this.#release = { id: stored.release, version: stored.version, artifacts: artifacts.map(toReleaseArtifact) }
    this.#roster = rosterOf(stored, population)
    this.#joined = new Set(joined)
    this.#filter = filter
  }

  /** False only when the device certainly gets nothing from this deployment: that needs no query. */
  mayConcern(device: DeviceView, now: number): boolean {
    if (this.stored.phase < 0 || this.#isSettled(device.number)) return false
    const place = this.#roster.findPlace(device.number, () => this.#joins(device, now))
    return place !== undefined && place.phase <= this.stored.phase
  }

  activeFor(device: DeviceView, now: number): ActiveDeployment {
    return {
      deployment: this.stored,
      release: this.#release,
      roster: this.#roster,
      matches: () => this.#joins(device, now),
    }
  }

  /** True for a device that was there at the start. */
  isFounder(deviceNumber: number): boolean {
    return this.#roster.findPlace(deviceNumber, () => false) !== undefined
  }

  noteJoined(deviceNumber: number): void {
    this.#joined.add(deviceNumber)
  }

  noteSettled(deviceNumber: number): void {
    const word = deviceNumber >>> 5
    if (word >= this.#settled.length) {
      const grown = new Uint32Array(Math.max(1_024, word + 1, this.#settled.length * 2))
      grown.set(this.#settled)
      this.#settled = grown
    }
    this.#settled[word] = (this.#settled[word] ?? 0) | (1 << (deviceNumber & 31))
  }

  #joins(device: DeviceView, now: number): boolean {
    if (this.#joined.has(device.number)) return true
    return this.#filter !== undefined && joins(this.stored.target, this.#filter, device, now)
  }

  #isSettled(deviceNumber: number): boolean {
    return (((this.#settled[deviceNumber >>> 5] ?? 0) >>> (deviceNumber & 31)) & 1) === 1
  }
}

export type ActiveIndex = ReturnType<typeof createActiveIndex>

/** Every deployment that can still concern a device, kept in memory and refreshed by events. */
export function createActiveIndex({
  db,
  artifacts,
  clock,
  populations,
}: {
  readonly db: Database
  readonly artifacts: Artifacts
  readonly clock: Clock
  readonly populations: Populations
}) {
  const entries = new Map<string, ActiveEntry>()
  let byOrganisation = new Map<string, ActiveEntry[]>()

  function sortIn(): void {
    byOrganisation = Map.groupBy(entries.values(), ({ stored }) => stored.organisation)
    for (const group of byOrganisation.values()) group.sort((a, b) => compareDeployments(a.stored, b.stored))
  }

  async function build(id: string, members?: Bitmap): Promise<ActiveEntry | undefined> {
    const stored = await findDeployment(db.read, id)
    if (stored === undefined || stored.state === 'finished') return undefined
    if (hasEnded(stored) && (stored.phase < 0 || (stored.endedAt ?? 0) < clock.now() - lingering)) return undefined
    const release = await artifacts.find(stored.organisation, stored.release)
    // Only a started deployment has a population, and then it never changes.
    const known = members ?? entries.get(id)?.population
    const population = stored.phase < 0 ? Bitmap.empty : (known ?? (await readPopulation(id)))
    const joined = isContinuous(stored.target) ? await listUnsettledNumbers(db.read, id) : []
    const filter = await readJoiners(stored)
    return new ActiveEntry({ stored, population, artifacts: release?.artifacts ?? [], filter, joined })
  }

  async function readPopulation(id: string): Promise<Bitmap> {
    const bytes = await findPopulation(db.read, id)
    return bytes === undefined ? Bitmap.empty : Bitmap.decode(bytes)
  }

  async function readJoiners({ organisation, target, product }: StoredDeployment): Promise<Filter | undefined> {
    if (!isContinuous(target)) return undefined
    try {
      return await readTarget(populations, organisation, target, product)
    } catch (thrown) {
      if (thrown instanceof Fault) return undefined
      throw thrown
    }
  }

  /** `members` spares reading a population that the caller has just written. */
  async function refresh(id: string, members?: Bitmap): Promise<void> {
    const entry = await build(id, members)
    const known = entries.get(id)
    // Refreshes overlap; an older answer must not replace a newer one.
    if (entry !== undefined && known !== undefined && known.stored.revision > entry.stored.revision) return
    if (entry === undefined) entries.delete(id)
    else entries.set(id, entry)
    sortIn()
  }

  return {
    of: (organisation: string): readonly ActiveEntry[] => byOrganisation.get(organisation) ?? [],
    find: (id: string): ActiveEntry | undefined => entries.get(id),
    all: (): readonly ActiveEntry[] => [...entries.values()],
    refresh,
    async load(): Promise<void> {
      for (const id of await listOpen(db.read, clock.now() - lingering)) {
        const entry = await build(id)
        if (entry !== undefined) entries.set(id, entry)
      }
      sortIn()
    },
  }
}

export function toReleaseArtifact(artifact: StoredArtifact): ReleaseArtifact {
  const depends = Object.entries({
    ...(artifact.deviceTypes.length === 0 ? {} : { device_type: artifact.deviceTypes }),
    ...artifact.depends,
  })
  return {
    id: artifact.id,
    format: artifact.format,
    depends: Object.fromEntries(depends.map(([key, value]) => [key, typeof value === 'string' ? [value] : value])),
    provides: artifact.provides,
  }
}
