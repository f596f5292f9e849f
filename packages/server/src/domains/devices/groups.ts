import { type Clock, Fault, newId } from '@holdfast/kernel'
import type { Actor } from '../../platform/actor.ts'
import type { Database, Tx } from '../../platform/db/index.ts'
import { record } from '../audit/index.ts'
import { findByNumber, listNumbers } from './device-store.ts'
import type { Filters } from './filters.ts'
import {
  addMember,
  deleteGroup,
  type Group,
  insertGroup,
  listGroups,
  listGroupsOf,
  listMembers,
  removeMember,
  updateGroup,
} from './group-store.ts'
import type { Operate, Operator } from './operate.ts'
import { missingDevice, type Views } from './views.ts'
import type { DeviceWriter } from './writer.ts'

const mostGroups = 1_000
/** Devices whose membership changes in one transaction: bounds how long it holds everybody up. */
const membersPerWrite = 20

export interface GroupsNeeds {
  readonly db: Database
  readonly clock: Clock
  readonly writer: DeviceWriter
  readonly filters: Filters
  readonly views: Views
  readonly operate: Operate
}

export type Groups = ReturnType<typeof createGroups>

/**
 * Groups of devices. What a group holds is part of what people scoped to it may do, so making one and changing its
 * filter is for those who may act everywhere; others only move devices that they see in and out of their own groups.
 */
export function createGroups({ db, clock, writer, filters, views, operate }: GroupsNeeds) {
  const note = (
    tx: Tx,
    actor: Actor,
    group: Group,
    type: string,
    detail: Readonly<Record<string, string | number>>,
    states: { before?: Group; after?: Group } = {},
  ) =>
    record(tx, {
      organisation: group.organisation,
      type: `group.${type}`,
      subject: { kind: 'group', id: group.id },
      actor,
      at: clock.now(),
      detail,
      ...(states.before === undefined ? {} : { before: { ...states.before } }),
      ...(states.after === undefined ? {} : { after: { ...states.after } }),
    })

  const forget = (organisation: string) => {
    filters.forget(organisation)
    views.dropAll()
  }

  async function requireGroup(tx: Tx, operator: Operator, id: string): Promise<Group> {
    const group = (await listGroups(tx, operator.organisation)).find((one) => one.id === id)
    const isVisible = operator.scope === 'everywhere' || operator.scope.groups.has(id)
    if (group === undefined || !isVisible) throw missingGroup()
    return group
  }

  async function verifyName(tx: Tx, organisation: string, name: string, own?: string): Promise<void> {
    const groups = await listGroups(tx, organisation)
    if (groups.some((group) => group.name.toLowerCase() === name.toLowerCase() && group.id !== own)) {
      throw new Fault('conflict', 'devices.group_name_taken', `there is a group “${name}” already`, { at: 'name' })
    }
    if (own === undefined && groups.length >= mostGroups) {
      throw new Fault('limited', 'devices.too_many_groups', `an organisation has at most ${mostGroups} groups`)
    }
  }

  /** Adds a device to a static group or takes it out; false where nothing changes. */
  async function move(tx: Tx, group: Group, number: number, into: boolean): Promise<boolean> {
    const groups = await listGroupsOf(tx, number)
    if (groups.includes(group.id) === into) return false
    const device = await findByNumber(tx, number)
    if (device === undefined) return false
    await writer.change(tx, device, {}, into ? [...groups, group.id] : groups.filter((id) => id !== group.id))
    if (into) await addMember(tx, group.id, number)
    else await removeMember(tx, group.id, number)
    return true
  }

  async function moveAll(operator: Operator, id: string, ids: readonly string[], into: boolean): Promise<number> {
    let moved = 0
    for (let start = 0; start < ids.length; start += membersPerWrite) {
      const part: number[] = []
      for (const one of ids.slice(start, start + membersPerWrite)) {
        part.push((await operate.requireVisible(operator, one)).number)
      }
      moved += await db.write(async (tx) => {
        const group = await requireGroup(tx, operator, id)
        if (group.filter !== undefined) {
          throw new Fault('conflict', 'devices.group_dynamic', 'who is in this group is decided by its filter')
        }
        let count = 0
        for (const number of part) {
          if (await move(tx, group, number, into)) count += 1
        }
        if (count > 0) {
          await note(tx, operator.actor, group, 'members_changed', { [into ? 'added' : 'removed']: count })
        }
        return count
      })
    }
    return moved
  }

  return {
    async create(operator: Operator, input: { name: string; description: string; filter?: string | undefined }) {
      requireEverywhere(operator)
      const { organisation, actor } = operator
      const now = clock.now()
      const group: Group = { ...input, filter: input.filter, id: newId(now), organisation, createdAt: now }
      if (group.filter !== undefined) await filters.verifyGroup(organisation, group)
      await db.write(async (tx) => {
        await verifyName(tx, organisation, input.name)
        await insertGroup(tx, group)
        const kind = group.filter === undefined ? 'static' : 'dynamic'
        await note(
          tx,
          actor,
          group,
          'created',
          { name: group.name, kind, filter: group.filter ?? '' },
          { after: group },
        )
      })
      forget(organisation)
      return group
    },

    async change(
      operator: Operator,
      id: string,
      change: { name?: string | undefined; description?: string | undefined; filter?: string | undefined },
    ): Promise<void> {
      const { organisation, actor } = operator
      requireEverywhere(operator)
      const current = (await listGroups(db.read, organisation)).find((group) => group.id === id)
      if (current === undefined) throw missingGroup()
      if (change.filter !== undefined) await filters.verifyGroup(organisation, { ...current, filter: change.filter })
      await db.write(async (tx) => {
        const group = await requireGroup(tx, operator, id)
        const { name = group.name, description = group.description, filter = group.filter } = change
        if (group.filter === undefined && filter !== undefined) {
          throw new Fault('conflict', 'devices.group_static', 'the devices of this group are chosen one by one')
        }
        await verifyName(tx, organisation, name, id)
        const after = { ...group, name, description, filter }
        await updateGroup(tx, after)
        await note(tx, actor, group, 'changed', { name, filter: filter ?? '' }, { before: group, after })
      })
      forget(organisation)
    },

    async remove(operator: Operator, id: string): Promise<void> {
      requireEverywhere(operator)
      for (let removed = false; !removed; ) {
        removed = await db.write(async (tx) => {
          const group = await requireGroup(tx, operator, id)
          const members = await listMembers(tx, id, membersPerWrite)
          for (const number of members) await move(tx, group, number, false)
          if (members.length === membersPerWrite) return false
          await deleteGroup(tx, id)
          await note(tx, operator.actor, group, 'removed', { name: group.name }, { before: group })
          return true
        })
      }
      forget(operator.organisation)
    },

    async changeMembers(operator: Operator, id: string, add: readonly string[], remove: readonly string[]) {
      const known = await listNumbers(db.read, operator.organisation, [...add, ...remove])
      if (known.size < new Set([...add, ...remove]).size) throw missingDevice()
      const added = await moveAll(operator, id, add, true)
      const removed = await moveAll(operator, id, remove, false)
      views.dropAll()
      return { added, removed }
    },
  }
}

function requireEverywhere({ scope }: Operator): void {
  if (scope === 'everywhere') return
  throw new Fault(
    'forbidden',
    'devices.scope',
    'your role holds on some products or groups only; it cannot change what they hold',
  )
}

export function missingGroup(): Fault {
  return new Fault('missing', 'devices.group_missing', 'there is no such group')
}
