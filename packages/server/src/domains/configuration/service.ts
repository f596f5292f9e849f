import type { Clock } from '@holdfast/kernel'
import { type Actor, systemActor } from '../../platform/actor.ts'
import type { Database, Reader, Tx } from '../../platform/db/index.ts'
import { type Follower, record } from '../audit/index.ts'
import type { Assignment } from '../deployments/index.ts'
import { actorOf, type DevicePrincipal } from '../devices/index.ts'
import { type Settings, sameSettings } from './drift.ts'
import { addHistory, findConfiguration, listHistory, putConfiguration, type StoredConfiguration } from './store.ts'

type Given = Pick<Assignment, 'kind' | 'artifact'>

export interface ConfigurationNeeds {
  readonly db: Database
  readonly clock: Clock
  /** What a deployment gave to a device. */
  readonly findGiven: (
    device: { organisation: string; device: string },
    deployment: string,
  ) => Promise<Given | undefined>
}

export type Configuration = ReturnType<typeof createConfiguration>

export function createConfiguration({ db, clock, findGiven }: ConfigurationNeeds) {
  const change = async (
    tx: Tx,
    actor: Actor,
    before: StoredConfiguration,
    kind: 'desired' | 'reported',
    settings: Settings,
    more: Partial<StoredConfiguration>,
  ) => {
    const at = clock.now()
    await putConfiguration(tx, { ...before, [kind]: settings, [`${kind}At`]: at, ...more })
    if (sameSettings(before[kind], settings)) return
    await addHistory(tx, before.device, { at, kind, settings })
    await record(tx, {
      organisation: before.organisation,
      type: `configuration.${kind}`,
      subject: { kind: 'device', id: before.device },
      actor,
      at,
      detail: { settings: Object.keys(settings).length },
      before: { ...before[kind] },
      after: { ...settings },
    })
  }

  /** Deployments that bring no configuration, so that the many events of an update cost no query. */
  const others = new Set<string>()
  const follower: Follower = {
    name: 'configuration.desired',
    prefix: 'deployment.device_changed',
    async handle(tx, event) {
      const deployment = event.subject.id
      const device = event.detail.device
      if (typeof device !== 'string' || others.has(deployment)) return
      const given = await findGiven({ organisation: event.organisation, device }, deployment)
      if (given === undefined) return
      if (given.kind !== 'configuration') {
        if (others.size > 10_000) others.clear()
        others.add(deployment)
        return
      }
      const settings = given.artifact?.settings
      const before = await configurationOf(tx, event.organisation, device)
      if (settings === undefined || settings === null || before.deployment === deployment) return
      await change(tx, systemActor('configuration'), before, 'desired', settings, { deployment })
    },
  }

  return {
    follower,

    of: (organisation: string, device: string): Promise<StoredConfiguration> =>
      configurationOf(db.read, organisation, device),

    async desired(device: DevicePrincipal): Promise<Settings> {
      return (await configurationOf(db.read, device.organisation, device.device)).desired
    },

    /** Takes over what a device says it uses; writes no history when nothing changed. */
    async report(principal: DevicePrincipal, settings: Settings): Promise<void> {
      const { organisation, device } = principal
      const known = await configurationOf(db.read, organisation, device)
      if (known.reportedAt !== null && sameSettings(known.reported, settings)) return
      await db.write(async (tx) => {
        const before = await configurationOf(tx, organisation, device)
        await change(tx, actorOf(principal), before, 'reported', settings, {})
      })
    },

    history: (device: string, before: number | undefined, limit: number) => listHistory(db.read, device, before, limit),
  }
}

async function configurationOf(db: Reader, organisation: string, device: string): Promise<StoredConfiguration> {
  const stored = await findConfiguration(db, device)
  if (stored !== undefined && stored.organisation === organisation) return stored
  return { device, organisation, deployment: null, desired: {}, desiredAt: null, reported: {}, reportedAt: null }
}
